"""The process in which files are decoded. It reads requests as lines of JSON and answers in the same way.

    python -m kicau.media.decoder_process BYTES SECONDS FOLDER

BYTES of memory may be used beyond what is used at the start; after SECONDS without a request it ends. Where root runs it,
its files belong to the owner of the data FOLDER, so that the web server can read them.
"""

from __future__ import annotations

import json
import os
import resource
import selectors
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from kicau.base import privileges
from kicau.connector.content import Recipe
from kicau.connector.serialization import from_json
from kicau.media import decoder, probe, renditions

LARGEST_FILE_BYTES = 1 << 30


def main() -> None:
    memory, idle = int(sys.argv[1]), float(sys.argv[2])
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer
    _preload_libraries()
    _limit_memory(memory)
    owner = privileges.folder_owner(Path(sys.argv[3]))
    with privileges.files_owned_by(owner), selectors.DefaultSelector() as selector:
        selector.register(0, selectors.EVENT_READ)
        while selector.select(idle):
            request = _read_line()
            if not request:
                return
            signal.alarm(int(decoder.JOB_SECONDS) + 10)  # ends the process where even its parent is gone
            _handle_request(answers, request)
            signal.alarm(0)


def _preload_libraries() -> None:
    """Import what is large, so that the memory limit counts from here."""
    import av
    import pypdf
    from PIL import Image, ImageCms

    Image.init()
    for _library in (av, pypdf, ImageCms):
        pass


def _limit_memory(memory: int) -> None:
    with suppress(OSError, ValueError, FileNotFoundError):
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + memory, used + memory))
    for what, most in ((resource.RLIMIT_CORE, 0), (resource.RLIMIT_FSIZE, LARGEST_FILE_BYTES)):
        with suppress(OSError, ValueError):
            resource.setrlimit(what, (most, most))
    with suppress(OSError):
        os.nice(5)


def _read_line() -> bytes:
    parts = []
    while piece := os.read(0, 1 << 16):
        parts.append(piece)
        if piece.endswith(b"\n"):
            break
    return b"".join(parts)


def _handle_request(answers: BinaryIO, request: bytes) -> None:
    answer: dict[str, Any]
    try:
        function, *args = json.loads(request)
        answer = {"result": FUNCTIONS[function](*args)}
    except probe.UnusableFile as exc:
        answer = {"fault": {"code": exc.code, "message": exc.message, "params": exc.params}}
        if isinstance(exc.__cause__, MemoryError) or isinstance(exc.__context__, MemoryError):
            answer = {"fault": {"code": "memory"}}
    except MemoryError:
        answer = {"fault": {"code": "memory"}}
    except OSError as exc:
        answer = {"fault": {"errno": exc.errno, "message": exc.strerror or str(exc), "path": str(exc.filename or "")}}
    answers.write(json.dumps(answer).encode() + b"\n")
    answers.flush()


def _probe(path: str, name: str) -> dict[str, Any]:
    return decoder.to_wire(probe.probe_file(Path(path), name))


def _convert(source: str, recipe: Any, target: str) -> None:
    renditions.convert(Path(source), from_json(Recipe, recipe), Path(target))


def _thumbnail(source: str, target: str, edge: int, at_ms: int | None) -> bool:
    return renditions.thumbnail(Path(source), Path(target), edge, at_ms)


def _crop(source: str, box: list[float], target: str) -> None:
    left, top, width, height = box
    renditions.crop(Path(source), (left, top, width, height), Path(target))


FUNCTIONS: dict[str, Callable[..., object]] = {
    "probe": _probe,
    "convert": _convert,
    "thumbnail": _thumbnail,
    "crop": _crop,
}

if __name__ == "__main__":
    main()
