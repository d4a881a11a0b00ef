"""Failures are one sentence and one exit code, never a traceback; help comes at once."""

import errno
import subprocess
import sys

import pytest

from kicau.base.errors import Conflict, NotAllowed, NotFound, validation_failed
from kicau.base.postgres import DatabaseUnavailable
from kicau.base.setting_definitions import SettingError
from kicau.cli.core.command import describe_failure, printable_line, report_failure
from kicau.connector.errors import Unavailable


@pytest.mark.parametrize(
    ("exc", "code", "says"),
    [
        (validation_failed("at", "Say when."), 1, "Say when."),
        (Conflict("It is out already."), 1, "It is out already."),
        (NotAllowed("Ask an editor."), 3, "Ask an editor."),
        (NotFound("channel", "x"), 3, "There is no channel 'x'"),
        (SettingError("KICAU_PORT must be a number."), 2, "KICAU_PORT"),
        (DatabaseUnavailable("It did not start."), 4, "did not start"),
        (Unavailable("could not be reached"), 1, "could not be reached"),
        (OSError(errno.ENOSPC, "No space left on device"), 1, "The disk is full. Nothing was changed"),
        (PermissionError(errno.EACCES, "Permission denied", "/srv/x"), 1, "Permission denied (/srv/x)"),
        (KeyboardInterrupt(), 130, "Interrupted"),
        (TypeError("oops"), 70, "Internal error in Kicau: TypeError: oops"),
    ],
    ids=lambda v: type(v).__name__ if isinstance(v, BaseException) else "",
)
def test_every_failure_has_a_code_and_a_sentence(exc, code, says):
    found, sentences, _ = describe_failure(exc)
    assert found == code
    assert says in sentences[0]


def test_a_traceback_only_where_it_is_asked_for(capsys, monkeypatch):
    monkeypatch.delenv("KICAU_DEBUG", raising=False)
    report_failure(TypeError("oops"))
    assert "Traceback" not in capsys.readouterr().err
    monkeypatch.setenv("KICAU_DEBUG", "1")
    report_failure(TypeError("oops"))
    assert "TypeError: oops" in capsys.readouterr().err


def test_an_empty_machine_is_told_how_to_begin(program, tmp_path):
    done = program("calendar", KICAU_DATA=str(tmp_path / "none"))
    assert done.returncode == 4
    assert b"Start Kicau with kicau up" in done.stderr
    assert not (tmp_path / "none").exists()


def test_a_database_that_does_not_answer_is_told(program, tmp_path):
    done = program("calendar", KICAU_DATA=str(tmp_path), DATABASE_URL="postgresql://nobody:secret@127.0.0.1:9/kicau")
    assert done.returncode == 4
    assert b"Kicau cannot reach the database" in done.stderr
    assert b"secret" not in done.stderr
    assert b"Traceback" not in done.stderr


def test_wrong_settings_are_told_before_anything_starts(program, tmp_path):
    done = program("up", KICAU_DATA=str(tmp_path / "d"), KICAU_PORT="ninety")
    assert done.returncode == 2
    assert b"KICAU_PORT must be a port number" in done.stderr


def test_a_data_folder_that_cannot_be_used_is_told(program, tmp_path):
    (tmp_path / "file").write_text("")
    done = program("up", KICAU_DATA=str(tmp_path / "file" / "data"))
    assert done.returncode == 4
    assert b"Choose another folder with KICAU_DATA" in done.stderr


def test_a_taken_port_is_told(program, tmp_path):
    import socket

    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        done = program("up", KICAU_DATA=str(tmp_path / "d"), KICAU_PORT=str(other.getsockname()[1]))
    assert done.returncode == 1
    assert b"Choose another port with --port" in done.stderr


def test_help_loads_nothing_heavy():
    code = "import sys; from kicau.cli import main; print([m for m in ('django', 'aiohttp', 'pydantic', 'structlog', 'rich') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_what_is_printed_moves_no_cursor():
    assert printable_line("a\x1b[2Jb\nc\u202ed") == "a [2Jb c d"
    assert printable_line("👩‍👩‍👧 ☕️") == "👩‍👩‍👧 ☕️"
