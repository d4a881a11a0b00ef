"""Compiled translations: as gettext reads them, and made anew only where their source is newer."""

from __future__ import annotations

import gettext
import io
import os
import subprocess
from pathlib import Path

import pytest

from kicau.base.message_catalogs import PACKAGE, compile_stale_catalogs, read_messages, to_mo

SOURCE = """msgid ""
msgstr ""
"Content-Type: text/plain; charset=utf-8\\n"
"Plural-Forms: nplurals=1; plural=0;\\n"

#: web/a.html
msgid "Save \\"all\\""
msgstr ""
"Simpan "
"\\"semua\\"\\n"

#: web/b.py
msgctxt "month"
msgid "May"
msgstr "Mei"

#: web/b.py
msgid "{n} post"
msgid_plural "{n} posts"
msgstr[0] "{n} unggahan"

#: web/c.py
msgid "Not translated"
msgstr ""

#: web/c.py
#, fuzzy
msgid "Guessed"
msgstr "Dugaan"
"""


@pytest.fixture
def source(tmp_path) -> Path:
    folder = tmp_path / "locale" / "id" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "django.po").write_text(SOURCE, "utf-8")
    return folder / "django.po"


def test_what_is_written_is_what_gettext_reads():
    read = gettext.GNUTranslations(io.BytesIO(to_mo(dict(read_messages(SOURCE)))))
    assert read.gettext('Save "all"') == 'Simpan "semua"\n'
    assert (read.pgettext("month", "May"), read.gettext("May")) == ("Mei", "May")
    assert read.ngettext("{n} post", "{n} posts", 7) == "{n} unggahan"
    assert [read.gettext(text) for text in ("Not translated", "Guessed")] == ["Not translated", "Guessed"]


def test_only_what_is_missing_or_old_is_compiled(source, tmp_path):
    compiled = source.with_suffix(".mo")
    assert compile_stale_catalogs(tmp_path) == [compiled]
    os.utime(compiled, ns=(2 * 10**18, 2 * 10**18))
    assert compile_stale_catalogs(tmp_path) == []
    source.write_text(SOURCE.replace("Mei", "bulan Mei"), "utf-8")
    os.utime(source, ns=(2 * 10**18, 2 * 10**18))  # within the same moment
    assert compile_stale_catalogs(tmp_path) == [compiled]
    with compiled.open("rb") as file:
        assert gettext.GNUTranslations(file).pgettext("month", "May") == "bulan Mei"
    assert [path.name for path in sorted(compiled.parent.iterdir())] == ["django.mo", "django.po"]


def test_no_compiled_catalog_is_in_the_repository():
    root = PACKAGE.parent
    if not (root / ".git").exists():
        pytest.skip("not a clone")
    listed = subprocess.run(["git", "ls-files", "*.mo"], cwd=root, capture_output=True, text=True, check=True)
    assert listed.stdout == ""
