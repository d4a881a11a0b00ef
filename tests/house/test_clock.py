"""One clock: only kicau/connector/clock.py asks the system for the time, and SQL gets its times as parameters."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house.sources import tree

ROOT = Path(__file__).resolve().parents[2]
CODE = [path for path in (ROOT / "kicau").rglob("*.py") if "tests" not in path.parts]

SQL_CLOCK = re.compile(
    r"\b(?:clock_timestamp|statement_timestamp|transaction_timestamp|timeofday)\s*\(|\bnow\(\)"
    r"|\bcurrent_(?:date|time|timestamp)\b|\blocal(?:time|timestamp)\b",
    re.IGNORECASE,
)
CLOCK_NAMES = ("now", "utcnow", "today", "time", "time_ns")
PYTHON_CLOCK = re.compile(
    rf"^(?:datetime|dt|date|time|timezone|datetime\.datetime|datetime\.date)\.(?:{'|'.join(CLOCK_NAMES)})$"
)
LEASE = "A lease is written and compared by the database's clock alone: it is between processes of several machines."
SANDBOX = "A sandbox is another party with a clock of its own, the machine's plus `clock_offset`."
#: file -> (how many times its SQL asks the database for the time, why)
DATABASE_CLOCK = {
    "kicau/publishing/delivery/claims.py": (4, LEASE),
    "kicau/publishing/delivery/send_intents.py": (1, LEASE),
    "kicau/publishing/delivery/delivery_metrics.py": (1, LEASE),
    "kicau/publishing/delivery/lateness.py": (1, LEASE),
    "kicau/publishing/bulk_transitions.py": (1, LEASE),
    "kicau/base/clock_drift.py": (1, "It compares the two clocks."),
}
#: file -> (how many times it asks the system for the time, why)
SYSTEM_CLOCK = {
    "kicau/connector/clock.py": (1, "It is the one clock."),
    "kicau/connector/sandbox/server.py": (1, SANDBOX),
    "kicau/networks/_meta/sandbox/files.py": (1, SANDBOX),
    "kicau/networks/_meta/sandbox/calls.py": (1, SANDBOX),
    "kicau/networks/bluesky/sandbox/tokens.py": (1, SANDBOX),
    "kicau/base/ids.py": (1, "An id is made of the time at which it was made and compared with no other time."),
}


def docstrings(tree: ast.AST) -> set[int]:
    """The ids of the nodes that are docstrings."""
    return {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }


def without_comments(sql: str) -> str:
    return re.sub(r"--.*", "", sql)


def database_clocks(tree: ast.AST) -> Iterator[str]:
    """Where SQL, in any string that is no docstring, asks the database for the time, or Django's Now does."""
    left_out = docstrings(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in left_out:
            yield from (found.group() for found in SQL_CLOCK.finditer(without_comments(node.value)))
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("django.db.models"):
            yield from (name.name for name in node.names if name.name == "Now")


def system_clocks(tree: ast.AST) -> Iterator[str]:
    """Where Python asks the system for the time of day; time.monotonic() is another thing."""
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Attribute)
            and node.attr in CLOCK_NAMES
            and PYTHON_CLOCK.match(name := ast.unparse(node))
        ):
            yield name


@pytest.mark.parametrize(
    ("asked", "explained"), [(database_clocks, DATABASE_CLOCK), (system_clocks, SYSTEM_CLOCK)], ids=["SQL", "Python"]
)
def test_no_other_clock_is_asked(asked, explained):
    found = {str(path.relative_to(ROOT)): len(clocks) for path in CODE if (clocks := list(asked(tree(path))))}
    assert found == {path: times for path, (times, _) in explained.items()}, (
        "Pass the time as a parameter from kicau.base.clock.now(); where another clock is right, say why in this list."
    )


@pytest.mark.parametrize(
    "source",
    [
        'SQL = "DELETE FROM t WHERE at < now()"',
        'SQL = f"{HEAD} WHERE at < CURRENT_TIMESTAMP"',
        'cursor.execute("SELECT Clock_Timestamp()")',
        "from django.db.models.functions import Now",
    ],
)
def test_a_clock_in_sql_is_found(source):
    assert list(database_clocks(ast.parse(source)))


@pytest.mark.parametrize(
    "source", ["x = datetime.now(UTC)", "x = time.time()", "f(default=timezone.now)", "d = date.today()"]
)
def test_a_clock_in_python_is_found(source):
    assert list(system_clocks(ast.parse(source)))


def test_what_is_no_clock_is_not_found():
    assert not list(database_clocks(ast.parse('"""Until now() is asked."""\nx = "what is now known"\n')))
    assert not list(system_clocks(ast.parse("x = clock.now()\ny = time.monotonic()\nz = session.now()\n")))


STOPWATCH = re.compile(r"\btime\.(?:monotonic|perf_counter|process_time|thread_time)(?:_ns)?\(")
TESTS = [
    path
    for top in ("kicau", "tests")
    for path in (ROOT / top).rglob("*.py")
    if "tests" in path.parts and path != Path(__file__)
]


def timed_asserts(source: str) -> list[int]:
    """The lines of assertions on how long something took."""
    if not STOPWATCH.search(source):
        return []
    return [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Assert) and STOPWATCH.search(ast.unparse(node.test))
    ]


def test_no_test_asks_how_fast_the_machine_is():
    found = {str(path.relative_to(ROOT)): lines for path in TESTS if (lines := timed_asserts(path.read_text("utf-8")))}
    assert not found, "Show in another way that nothing was waited for; a figure of speed belongs in bench/."


def test_an_assertion_on_a_stopwatch_is_found():
    assert timed_asserts("assert time.monotonic() - began < 1") == [1]
    assert timed_asserts("assert took < 1 and x") == []
