"""`python -m tests.drill`: the drill at its full size (500 drafts, 1,000 scheduled, 300 published), with its figures."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

if __name__ == "__main__":
    here = Path(__file__).with_name("test_drill.py")
    command = [sys.executable, "-m", "pytest", str(here), "-q", "-x", *sys.argv[1:]]
    raise SystemExit(subprocess.run(command, check=False, env={**os.environ, "DRILL": "full"}).returncode)
