"""Processes of ours that end with the one that began them."""

from __future__ import annotations

import ctypes
import signal
import sys
from contextlib import suppress


def die_with_parent() -> None:
    """In a child before it begins: it is told to stop when its parent is gone, however that went (Linux only)."""
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG
