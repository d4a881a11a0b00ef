"""How fast `kicau up` answers, and what memory and disk it takes, while outsiders and members abuse it.

    python -m bench.abuse [--seconds 30]

At once: 100 readers who read nothing, 100 fetches from a server that doesn't answer, 1,000 anonymous bodies of 300 MB (half
of them without a length), 100 sign-ins, and 20 pictures made to take memory (10 by a linked page, 10 uploaded, of the
largest size that is decoded). Meanwhile /healthz, a page and the API are asked five times a second each.

Prints one JSON line: the slowest answers in seconds, measured and calibrated by the processor; the peak of all processes together in megabytes (the sum of their
proportional set sizes, PostgreSQL included); the growth of the data and temporary folders in megabytes, deleted files that
are still open included. Ends with 1 where a bar is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import re
import sys
import tempfile
import time
import zlib
from collections import Counter
from collections.abc import Awaitable, Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

from bench.calibration import calibrated
from bench.idle_memory import pss
from bench.instance.processes import free_port, tree, up

READERS, FETCHES, BODIES, SIGN_INS, PICTURES = 100, 100, 1000, 100, 20
BODY_BYTES = 300_000_000
FILE_BYTES = 12_000_000
ANSWER_SECONDS, MEMORY_MB, DISK_MB = 1.0, 900.0, 200.0  # the bars; seconds are calibrated


def png(width: int, height: int) -> bytes:
    """A picture of nothing, in RGBA: half a megabyte for half a gigabyte of pixels."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return len(body).to_bytes(4) + name + body + zlib.crc32(name + body).to_bytes(4)

    packer, row, packed = zlib.compressobj(9), bytes(1 + 4 * width), []
    for _ in range(height):
        packed.append(packer.compress(row))
    packed.append(packer.flush())
    head = width.to_bytes(4) + height.to_bytes(4) + bytes([8, 6, 0, 0, 0])
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", b"".join(packed)) + chunk(b"IEND", b"")


class Abuse:
    def __init__(self, port: int, world: dict[str, Any], outside: int) -> None:
        self.port, self.world, self.outside = port, world, outside
        self.statuses: dict[str, Counter[str]] = {}
        self.slowest: dict[str, float] = {}

    async def ask(
        self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None, *, wait: float = 120
    ) -> tuple[int, bytes, dict[str, str]]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            async with asyncio.timeout(wait):
                writer.write(self._head(method, path, {"Content-Length": str(len(body)), **(headers or {})}) + body)
                await writer.drain()
                head = await reader.readuntil(b"\r\n\r\n")
                found = re.findall(rb"(?m)^([\w-]+): (.*)\r$", head)
                told = {name.decode().lower(): value.decode() for name, value in found if name.lower() != b"set-cookie"}
                told["cookies"] = "; ".join(v.decode().split(";")[0] for n, v in found if n.lower() == b"set-cookie")
                content = await reader.read()
                return int(head.split()[1]), content, told
        finally:
            writer.close()

    def _head(self, method: str, path: str, headers: dict[str, str]) -> bytes:
        lines = {"Host": f"127.0.0.1:{self.port}", "Connection": "close", **headers}
        text = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        return f"{method} {path} HTTP/1.1\r\n{text}\r\n".encode()

    async def counted(self, what: str, act: Awaitable[int | str]) -> None:
        try:
            told = str(await act)
        except (OSError, TimeoutError, asyncio.IncompleteReadError) as exc:
            told = type(exc).__name__
        self.statuses.setdefault(what, Counter())[told] += 1

    # The five kinds

    async def reads_nothing(self, n: int, until: float) -> str:
        path = [f"/library/originals/{self.world['sha']}", self.world["ticket"]][n % 2]
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 10)
        try:
            writer.write(self._head("GET", path, {"Cookie": self.world["cookie"]} if n % 2 == 0 else {}))
            status = (await reader.readline()).split()
            await asyncio.sleep(max(0.0, until - time.monotonic()))
            return status[1].decode() if len(status) > 1 else "closed"
        finally:
            writer.transport.abort()

    async def fetches(self, n: int) -> int:
        token = self.world["tokens"][n % len(self.world["tokens"])]
        body = json.dumps({"url": f"http://127.0.0.1:{self.outside}/slow"}).encode()
        return (await self.ask("POST", "/api/v1/media/fetch", body, _json(token)))[0]

    async def sends(self, n: int) -> str:
        path = ["/sign-in", "/healthz", "/nowhere", "/api/v1/posts", "/library/upload"][n % 5]
        chunked = n % 2
        headers = {"Transfer-Encoding": "chunked"} if chunked else {"Content-Length": str(BODY_BYTES)}
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        sent, piece = 0, bytes(1 << 16)
        answer = asyncio.create_task(reader.readline())
        try:
            writer.write(self._head("POST", path, headers))
            while sent < BODY_BYTES and not answer.done():
                writer.write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
                sent += len(piece)
                await writer.drain()
                await asyncio.sleep(0)
            status = (await asyncio.wait_for(answer, 30)).split()
            return status[1].decode() if len(status) > 1 else "closed"
        finally:
            answer.cancel()
            with suppress(asyncio.CancelledError, OSError):
                await answer
            writer.transport.abort()

    async def signs_in(self, n: int) -> int:
        _status, page, told = await self.ask("GET", "/sign-in")
        secret = re.search(rb'name="csrfmiddlewaretoken" value="(\w+)"', page)
        form = f"csrfmiddlewaretoken={secret[1].decode() if secret else ''}&email=n{n}@example.org&password=wrong-{n}"
        headers = {"Cookie": told["cookies"], "Content-Type": "application/x-www-form-urlencoded"}
        return (await self.ask("POST", "/sign-in", form.encode(), headers))[0]

    async def shows(self, n: int) -> int:
        token = self.world["tokens"][n % len(self.world["tokens"])]
        if n % 2:
            body = json.dumps({"url": f"http://127.0.0.1:{self.outside}/page/{n}"}).encode()
            return (await self.ask("POST", "/api/v1/media/link-preview", body, _json(token)))[0]
        part = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'
        body = part + self.world["picture"] + b"\r\n--x--\r\n"
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "multipart/form-data; boundary=x"}
        return (await self.ask("POST", "/api/v1/media", body, headers))[0]

    async def looks(self, until: float, what: str, path: str, headers: dict[str, str]) -> None:
        while time.monotonic() < until:
            began = time.monotonic()
            await self.counted(f"asked: {what}", self._status(path, headers))
            took = time.monotonic() - began
            self.slowest[what] = max(self.slowest.get(what, 0.0), took)
            await asyncio.sleep(max(0.0, 0.2 - took))

    async def _status(self, path: str, headers: dict[str, str]) -> int:
        return (await self.ask("GET", path, b"", headers, wait=60))[0]

    async def look_all(self, seconds: float) -> None:
        until, token = time.monotonic() + seconds, self.world["own_token"]
        await asyncio.gather(
            self.looks(until, "healthz", "/healthz", {}),
            self.looks(until, "page", "/drafts", {"Cookie": self.world["cookie"]}),
            self.looks(until, "api", "/api/v1/posts", {"Authorization": f"Bearer {token}"}),
        )

    async def run(self, seconds: float, *, only: str = "") -> None:
        until = time.monotonic() + seconds
        kinds: dict[str, tuple[int, Callable[[int], Awaitable[int | str]]]] = {
            "readers": (READERS, lambda n: self.reads_nothing(n, until)),
            "fetches": (FETCHES, self.fetches),
            "bodies": (BODIES, self.sends),
            "sign-ins": (SIGN_INS, self.signs_in),
            "pictures": (PICTURES, self.shows),
        }
        jobs = [
            self.counted(name, act(n))
            for name, (count, act) in kinds.items()
            if only in ("", name)
            for n in range(count)
        ]
        await asyncio.gather(*jobs)


def look(port: int, world: dict[str, Any], seconds: float) -> tuple[dict[str, float], dict[str, Counter[str]]]:
    """Who asks for pages, in a process of its own: the abuse keeps this one busy."""
    asking = Abuse(port, world, 0)
    asyncio.run(asking.look_all(seconds))
    return asking.slowest, asking.statuses


def _json(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}


async def outside(port: int, picture: bytes, until: float) -> asyncio.Server:
    """A server that does not answer /slow before `until`, and links the picture at /page/…."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            path = (await reader.readuntil(b"\r\n\r\n")).split()[1].decode()
            if path.startswith("/slow"):
                await asyncio.sleep(max(0.0, until - time.monotonic()))
            kind, body = "image/png", picture
            if path.startswith("/page"):
                link = f"http://127.0.0.1:{port}/picture"
                kind, body = "text/html", f'<title>x</title><meta property="og:image" content="{link}">'.encode()
            writer.write(
                f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
            )
            await writer.drain()
        writer.close()

    return await asyncio.start_server(answer, "127.0.0.1", port)


def populate(folder: Path) -> dict[str, Any]:
    """A workspace with a large file, people with tokens, and a session."""
    os.environ.update(KICAU_DATA=str(folder), DJANGO_SETTINGS_MODULE="kicau.config.settings")
    import django

    django.setup()
    from django.test import Client

    from kicau.connector.content import Media, RenderedMedia
    from kicau.media import library
    from kicau.media.actions import add_medium
    from kicau.workspaces.actions import actor_for, add_person, create_workspace, set_member_role
    from kicau.workspaces.api_tokens import create_token

    owner = add_person("sari@example.org", "Sari")
    actor = actor_for(owner, create_workspace(owner, "Abuse").id, "cli")
    with tempfile.TemporaryDirectory() as scratch:
        (Path(scratch) / "a.png").write_bytes(png(60, 40))
        medium = add_medium(actor, Path(scratch) / "a.png", "a.png")
    library.original_path(medium.ref).write_bytes(bytes(FILE_BYTES))
    type(medium).objects.filter(id=medium.id).update(size=FILE_BYTES)
    ticket = library.public_url(RenderedMedia(media=Media(ref=medium.ref, kind=medium.kind, mime=medium.mime, size=1)))
    tokens = []
    for n in range(10):
        person = add_person(f"n{n}@example.net", f"N {n}", proved=True)
        set_member_role(actor, person, "contributor")
        tokens.append(create_token(actor_for(person, actor.workspace.id, "cli"), "x", ["read", "write"]).secret)
    browser = Client()
    browser.force_login(owner)
    state = folder.stat()  # the web server's user may be another one
    for path in (folder / "media", *(folder / "media").rglob("*")):
        os.chown(path, state.st_uid, state.st_gid)
    return {
        "sha": medium.sha256,
        "picture": png(6300, 6300),
        "ticket": "/m/" + ticket.partition("/m/")[2],
        "tokens": tokens,
        "own_token": create_token(actor, "x", ["read"]).secret,
        "cookie": f"kicau={browser.cookies['kicau'].value}",
    }


class Watch:
    """Peaks of memory and disk, looked at twice a second."""

    def __init__(self, pid: int, folder: Path, scratch: Path) -> None:
        self.pid, self.folder, self.scratch = pid, folder, scratch
        self.memory = 0.0
        self.parts: dict[str, float] = {}
        self.disk_before = self.disk = self._disk(tree(pid, folder))

    async def run(self) -> None:
        while True:
            await asyncio.to_thread(self.look)
            await asyncio.sleep(0.5)

    def look(self) -> None:
        processes = tree(self.pid, self.folder)
        parts: dict[str, float] = {}
        for pid, command in processes.items():
            known = ("decoder_process", "kicau.config.web", "kicau.config.worker", "kicau.cli")
            kind = next((k for k in known if k in command), "postgres")
            with suppress(OSError, ValueError):
                parts[kind] = parts.get(kind, 0.0) + pss(pid)
        if sum(parts.values()) > self.memory:
            self.memory, self.parts = sum(parts.values()), {k: round(v) for k, v in parts.items()}
        self.disk = max(self.disk, self._disk(processes))

    def _disk(self, processes: dict[int, str]) -> float:
        blocks = 0
        for top in (self.folder, self.scratch):
            for path in top.rglob("*"):
                with suppress(OSError):
                    blocks += path.lstat().st_blocks
        seen = set()
        for pid in processes:
            for one in Path(f"/proc/{pid}/fd").glob("*"):
                with suppress(OSError):
                    if os.readlink(one).endswith(" (deleted)") and (state := one.stat()).st_ino not in seen:
                        seen.add(state.st_ino)
                        blocks += state.st_blocks
        return blocks * 512 / 1e6


async def measured(port: int, process: Any, folder: Path, scratch: Path, world: dict[str, Any], asked: Any) -> Any:
    server = await outside(asked.outside, png(10_900, 10_900), time.monotonic() + asked.seconds + 10)
    async with server:
        abuse = Abuse(port, world, asked.outside)
        for _ in range(300):  # until a worker has said that it lives
            if (await abuse.ask("GET", "/healthz"))[0] == 200:
                break
            await asyncio.sleep(0.2)
        loop = asyncio.get_running_loop()
        asking = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))
        quiet, _none = await loop.run_in_executor(asking, look, port, world, 3.0)
        watch = Watch(process.pid, folder, scratch)
        watching = asyncio.create_task(watch.run())
        try:
            looking = loop.run_in_executor(asking, look, port, world, asked.seconds)
            await abuse.run(asked.seconds, only=asked.only)
            slowest, found = await looking
        finally:
            watching.cancel()
            asking.shutdown()
        return quiet, slowest, abuse.statuses | found, watch


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--only", default="", help="one kind: readers, fetches, bodies, sign-ins or pictures")
    asked = parser.parse_args()
    asked.outside, port = free_port(), free_port()
    with tempfile.TemporaryDirectory(prefix="kicau-bench-") as name:
        Path(name).chmod(0o711)
        folder, scratch = Path(name) / "data", Path(name) / "tmp"
        scratch.mkdir(mode=0o1777)
        scratch.chmod(0o1777)
        os.environ.update(
            TMPDIR=str(scratch),
            KICAU_INTERNAL_HOSTS=f"127.0.0.1:{asked.outside}",
            KICAU_SIGN_IN_RATE="1000",  # so that all of them are hashed
        )
        with calibrated() as machine, up(folder, port=port) as (process, _):
            world = populate(folder)
            quiet, slow, statuses, watch = asyncio.run(measured(port, process, folder, scratch, world, asked))
    slowest = machine.time(max(slow.values()))
    grown = watch.disk - watch.disk_before
    wrong = {s for what, found in statuses.items() if what.startswith("asked") for s in found if s != "200"}
    print(
        json.dumps(
            {
                "slowest_calibrated_s": {k: round(machine.time(v), 2) for k, v in slow.items()},
                "slowest_s": {k: round(v, 2) for k, v in slow.items()},
                "slowest_quiet_s": {k: round(v, 2) for k, v in quiet.items()},
                "memory_mb": round(watch.memory),
                "memory_parts_mb": watch.parts,
                "disk_grown_mb": round(grown, 1),
                "statuses": statuses,
                "machine": machine.report(),
                "bars": {"answer_s": ANSWER_SECONDS, "memory_mb": MEMORY_MB, "disk_mb": DISK_MB},
            }
        )
    )
    sys.exit(bool(wrong) or slowest > ANSWER_SECONDS or watch.memory > MEMORY_MB or grown > DISK_MB)


if __name__ == "__main__":
    main()
