"""The networks' own text libraries, run by Node, against which our rules for texts are compared.

Each network that has such a library keeps it beside its tests: a folder `oracle` with the lock of the packages and a
script that reads a JSON list of texts and writes one JSON value for each, a line each, in order.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
        done = subprocess.run(
            [node(), "--no-warnings", folder / SCRIPT],
            cwd=folder,
            env={"PATH": os.environ.get("PATH", "")},
            input=json.dumps(list(texts)),
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
            timeout=ANSWER_TIMEOUT_SECONDS,
        )
        if done.returncode != 0:
            raise AssertionError(f"The oracle of {self.network} failed: {done.stderr[-2000:]}")
        found = [json.loads(line) for line in done.stdout.split("\n") if line]
        assert len(found) == len(texts), f"The oracle of {self.network} answered {len(found)} of {len(texts)} texts"
        return found


def all_oracles() -> list[Oracle]:
    return [Oracle(path.parents[2].name) for path in sorted(NETWORKS.glob(f"*/tests/oracle/{SCRIPT}"))]


__all__ = ["NotHere", "Oracle", "all_oracles"]
