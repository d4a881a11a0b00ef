"""Strangers' pictures, films and documents are decoded in a process of its own, one at a time, with limited memory.

The same functions as in `probe` and `convert`, with the same results and errors. A file that makes the process use too much
memory or time, or breaks it, is refused with a sentence; the caller's process goes on. The process knows no secret of
Kicau's, is started when it is first needed, and ends when nothing was decoded for a while.
"""

from __future__ import annotations

import atexit
import json
import os
import selectors
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kicau.base import setting_definitions
from kicau.base.errors import Busy
from kicau.base.pool import release
from kicau.connector.content import MediaKind, Recipe
from kicau.connector.serialization import to_json
from kicau.media.probe import Found, Unusable

if TYPE_CHECKING:
    from typing import IO

MEMORY_BYTES = 512 << 20  # beyond what the process takes before its first file
JOB_SECONDS = 75.0  # longer than the deadlines inside, which a decoder may not notice
IDLE_SECONDS = 30
RETRY_AFTER_SECONDS = 10
PASSED_ON = ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "PYTHONPATH")  # of the environment; the rest may hold secrets

TOO_MUCH = "{name} needs more memory than one file may take. Make it smaller, or save it in a simpler form."
BROKEN = "{name} cannot be read: it breaks the program that reads it. Export it again in another form."
TOO_SLOW = "{name} takes too long to convert; export it again in a simpler form."


class Decoder:
    """One process, and those who wait for it."""

    def __init__(self, memory: int = MEMORY_BYTES) -> None:
        self.memory = memory
        self.max_waiting: int | None = None  # None: whoever comes waits
        self._turn, self._count = threading.Lock(), threading.Lock()
        self._waiting = 0
        self._process: subprocess.Popen[bytes] | None = None

    def call(self, function: str, *args: Any) -> Any:
        """Raises Unusable, OSError, Busy."""
        request = json.dumps([function, *args]).encode() + b"\n"
        with self._my_turn():
            answer = self._ask(request)
        if (fault := answer.get("fault")) is not None:
            raise _error(fault)
        return answer["result"]

    def close(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            with suppress(OSError):
                process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                with suppress(OSError):
                    pipe and pipe.close()

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @contextmanager
    def _my_turn(self) -> Iterator[None]:
        with self._count:
            if self.max_waiting is not None and self._waiting > self.max_waiting:
                raise Busy(RETRY_AFTER_SECONDS)
            self._waiting += 1
        try:
            release()
            with self._turn:
                yield
        finally:
            with self._count:
                self._waiting -= 1

    def _ask(self, request: bytes) -> dict[str, Any]:
        for _ in range(3):
            process = self._running()
            try:
                assert process.stdin
                process.stdin.write(request)
                process.stdin.flush()
                line = self._line(process)
            except BrokenPipeError:
                line = b""
            except TimeoutError:
                self.close()
                return {"fault": {"code": "slow"}}
            if line:
                answer: dict[str, Any] = json.loads(line)
                return answer
            with suppress(subprocess.TimeoutExpired):
                process.wait(5)
            code = process.returncode
            self.close()
            if code != 0:  # 0: it ended because it was idle, at this very moment
                return {"fault": {"code": "broken"}}
        return {"fault": {"code": "broken"}}

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self.close()
            environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "kicau.media.decoder_process"),
                    *(str(self.memory), str(IDLE_SECONDS), str(setting_definitions.data_folder())),
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**environment, "MALLOC_ARENA_MAX": "2"},
                start_new_session=True,
            )
        return self._process

    def _line(self, process: subprocess.Popen[bytes]) -> bytes:
        """One line of its output; b"" where it ended. Raises TimeoutError."""
        assert process.stdout
        out: IO[bytes] = process.stdout
        with selectors.DefaultSelector() as selector:
            selector.register(out, selectors.EVENT_READ)
            if not selector.select(JOB_SECONDS):
                raise TimeoutError
        line = out.readline()
        return line if line.endswith(b"\n") else b""


decoder = Decoder()
atexit.register(decoder.close)


def probe(path: Path, name: str = "") -> Found:
    """As `kicau.media.probe.probe`."""
    found = decoder.call("probe", str(path), name)
    return Found(**{**found, "kind": MediaKind(found["kind"])})


def convert(source: Path, recipe: Recipe, target: Path) -> None:
    """As `kicau.media.renditions.convert`; what was made is not looked into once more."""
    decoder.call("convert", str(source), to_json(recipe), str(target))


def thumbnail(source: Path, target: Path, edge: int = 480, at_ms: int | None = None) -> bool:
    """As `kicau.media.renditions.thumbnail`."""
    return bool(decoder.call("thumbnail", str(source), str(target), edge, at_ms))


def crop(source: Path, box: tuple[float, float, float, float], target: Path) -> None:
    """As `kicau.media.renditions.crop`."""
    decoder.call("crop", str(source), list(box), str(target))


def described(found: Found) -> dict[str, Any]:
    """For the way between the two processes."""
    return {**asdict(found), "kind": found.kind.value}


def _error(fault: dict[str, Any]) -> Exception:
    if "errno" in fault:
        return OSError(fault["errno"], fault["message"], fault["path"])
    match fault["code"]:
        case "memory":
            return Unusable("too-much-memory", TOO_MUCH)
        case "broken":
            return Unusable("damaged", BROKEN)
        case "slow":
            return Unusable("too-slow", TOO_SLOW)
    return Unusable(fault["code"], fault["message"], fault["params"])
