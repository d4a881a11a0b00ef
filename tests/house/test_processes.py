"""Tests that run in several processes: each is run once, whatever one of them does to its process."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TESTS = """
import os
import pytest

@pytest.mark.parametrize("n", range(50))
def test_one(n):
    print(os.getpid(), file=open("pids", "a"))
    if n == 3:
        os._exit(7)
    assert n != 5
"""


def test_a_process_that_dies_fails_one_test_and_the_rest_is_run(tmp_path):
    (tmp_path / "test_it.py").write_text(TESTS)
    arguments = ["-p", "tests.processes", "--processes", "2", "--rootdir", tmp_path, "-c", "/dev/null", tmp_path]
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import pytest; sys.exit(pytest.main(sys.argv[1:]))"
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert re.search(r"\b2 failed, 48 passed\b", done.stdout), done.stdout + done.stderr
    assert "test_one[3]" in done.stdout
    assert "ended with 7 while this test ran" in done.stdout
    assert done.returncode == 1
    assert len((tmp_path / "pids").read_text().split()) == 50
