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

FD_ARGUMENT = "--fd="  # a socket that listens already, given by `kicau up`
MAX_DATABASE_CONNECTIONS = 10  # to the database, shared by all requests
UNREAD_RESPONSE_TIMEOUT_SECONDS = 60  # for which a reader may take nothing of an answer; then the connection is closed
LISTEN_BACKLOG = 2048  # connections that the system keeps until they are accepted
MAX_ACCEPTS_PER_TURN = 8  # of them; open requests are worked on before the next ones
READ_CHUNK_BYTES = 32 << 10  # of a request at once
SHUTDOWN_TIMEOUT_SECONDS = 20  # seconds that open requests are given when it is told to stop


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kicau.config.settings")
    import uvicorn
    from django.conf import settings

    from kicau.base import logs, privileges, setting_definitions

    privileges.keep_files_private()
    privileges.drop_root(setting_definitions.data_folder())
    given = [int(one.removeprefix(FD_ARGUMENT)) for one in sys.argv[1:] if one.startswith(FD_ARGUMENT)]

    logs.set_up_logging(
        setting_definitions.read_setting("KICAU_LOG_LEVEL"),
        setting_definitions.read_setting("KICAU_LOG_FORMAT"),
        process="web",
    )
    _raise_open_file_limit()
    # Requests run in threads that come and go, so connections are kept by a pool and not by threads.
    database = settings.DATABASES["default"]
    database["CONN_MAX_AGE"] = 0
    database["OPTIONS"]["pool"] = {"min_size": 1, "max_size": MAX_DATABASE_CONNECTIONS, "timeout": 10}
    import django

    django.setup()
    from kicau.config.health_monitor import run_rounds_without_worker

    threading.Thread(
        target=run_rounds_without_worker, args=(threading.Event(),), name="stands in for workers", daemon=True
    ).start()
    Server = _server_class()
    Server(
        uvicorn.Config(
            "kicau.config.asgi:application",
            host=setting_definitions.read_setting("KICAU_HOST"),
            port=int(setting_definitions.read_setting("KICAU_PORT")),
            backlog=MAX_ACCEPTS_PER_TURN,
            timeout_graceful_shutdown=SHUTDOWN_TIMEOUT_SECONDS,
            **server_options(settings.KICAU_PROXIES),
        )
    ).run(sockets=[socket.socket(fileno=fd) for fd in given] or None)


def server_options(proxies: list[str]) -> dict[str, Any]:
    """For uvicorn.Config. No header says whose a request is, unless it comes from one of `proxies`."""
    return {
        "loop": "asyncio",
        "http": _protocol_class(),
        "ws": "none",
        "lifespan": "off",
        "log_config": None,
        "access_log": False,
        "proxy_headers": bool(proxies),
        "forwarded_allow_ips": proxies,
        "server_header": False,
    }


def _protocol_class() -> type[asyncio.Protocol]:
    from uvicorn.protocols.http.h11_impl import H11Protocol

    from kicau.config import request_limits

    class Protocol(H11Protocol):
        """Reads little at once, since as much is kept in memory for each connection whose body is not wanted; and
        answers there and then what the head of a connection's first request refuses."""

        _began = False

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            if hasattr(transport, "max_size"):  # of asyncio's own transports; 256 KB otherwise
                transport.max_size = READ_CHUNK_BYTES
            super().connection_made(transport)

        def data_received(self, data: bytes) -> None:
            first, self._began = not self._began, True
            if first and (answer := request_limits.reject_by_head(data)) is not None:
                self._refuse(answer)
            elif not self.transport.is_closing():
                super().data_received(data)

        def _refuse(self, answer: bytes) -> None:
            self.transport.write(answer)
            self.transport.pause_reading()
            if request_limits.lingering_senders.enter():
                self.loop.call_later(request_limits.LINGER_SECONDS, self._close)
            else:
                self.transport.close()

        def _close(self) -> None:
            request_limits.lingering_senders.leave()
            self.transport.close()

    return Protocol


def _raise_open_file_limit() -> None:
    """Many connections at once are many open files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 65536 if hard == resource.RLIM_INFINITY else hard
    if soft < wanted:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _server_class() -> type[uvicorn.Server]:
    import uvicorn

    class Server(uvicorn.Server):
        """Ends the lines that pages hold open as soon as it has to stop, and connections whose reader takes nothing."""

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            for listening in [one for server in self.servers for one in server.sockets]:
                with socket.socket(fileno=os.dup(listening.fileno())) as same:
                    same.listen(LISTEN_BACKLOG)  # uvicorn's one setting is for both
                with suppress(OSError, AttributeError):  # Linux only; connections inherit it
                    listening.setsockopt(
                        socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNREAD_RESPONSE_TIMEOUT_SECONDS * 1000
                    )

        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            if live := sys.modules.get("kicau.web.core.event_stream"):  # not imported before the application is
                live.close_all()
            super().handle_exit(sig, frame)

    return Server


if __name__ == "__main__":
    main()
