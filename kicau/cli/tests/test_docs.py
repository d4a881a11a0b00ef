"""What the documentation says of the shell is so."""

from pathlib import Path

import pytest

from kicau.base.setting_definitions import SETTING_DEFINITIONS
from kicau.cli.core import command
from kicau.publishing.imports.csv_reader import known_columns

DOCS = Path(__file__).resolve().parents[3] / "docs"


@pytest.mark.parametrize("option", SETTING_DEFINITIONS, ids=lambda o: o.name)
def test_each_setting_stands_with_its_default_and_meaning(option):
    default = f"`{option.default}`" if option.default else ""
    assert f"| `{option.name}` | {default} | {option.help} |" in (DOCS / "reference/settings.md").read_text("utf-8")


def test_no_setting_stands_there_that_is_none():
    table = (DOCS / "reference/settings.md").read_text("utf-8").split("## For the shell")[0]
    rows = [line.split("`")[1] for line in table.splitlines() if line.startswith("| `")]
    assert rows == [option.name for option in SETTING_DEFINITIONS]


def test_every_exit_code_is_told():
    said = (DOCS / "reference/cli.md").read_text("utf-8")
    for code in (
        command.EXIT_FAILED,
        command.EXIT_USAGE,
        command.EXIT_NOT_FOUND,
        command.EXIT_NO_KICAU,
        command.EXIT_FAULT,
        command.EXIT_INTERRUPTED,
        command.EXIT_BROKEN_PIPE,
    ):
        assert f"| {code} |" in said


def test_every_column_is_told():
    said = (DOCS / "how-to/import-posts.md").read_text("utf-8")
    told = {c if not c.startswith("text:") else "text:network" for c in known_columns()}
    assert [c for c in sorted(told) if f"`{c}`" not in said] == []
