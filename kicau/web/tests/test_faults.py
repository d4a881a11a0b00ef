"""What has no page of its own is told in the reader's language, in Kicau's own look, and without asking the database."""

from __future__ import annotations

import pytest
from django.db import connections
from django.test import RequestFactory
from django.utils import translation

from kicau.web import faults


@pytest.mark.parametrize(("language", "title"), [("en", "There is nothing here"), ("id", "Tidak ada apa-apa di sini")])
def test_an_address_without_anything(guest, language, title):
    answer = guest.get("/nothing/here", headers={"accept-language": language})
    html = answer.content.decode()
    assert (answer.status_code, f'lang="{language}"' in html, title in html) == (404, True, True)
    assert "tokens.css" in html
    assert "default-src" in answer["Content-Security-Policy"]


@pytest.mark.parametrize(("language", "title"), [("en", "A fault of ours"), ("id", "Kesalahan di pihak kami")])
def test_a_fault_is_told_even_where_the_database_is_what_is_at_fault(language, title):
    before = connections["default"].connection
    with translation.override(language):
        answer = faults.broken(RequestFactory().get("/"))
        piece = faults.broken(RequestFactory().get("/", headers={"HX-Request": "true"}))
    assert (answer.status_code, title in answer.content.decode()) == (500, True)
    assert (piece.status_code, piece["HX-Retarget"], "<html" in piece.content.decode()) == (500, "#notices", False)
    assert connections["default"].connection is before, "and pytest lets nobody ask it here"
