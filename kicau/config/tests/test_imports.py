"""What a process of Kicau loads when it starts."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("numba", "numpy", "pyarrow")


def test_no_process_loads_the_search_of_data_sets_before_it_searches():
    code = f"import sys, django; django.setup(); import kicau.config.asgi; print(set({HEAVY!r}) & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
