"""What every command stands on: who acts, how things are shown, how failures are told, and the exit codes.

0 done · 1 what was asked for failed · 2 wrong usage or setting · 3 not found or not allowed · 4 no Kicau to work with
70 a fault of ours · 130 interrupted · 141 nobody reads any more
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import sys
import traceback
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from kicau.base import privileges

if TYPE_CHECKING:
    from kicau.workspaces.actors import Actor
    from kicau.workspaces.models import Person

EXIT_FAILED, EXIT_USAGE, EXIT_NOT_FOUND, EXIT_NO_KICAU, EXIT_FAULT, EXIT_INTERRUPTED, EXIT_BROKEN_PIPE = (
    1,
    2,
    3,
    4,
    70,
    130,
    141,
)
MAX_CELL_WIDTH = 400  # columns of a table that nobody looks at: nothing is cut in a pipe


class CommandError(click.ClickException):
    """A sentence for standard error, and the exit code."""

    def __init__(self, sentence: str, code: int = EXIT_FAILED) -> None:
        super().__init__(sentence)
        self.code = code


class Shell:
    """One run of the program: the global options, and Kicau itself once a command needs it."""

    def __init__(self) -> None:
        self.email = ""
        self.workspace = ""
        self.as_json = False
        self._stack = contextlib.ExitStack()
        self._ready = False

    def kicau(self) -> None:
        """Connect to the instance: its database (started if it is the embedded one and nobody runs it) and Django."""
        if self._ready:
            return
        from kicau.base import logs, postgres, setting_definitions

        folder = setting_definitions.data_folder()
        self._stack.enter_context(privileges.files_owned_by(privileges.folder_owner(folder)))
        if not setting_definitions.read_setting("DATABASE_URL"):
            if not (folder / "postgres").exists():
                raise CommandError(
                    f"There is no Kicau data in {folder} yet. Start Kicau with kicau up, or set KICAU_DATA to its data folder.",
                    EXIT_NO_KICAU,
                )
            self._stack.enter_context(postgres.running_server(folder))
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kicau.config.settings")
        import django
        from django.apps import apps

        if not apps.ready:
            logs.set_up_logging("error", "text", process="cli")
            django.setup()
        self._ready = True

    def person(self) -> Person:
        """Whom the shell acts for: --as, else the first operator. Raises CommandError."""
        self.kicau()
        from kicau.workspaces.models import Person

        people = Person.objects.filter(is_active=True).order_by("created_at")
        if self.email:
            found = people.filter(email__iexact=self.email).first()
            if found is None:
                raise CommandError(
                    f"There is no account with the e-mail address {self.email}. To see all members, run: kicau users list",
                    EXIT_NOT_FOUND,
                )
            return found
        found = people.filter(is_operator=True).first()
        if found is None:
            raise CommandError(
                "This server has no owner yet. Open its address in a browser and become the owner, or start Kicau with: kicau up --owner you@example.org",
                EXIT_NO_KICAU,
            )
        return found

    def actor(self) -> Actor:
        """That person in --workspace, or in their only one. Raises CommandError."""
        person = self.person()
        from kicau.workspaces.actions import actor_for, workspaces_of

        there = workspaces_of(person)
        wanted = (
            [w for w in there if self.workspace.casefold() in (w.name.casefold(), str(w.id))]
            if self.workspace
            else there
        )
        names = ", ".join(w.name for w in there) or "none"
        if not wanted:
            raise CommandError(
                f"{person.email} has no workspace {self.workspace!r}. Available workspaces: {names}.", EXIT_NOT_FOUND
            )
        if len(wanted) > 1:
            raise CommandError(
                f"{person.email} has several workspaces. Choose one with --workspace: {names}.", EXIT_USAGE
            )
        return actor_for(person, wanted[0].id, "cli")

    def anywhere(self) -> Actor:
        """That person in --workspace, or in the first of theirs: for what spans all of them. Raises CommandError."""
        person = self.person()
        from kicau.workspaces.actions import actor_for, workspaces_of

        there = workspaces_of(person)
        return self.actor() if self.workspace or not there else actor_for(person, there[0].id, "cli")

    def wait_for[T](self, work: Coroutine[Any, Any, T]) -> T:
        """Do asynchronous work to its end; what it does synchronously stays in this thread, on this connection."""
        from asgiref.sync import async_to_sync

        async def do() -> T:
            return await work

        return async_to_sync(do)()

    def close(self) -> None:
        if self._ready:
            from django.db import connection

            if not connection.in_atomic_block:  # within a test's transaction it is not ours
                connection.close()
        self._stack.close()


class BrokenOutput(Exception):
    """Nobody reads standard output any more."""


class RootGroup(click.Group):
    """The program itself: every failure is one sentence and one exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
            return result
        except BrokenPipeError as exc:
            raise BrokenOutput from exc  # click would make exit code 1 of it, which means that something failed

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        if not standalone_mode:
            return super().main(args, prog_name, complete_var, standalone_mode=False, **extra)
        shell = Shell()
        before = os.umask(privileges.PRIVATE_UMASK)
        try:
            code = super().main(args, prog_name or "kicau", complete_var, standalone_mode=False, obj=shell, **extra)
        except BaseException as exc:
            if isinstance(exc, SystemExit):
                raise
            code = report_failure(exc, as_json=shell.as_json)
        finally:
            _close(shell)
            os.umask(before)
        sys.exit(code if isinstance(code, int) else 0)


def _close(shell: Shell) -> None:
    with contextlib.suppress(KeyboardInterrupt):
        shell.close()


def report_failure(exc: BaseException, *, as_json: bool = False) -> int:
    """The sentence to standard error (with --json, an object to standard output too); returns the exit code."""
    if isinstance(exc, BrokenOutput):
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_BROKEN_PIPE
    if os.environ.get("KICAU_DEBUG") == "1" and not isinstance(
        exc, click.ClickException | click.exceptions.Abort | KeyboardInterrupt
    ):
        traceback.print_exception(exc)
    if isinstance(exc, click.UsageError):
        exc.show()
        return EXIT_USAGE
    code, sentences, problems = describe_failure(exc)
    if as_json:
        click.echo(json.dumps({"error": " ".join(sentences), "problems": problems}, ensure_ascii=False))
    for sentence in sentences:
        click.echo(sentence, err=True)
    return code


def describe_failure(exc: BaseException) -> tuple[int, list[str], list[dict[str, Any]]]:
    """(exit code, sentences, problems) of anything that can be raised."""
    if isinstance(exc, click.ClickException):
        return exc.code if isinstance(exc, CommandError) else exc.exit_code, [exc.format_message()], []
    if isinstance(exc, click.exceptions.Abort | KeyboardInterrupt):
        return EXIT_INTERRUPTED, ["Interrupted."], []
    from kicau.base.errors import DomainError, ValidationFailed
    from kicau.base.postgres import DatabaseUnavailable
    from kicau.base.setting_definitions import SettingError
    from kicau.connector.errors import ConnectorError
    from kicau.connector.registry import UnknownNetwork

    if isinstance(exc, ValidationFailed):
        return EXIT_FAILED, [p.sentence for p in exc.problems], [p.fields() for p in exc.problems]
    if isinstance(exc, UnknownNetwork):
        return EXIT_NOT_FOUND, [str(exc)], []
    if isinstance(exc, DomainError | ConnectorError):
        return exc.exit_code if isinstance(exc, DomainError) else EXIT_FAILED, [str(exc)], []
    if isinstance(exc, SettingError):
        return EXIT_USAGE, [str(exc)], []
    if isinstance(exc, DatabaseUnavailable):
        return EXIT_NO_KICAU, [str(exc)], []
    if isinstance(exc, OSError) and exc.errno is not None:
        return _describe_disk_error(exc)
    return _describe_database_error(exc) or (
        EXIT_FAULT,
        [
            f"Internal error in Kicau: {type(exc).__name__}: {exc}. Set KICAU_DEBUG=1 to see the traceback, and please report the error."
        ],
        [],
    )


def _describe_disk_error(exc: OSError) -> tuple[int, list[str], list[dict[str, Any]]]:
    where = f" ({exc.filename})" if exc.filename else ""
    if exc.errno in (errno.ENOSPC, errno.EDQUOT):
        return EXIT_FAILED, [f"The disk is full{where}. Nothing was changed. Free some space and try again."], []
    return EXIT_FAILED, [f"{exc.strerror or type(exc).__name__}{where}."], []


def _describe_database_error(exc: BaseException) -> tuple[int, list[str], list[dict[str, Any]]] | None:
    if "django" not in sys.modules:
        return None
    from django.core.exceptions import ImproperlyConfigured
    from django.db import InterfaceError, OperationalError, ProgrammingError

    if isinstance(exc, OperationalError | InterfaceError):
        first = (str(exc).strip().splitlines() or [""])[0]
        return (
            EXIT_NO_KICAU,
            [f"Kicau cannot reach the database: {first}. Check that Kicau is running (kicau up), or run kicau doctor."],
            [],
        )
    if isinstance(exc, ProgrammingError) and getattr(exc.__cause__, "sqlstate", "") in ("42P01", "42703"):
        return EXIT_NO_KICAU, ["The database is not ready for this version of Kicau. To upgrade it, run: kicau up"], []
    if isinstance(exc, ImproperlyConfigured):
        return EXIT_USAGE, [str(exc)], []
    return None


pass_shell = click.make_pass_decorator(Shell, ensure=True)


def _set_json_output(context: click.Context, _: click.Parameter, value: bool) -> bool:
    context.ensure_object(Shell).as_json = value
    return value


json_option = click.option(
    "--json", "as_json", is_flag=True, expose_value=True, is_eager=True, callback=_set_json_output, help="Print JSON."
)


def print_json(data: Any) -> None:
    """JSON to standard output: indented for a person, one line for a program."""
    click.echo(json.dumps(data, ensure_ascii=False, indent=2 if sys.stdout.isatty() else None))


def printable_line(value: Any) -> str:
    """On one line, with nothing that moves a terminal's cursor."""
    return "".join(c if c.isprintable() or c in "\u200d\ufe0f" else " " for c in str(value))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, empty: str = "Nothing.") -> None:
    """A table for people; columns that begin with ">" are aligned to the right."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    kept = list(rows)
    if not kept:
        click.echo(empty)
        return
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for column in columns:
        table.add_column(
            column.removeprefix(">"), justify="right" if column.startswith(">") else "left", overflow="fold"
        )
    for row in kept:
        table.add_row(*(Text(printable_line(cell)) for cell in row))
    console = Console(file=sys.stdout, highlight=False, width=None if sys.stdout.isatty() else MAX_CELL_WIDTH)
    with console.capture() as captured:
        console.print(table)
    click.echo("\n".join(line.rstrip() for line in captured.get().splitlines()))


def print_facts(facts: Mapping[str, Any]) -> None:
    """Names and values, one a line; what is empty is left out."""
    kept = {name: value for name, value in facts.items() if value not in (None, "", [], {})}
    width = max(map(len, kept), default=0)
    for name, value in kept.items():
        click.echo(f"{name:<{width}}  {printable_line(value)}")


def print_result(as_json: bool, data: Any, human: Callable[[], None]) -> None:
    """One result, for programs or for people."""
    if as_json:
        print_json(data)
    else:
        human()
