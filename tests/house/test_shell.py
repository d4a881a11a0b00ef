"""The shell begins with the instance: nothing that needs Django is imported before a command has asked for it."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

CLI = Path(__file__).resolve().parents[2] / "kicau" / "cli"
BEGINS = ("actor", "anywhere", "kicau")  # methods of the shell after which Django is there
TRY = """
import importlib, sys
for module in sys.argv[1:]:
    try:
        importlib.import_module(module)
    except Exception as wrong:
        print(module, type(wrong).__name__)
"""


def imported_too_early(tree: ast.Module) -> dict[str, set[str]]:
    """By module: the functions that import it before their own first word to the shell."""
    found: dict[str, set[str]] = {}
    for function in [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]:
        said = [
            n.lineno
            for n in ast.walk(function)
            if isinstance(n, ast.Attribute)
            and n.attr in BEGINS
            and isinstance(n.value, ast.Name)
            and n.value.id == "shell"
        ]
        for node in ast.walk(function):
            if said and isinstance(node, ast.ImportFrom) and node.module and node.lineno < min(said):
                for name in (node.module, *(f"{node.module}.{alias.name}" for alias in node.names)):
                    found.setdefault(name, set()).add(function.name)
    return found


def test_no_command_imports_what_needs_django_before_the_shell_has_begun():
    wanted: dict[str, set[str]] = {}
    for file in sorted(CLI.glob("*.py")):
        for module, functions in imported_too_early(ast.parse(file.read_text())).items():
            wanted.setdefault(module, set()).update(f"{file.name}: {name}" for name in functions)
    bare = {name: value for name, value in os.environ.items() if not name.startswith(("KICAU_", "DJANGO_"))}
    tried = subprocess.run(
        [sys.executable, "-c", TRY, *sorted(wanted)], capture_output=True, text=True, check=True, env=bare
    )
    failed = dict(line.split() for line in tried.stdout.splitlines())
    broken = {module: wanted[module] for module, why in failed.items() if why != "ModuleNotFoundError"}
    assert not broken
