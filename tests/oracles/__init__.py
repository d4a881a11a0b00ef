"""The networks' own text libraries, run by Node, against which our rules for texts are compared.

Each network that has such a library keeps it beside its tests: a folder `oracle` with the lock of the packages and a
script that reads JSON lists of texts, a line each, and writes one JSON value for each text, a line each, in order.
"""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from threading import Timer
from typing import IO, Any

from tests.servers import NotHere
from tests.servers.node import Program, node

NETWORKS = Path(__file__).resolve().parents[2] / "kicau" / "networks"
SCRIPT = "oracle.mjs"
ANSWER_TIMEOUT_SECONDS = 600


@dataclass(frozen=True, slots=True)
class Oracle:
    """The official library of one network."""

    network: str

    @property
    def program(self) -> Program:
        source = NETWORKS / self.network / "tests" / "oracle"
        return Program(
            name=f"oracle-{self.network}",
            title=f"The official text library of {self.network}",
            source=source,
            script=SCRIPT,
        )

    def answers(self, texts: Sequence[str]) -> list[Any]:
        """What the library says about each text. Raises NotHere where it cannot be installed."""
        folder = self.program.install()
        process, errors = started(folder)
        assert process.stdin is not None
        assert process.stdout is not None
        with suppress(BrokenPipeError):  # what it said is told below
            process.stdin.write(json.dumps(list(texts)) + "\n")
            process.stdin.flush()
        patience = Timer(ANSWER_TIMEOUT_SECONDS, process.kill)
        patience.start()
        found = [json.loads(line) for line in islice(process.stdout, len(texts))]
        patience.cancel()
        if len(found) != len(texts):
            process.wait()
            errors.seek(0)
            raise AssertionError(f"The oracle of {self.network} failed: {errors.read()[-2000:]}")
        return found


@cache
def started(folder: Path) -> tuple[subprocess.Popen[str], IO[str]]:
    """The program, which answers until this process ends, and what it writes of errors. To start it takes seconds."""
    errors = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 - open as long as the program runs
    process = subprocess.Popen(
        [node(), "--no-warnings", folder / SCRIPT],
        cwd=folder,
        env={"PATH": os.environ.get("PATH", "")},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        encoding="utf-8",
    )

    def end() -> None:
        process.communicate()
        errors.close()

    atexit.register(end)
    return process, errors


def all_oracles() -> list[Oracle]:
    return [Oracle(path.parents[2].name) for path in sorted(NETWORKS.glob(f"*/tests/oracle/{SCRIPT}"))]


__all__ = ["NotHere", "Oracle", "all_oracles"]
