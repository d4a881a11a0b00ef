"""Runs tests in several processes: `pytest -p tests.processes --processes 3`.

All tests are collected once, in the first process; the others are copies of it (fork), which import and collect nothing.
Each process takes the next tests of one file when it needs more. What runs in a browser has processes of its own, since
a browser's driver keeps a loop running, which tests with a loop of their own cannot share.
"""

from __future__ import annotations

import gc
import os
import sys
import tempfile
import traceback
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

import pytest

AT_ONCE = 20  # tests of a file that one process takes at a time
BROWSER = "tests/journeys/"
LONGEST = ("tests/chaos/", "tests/servers/", "tests/drill/")  # are begun first: they mostly wait


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("processes")
    group.addoption("--processes", type=int, default=1, help="how many processes run the tests")
    group.addoption("--browsers", type=int, default=2, help="how many more run those with a browser")


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    wanted = session.config.getoption("--processes")
    if wanted < 2 or session.config.option.collectonly or session.testsfailed:
        return None
    Parent(session, {BROWSER: session.config.getoption("--browsers"), "": wanted}).run()
    return True


@dataclass(eq=False)
class Child:
    kind: str
    name: str
    pid: int
    connection: Connection
    given: list[int] = field(default_factory=list)  # the tests, by their numbers, that it has not begun
    running: int | None = None


@dataclass
class Parent:
    """Gives out tests and hands what comes back to pytest's own reporting."""

    session: pytest.Session
    most: dict[str, int]  # of each kind of process
    waiting: dict[str, deque[list[int]]] = field(default_factory=dict)
    children: list[Child] = field(default_factory=list)
    started: int = 0
    finished: set[int] = field(default_factory=set)

    def run(self) -> None:
        for kind in self.most:
            self.waiting[kind] = deque(self._portions(kind))
        gc.collect()
        gc.freeze()  # else looking through all that was collected would copy it for each process
        for kind, most in self.most.items():
            for _ in range(min(most, len(self.waiting[kind]))):
                self._start(kind)
        try:
            while self.children:
                for ready in wait([child.connection for child in self.children]):
                    self._hear(next(child for child in self.children if child.connection is ready))
        finally:
            for child in self.children:
                child.connection.close()
        if self.session.shouldfail:
            raise self.session.Failed(self.session.shouldfail)
        if self.session.shouldstop:
            raise self.session.Interrupted(self.session.shouldstop)
        left = [item.nodeid for n, item in enumerate(self.session.items) if n not in self.finished]
        assert not left, f"no process ran {left}"

    def _portions(self, kind: str) -> Iterator[list[int]]:
        items = [(n, item) for n, item in enumerate(self.session.items) if self._kind(item) == kind]
        items.sort(key=lambda one: not one[1].nodeid.startswith(LONGEST))
        for _, of_file in groupby(items, key=lambda one: one[1].path):
            numbers = [n for n, _ in of_file]
            yield from (numbers[n : n + AT_ONCE] for n in range(0, len(numbers), AT_ONCE))

    def _kind(self, item: pytest.Item) -> str:
        return BROWSER if item.nodeid.startswith(BROWSER) else ""

    def _start(self, kind: str) -> None:
        name = f"p{self.started}"
        self.started += 1
        ours, theirs = Pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                ours.close()
                for other in self.children:
                    other.connection.close()
                run_in_child(self.session, name, theirs)
                code = 0
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(code)  # nothing that the first process is to do at its end
        theirs.close()
        self.children.append(Child(kind, name, pid, ours))

    def _hear(self, child: Child) -> None:
        try:
            what, told = child.connection.recv()
        except EOFError:
            self._ended(child)
            return
        hook = self.session.config.hook
        if what == "next":
            over = self.session.shouldfail or self.session.shouldstop
            child.given = self.waiting[child.kind].popleft() if self.waiting[child.kind] and not over else []
            child.connection.send(child.given)
        elif what == "start":
            child.running = told
            child.given = child.given[1:]
            item = self.session.items[told]
            hook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        elif what == "report":
            report = hook.pytest_report_from_serializable(config=self.session.config, data=told)
            hook.pytest_runtest_logreport(report=report)
        elif what == "finish":
            child.running = None
            self.finished.add(told)
            item = self.session.items[told]
            hook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)

    def _ended(self, child: Child) -> None:
        """What it was running when it died failed; another goes on with the rest."""
        self.children.remove(child)
        child.connection.close()
        code = os.waitstatus_to_exitcode(os.waitpid(child.pid, 0)[1])
        if code == 0:
            return
        item = self.session.items[child.running] if child.running is not None else None
        self.finished |= {child.running} - {None}
        if child.given:
            self.waiting[child.kind].appendleft(child.given)
        report = pytest.TestReport(
            nodeid=item.nodeid if item else f"process {child.name}",
            location=item.location if item else ("", None, f"process {child.name}"),
            keywords={},
            outcome="failed",
            longrepr=f"The process {child.name} ended with {code} {'while this test ran' if item else 'between tests'}.",
            when="call" if item else "teardown",
        )
        self.session.config.hook.pytest_runtest_logreport(report=report)
        if self.waiting[child.kind]:
            self._start(child.kind)


class Reporter:
    """In a child: what pytest would print goes to the parent."""

    def __init__(self, config: pytest.Config, connection: Connection) -> None:
        self.config, self.connection = config, connection

    @pytest.hookimpl
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        data = self.config.hook.pytest_report_to_serializable(config=self.config, report=report)
        self.connection.send(("report", data))


def run_in_child(session: pytest.Session, name: str, connection: Connection) -> None:
    config: Any = session.config
    plugins = config.pluginmanager
    plugins.unregister(plugins.getplugin("terminalreporter"))
    plugins.register(Reporter(config, connection), "reporter_to_parent")
    config.workerinput = {"workerid": name}  # as pytest-xdist says it: pytest-django names the database after it
    capture = plugins.getplugin("capturemanager")
    capture.stop_global_capturing()  # its file is the parent's
    capture.start_global_capturing()
    capture.suspend_global_capture()
    home = os.environ.get("KICAU_DATA")  # what lies beside it goes with it
    os.environ["PYTEST_DEBUG_TEMPROOT"] = tempfile.mkdtemp(prefix=f"{name}-", dir=home and Path(home).parent)
    while numbers := _next(connection):
        for number, following in zip(numbers, [*numbers[1:], None], strict=True):
            connection.send(("start", number))
            # After the last one only what is made for the whole session stays.
            after = session if following is None else session.items[following]
            config.hook.pytest_runtest_protocol(item=session.items[number], nextitem=after)
            connection.send(("finish", number))
    config.hook.pytest_sessionfinish(session=session, exitstatus=0)
    config._ensure_unconfigure()


def _next(connection: Connection) -> list[int]:
    connection.send(("next", None))
    return connection.recv()
