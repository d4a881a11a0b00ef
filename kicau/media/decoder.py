"""Strangers' pictures, films and documents are decoded in a process of its own, one at a time, with limited memory.

The same functions as in `probe_file` and `convert_file`, with the same results and errors. A file that makes the process use too much
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
from kicau.base.errors import ServerBusy
from kicau.base.pool import release_connections
from kicau.connector.content import MediaKind, Recipe
from kicau.connector.serialization import to_json
from kicau.media.probe import MediaInfo, UnusableFile

if TYPE_CHECKING:
    from typing import IO

MEMORY_BYTES = 512 << 20  # beyond what the process takes before its first file
JOB_SECONDS = 75.0  # longer than the deadlines inside, which a decoder may not notice
IDLE_SECONDS = 30
RETRY_AFTER_SECONDS = 10
ENVIRONMENT_VARIABLES = (
    "PATH",
    "LANG",
    "LC_ALL",
    "TZ",
    "TMPDIR",
    "PYTHONPATH",
)  # of the environment; the rest may hold secrets

OUT_OF_MEMORY_MESSAGE = "{name} needs more memory than Kicau allows for one file. Reduce the width and height, or export a smaller file, for example as JPEG, MP4 or PDF."
DECODER_CRASHED_MESSAGE = "Kicau cannot read {name}, because the program with which it reads such files crashes. Export the file in another format."
TIMEOUT_MESSAGE = "Kicau stopped converting {name}, because the conversion took too long. Export a smaller file, for example as JPEG, MP4 or PDF."


class Decoder:
    """One process, and those who wait for it."""

    def __init__(self, memory: int = MEMORY_BYTES) -> None:
        self.memory = memory
        self.max_waiting: int | None = None  # None: whoever comes waits
        self._turn, self._count = threading.Lock(), threading.Lock()
        self._waiting = 0
        self._process: subprocess.Popen[bytes] | None = None

    def call(self, function: str, *args: Any) -> Any:
        """Raises UnusableFile, OSError, ServerBusy."""
        request = json.dumps([function, *args]).encode() + b"\n"
        with self._my_turn():
            answer = self._ask(request)
        if (fault := answer.get("fault")) is not None:
            raise _error_from_wire(fault)
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
                raise ServerBusy(RETRY_AFTER_SECONDS)
            self._waiting += 1
        try:
            release_connections()
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
            environment = {name: os.environ[name] for name in ENVIRONMENT_VARIABLES if name in os.environ}
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


shared_decoder = Decoder()
atexit.register(shared_decoder.close)


def probe_file(path: Path, name: str = "") -> MediaInfo:
    """As `kicau.media.probe.probe_file`."""
    found = shared_decoder.call("probe", str(path), name)
    return MediaInfo(**{**found, "kind": MediaKind(found["kind"])})


def convert_file(source: Path, recipe: Recipe, target: Path) -> None:
    """As `kicau.media.renditions.convert`; what was made is not looked into once more."""
    shared_decoder.call("convert", str(source), to_json(recipe), str(target))


def create_thumbnail(source: Path, target: Path, edge: int = 480, at_ms: int | None = None) -> bool:
    """As `kicau.media.renditions.thumbnail`."""
    return bool(shared_decoder.call("thumbnail", str(source), str(target), edge, at_ms))


def crop_file(source: Path, box: tuple[float, float, float, float], target: Path) -> None:
    """As `kicau.media.renditions.crop`."""
    shared_decoder.call("crop", str(source), list(box), str(target))


def to_wire(found: MediaInfo) -> dict[str, Any]:
    """For the way between the two processes."""
    return {**asdict(found), "kind": found.kind.value}


def _error_from_wire(fault: dict[str, Any]) -> Exception:
    if "errno" in fault:
        return OSError(fault["errno"], fault["message"], fault["path"])
    match fault["code"]:
        case "memory":
            return UnusableFile("too-much-memory", OUT_OF_MEMORY_MESSAGE)
        case "broken":
            return UnusableFile("damaged", DECODER_CRASHED_MESSAGE)
        case "slow":
            return UnusableFile("too-slow", TIMEOUT_MESSAGE)
    return UnusableFile(fault["code"], fault["message"], fault["params"])
