"""What a stranger wrote is a text in a spreadsheet, never a formula."""

from __future__ import annotations

import pytest

from kicau.base.spreadsheets import escape_formula


@pytest.mark.parametrize("text", ['=HYPERLINK("http://e.test/")', "+1", "-1", "@SUM(1)", "\t=1", "\r=1", " =1", "\n=1"])
def test_a_formula_becomes_a_text(text):
    assert escape_formula(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "Kopi = susu", "a@b.example", "https://kopi.example", "'=1"])
def test_other_text_stays(text):
    assert escape_formula(text) == text
