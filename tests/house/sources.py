"""Source files as the house tests read them: parsed once for all tests of a process."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


@cache
def calls(path: Path) -> tuple[tuple[str, ast.Call], ...]:
    """Each call with what is called, as it is written."""
    return tuple((ast.unparse(node.func), node) for node in ast.walk(tree(path)) if isinstance(node, ast.Call))
