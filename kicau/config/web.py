"""The web server's process: uvicorn with kicau.config.asgi, its log lines in our form. Run by `kicau up`, or alone:

python -m kicau.config.web
"""

from __future__ import annotations

import asyncio
import os
import resource
import socket
import sys
import threading
from contextlib import suppress
from types import FrameType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import uvicorn

FD = "--fd="  # a socket that listens already, given by `kicau up`
CONNECTIONS = 10  # to the database, shared by all requests
UNREAD_SECONDS = 60  # for which a reader may take nothing of an answer; then the connection is closed
BACKLOG = 2048  # connections that the system keeps until they are accepted
ACCEPTS_AT_ONCE = 8  # of them; open requests are worked on before the next ones
READ_BYTES = 32 << 10  # of a request at once
STOP_WITHIN = 20  # seconds that open requests are given when it is told to stop


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kicau.config.settings")
    import uvicorn
    from django.conf import settings

    from kicau.base import logs, privileges, setting_definitions

    privileges.keep_files_private()
    privileges.give_up_root(setting_definitions.data_folder())
    given = [int(one.removeprefix(FD)) for one in sys.argv[1:] if one.startswith(FD)]

    logs.set_up(
        setting_definitions.read("KICAU_LOG_LEVEL"), setting_definitions.read("KICAU_LOG_FORMAT"), process="web"
    )
    _raise_open_files()
    # Requests run in threads that come and go, so connections are kept by a pool and not by threads.
    database = settings.DATABASES["default"]
    database["CONN_MAX_AGE"] = 0
    database["OPTIONS"]["pool"] = {"min_size": 1, "max_size": CONNECTIONS, "timeout": 10}
    import django

    django.setup()
    from kicau.config.health_monitor import keep_standing_in

    threading.Thread(
        target=keep_standing_in, args=(threading.Event(),), name="stands in for workers", daemon=True
    ).start()
    Server = _server()
    Server(
        uvicorn.Config(
            "kicau.config.asgi:application",
            host=setting_definitions.read("KICAU_HOST"),
            port=int(setting_definitions.read("KICAU_PORT")),
            backlog=ACCEPTS_AT_ONCE,
            timeout_graceful_shutdown=STOP_WITHIN,
            **server_options(settings.KICAU_PROXIES),
        )
    ).run(sockets=[socket.socket(fileno=fd) for fd in given] or None)


def server_options(proxies: list[str]) -> dict[str, Any]:
    """For uvicorn.Config. No header says whose a request is, unless it comes from one of `proxies`."""
    return {
        "loop": "asyncio",
        "http": _protocol(),
        "ws": "none",
        "lifespan": "off",
        "log_config": None,
        "access_log": False,
        "proxy_headers": bool(proxies),
        "forwarded_allow_ips": proxies,
        "server_header": False,
    }


def _protocol() -> type[asyncio.Protocol]:
    from uvicorn.protocols.http.h11_impl import H11Protocol

    from kicau.config import request_limits

    class Protocol(H11Protocol):
        """Reads little at once, since as much is kept in memory for each connection whose body is not wanted; and
        answers there and then what the head of a connection's first request refuses."""

        _began = False

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            if hasattr(transport, "max_size"):  # of asyncio's own transports; 256 KB otherwise
                transport.max_size = READ_BYTES
            super().connection_made(transport)

        def data_received(self, data: bytes) -> None:
            first, self._began = not self._began, True
            if first and (answer := request_limits.refuse_at_once(data)) is not None:
                self._refuse(answer)
            elif not self.transport.is_closing():
                super().data_received(data)

        def _refuse(self, answer: bytes) -> None:
            self.transport.write(answer)
            self.transport.pause_reading()
            if request_limits.lingering.enter():
                self.loop.call_later(request_limits.LINGER_SECONDS, self._close)
            else:
                self.transport.close()

        def _close(self) -> None:
            request_limits.lingering.leave()
            self.transport.close()

    return Protocol


def _raise_open_files() -> None:
    """Many connections at once are many open files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 65536 if hard == resource.RLIM_INFINITY else hard
    if soft < wanted:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _server() -> type[uvicorn.Server]:
    import uvicorn

    class Server(uvicorn.Server):
        """Ends the lines that pages hold open as soon as it has to stop, and connections whose reader takes nothing."""

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            for listening in [one for server in self.servers for one in server.sockets]:
                with socket.socket(fileno=os.dup(listening.fileno())) as same:
                    same.listen(BACKLOG)  # uvicorn's one setting is for both
                with suppress(OSError, AttributeError):  # Linux only; connections inherit it
                    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNREAD_SECONDS * 1000)

        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            if live := sys.modules.get("kicau.web.core.event_stream"):  # not imported before the application is
                live.close_all()
            super().handle_exit(sig, frame)

    return Server


if __name__ == "__main__":
    main()
