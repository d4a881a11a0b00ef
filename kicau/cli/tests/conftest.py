"""The shell as a person or a script meets it."""

import json
import subprocess
import sys

import pytest
from click.testing import CliRunner

from kicau.cli import main


class Said:
    """What one run of the program came to."""

    def __init__(self, result):
        self.code, self.out, self.err = result.exit_code, result.stdout, result.stderr

    @property
    def json(self):
        return json.loads(self.out)

    @property
    def lines(self):
        return [json.loads(line) for line in self.out.splitlines()]


@pytest.fixture
def kicau(monkeypatch):
    """A function that runs `kicau …` in this process."""
    monkeypatch.setenv("COLUMNS", "200")
    for name in ("KICAU_AS", "KICAU_WORKSPACE", "KICAU_OWNER", "KICAU_DEBUG"):
        monkeypatch.delenv(name, raising=False)

    def run(*arguments, stdin=None):
        return Said(CliRunner().invoke(main, [str(a) for a in arguments], input=stdin))

    return run


@pytest.fixture
def program():
    """A function that runs `kicau …` as a process of its own, with a clean environment."""

    def run(*arguments, stdin=b"", **environment):
        import os

        kept = {k: v for k, v in os.environ.items() if not k.startswith(("KICAU_", "DATABASE_URL", "DJANGO_"))}
        command = [sys.executable, "-m", "kicau.cli", *map(str, arguments)]
        return subprocess.run(
            command, input=stdin, capture_output=True, env={**kept, **environment}, timeout=60, check=False
        )

    return run
