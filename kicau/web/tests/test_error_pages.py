"""What has no page of its own is told in the reader's language, in Kicau's own look, and without asking the database."""

from __future__ import annotations

import psycopg
import pytest
from asgiref.sync import sync_to_async
from django.db import connection, connections
from django.test import AsyncClient, RequestFactory
from django.utils import translation

from kicau.base.database_reconnect import drop_broken_connection
from kicau.web.core import error_pages


@pytest.mark.parametrize(("language", "title"), [("en", "Page not found"), ("id", "Halaman tidak ditemukan")])
def test_an_address_without_anything(guest, language, title):
    answer = guest.get("/nothing/here", headers={"accept-language": language})
    html = answer.content.decode()
    assert (answer.status_code, f'lang="{language}"' in html, title in html) == (404, True, True)
    assert "tokens.css" in html
    assert "default-src" in answer["Content-Security-Policy"]


@pytest.mark.parametrize(("language", "title"), [("en", "Something went wrong"), ("id", "Terjadi kesalahan")])
def test_a_fault_is_told_even_where_the_database_is_what_is_at_fault(language, title):
    before = connections["default"].connection
    with translation.override(language):
        answer = error_pages.broken(RequestFactory().get("/"))
        piece = error_pages.broken(RequestFactory().get("/", headers={"HX-Request": "true"}))
    assert (answer.status_code, title in answer.content.decode()) == (500, True)
    assert (piece.status_code, piece["HX-Retarget"], "<html" in piece.content.decode()) == (500, "#notices", False)
    assert connections["default"].connection is before, "and pytest lets nobody ask it here"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("language", "title"),
    [("en", "Kicau&#x27;s database is not responding"), ("id", "Basis data Kicau tidak merespons")],
)
def test_a_database_that_went_away_is_told_as_such(page, language, title):
    page.raise_request_exception = False
    assert page.get("/drafts").status_code == 200
    _cut()
    answer = page.get("/drafts", headers={"accept-language": language})
    assert (answer.status_code, answer["Retry-After"], title in answer.content.decode()) == (503, "5", True)
    connection.close()
    assert page.get("/drafts").status_code == 200


@pytest.mark.django_db(transaction=True)
async def test_it_is_told_to_those_whom_the_server_serves_from_its_loop(owner, workspace):
    page = AsyncClient(raise_request_exception=False)
    await page.aforce_login(owner)
    assert (await page.get("/drafts")).status_code == 200
    await sync_to_async(_cut)()
    assert (await page.get("/drafts")).status_code == 503
    await drop_broken_connection()


def _cut() -> None:
    """As a restart of the server does to a connection that is open."""
    with psycopg.connect(**connection.get_connection_params() | {"cursor_factory": None}) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [connection.connection.info.backend_pid])
