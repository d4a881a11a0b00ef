"""Idempotency-Key: once, whatever happens."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction

from kicau.api.models import IdempotentResponse, delete_expired_responses
from kicau.api.tests.conftest import Caller, caller_for, png
from kicau.api.tests.test_authentication import problem
from kicau.base import clock
from kicau.publishing.models import Draft
from kicau.workspaces.models import ApiToken

SIMPLE = {"parts": [{"text": "Sekali saja"}]}


def test_the_second_request_gets_the_first_answer(api):
    first = api.post("/posts", SIMPLE, Idempotency_Key="a1")
    second = api.post("/posts", SIMPLE, Idempotency_Key="a1")
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.content == second.content
    assert (second["Idempotency-Replayed"], second["Location"], second["ETag"]) == (
        "true",
        first["Location"],
        first["ETag"],
    )
    assert Draft.objects.count() == 1


def test_another_request_with_the_same_key(api):
    api.post("/posts", SIMPLE, Idempotency_Key="a1")
    for path, body in [("/posts", {"parts": [{"text": "Lain"}]}), ("/tokens", {"name": "x", "scopes": ["read"]})]:
        assert problem(api.post(path, body, Idempotency_Key="a1"), 422)["errors"][0]["code"] == "reused"
    assert Draft.objects.count() == 1


def test_keys_belong_to_their_token(api, actor):
    api.post("/posts", SIMPLE, Idempotency_Key="a1")
    caller_for(actor).post("/posts", SIMPLE, Idempotency_Key="a1")
    assert Draft.objects.count() == 2


def test_a_refused_request_may_be_mended_and_sent_with_its_key(api):
    problem(api.post("/posts", {"parts": [{"text": "x"}], "timezone": "No/Where"}, Idempotency_Key="a1"), 422)
    assert api.post("/posts", SIMPLE, Idempotency_Key="a1").status_code == 201
    assert Draft.objects.count() == 1


def test_a_fault_leaves_nothing_behind(api, monkeypatch):
    def broken(row):
        raise RuntimeError

    monkeypatch.setattr("kicau.api.core.serializers.post_fields", broken)
    problem(api.post("/posts", SIMPLE, Idempotency_Key="a1"), 500)
    assert (Draft.objects.count(), IdempotentResponse.objects.count()) == (0, 0)


def test_a_secret_in_an_answer_is_kept_sealed(api):
    made = api.post("/tokens", {"name": "x", "scopes": ["read"]}, Idempotency_Key="a1").json()
    with connection.cursor() as cursor:
        cursor.execute("SELECT body FROM api_idempotentresponse")
        assert made["secret"] not in cursor.fetchone()[0]
    assert api.post("/tokens", {"name": "x", "scopes": ["read"]}, Idempotency_Key="a1").json() == made
    assert ApiToken.objects.filter(name="x").count() == 1


def test_an_upload_is_known_by_its_content(api):
    def send(content: bytes):
        return api._send(
            "POST",
            "/media",
            {"data": {"file": SimpleUploadedFile("a.png", content), "alt": "Cangkir"}},
            {"Idempotency-Key": "a1"},
        )

    first = send(png())
    assert first.status_code == 201
    assert send(png()).json() == first.json()  # though its multipart boundary is another one
    problem(send(png("#000000")), 422)


def test_after_a_day_the_key_is_free(api):
    api.post("/posts", SIMPLE, Idempotency_Key="a1")
    IdempotentResponse.objects.update(at=clock.now() - timedelta(hours=25))
    assert api.post("/posts", {"parts": [{"text": "Lain"}]}, Idempotency_Key="a1").status_code == 201
    IdempotentResponse.objects.update(at=clock.now() - timedelta(hours=25))
    assert (delete_expired_responses(), IdempotentResponse.objects.count()) == (1, 0)


@pytest.mark.parametrize("key", ["", "a" * 201, "kunci ékor", "a\tb"])
def test_a_key_that_cannot_be_kept(api, key):
    assert problem(api.post("/posts", SIMPLE, Idempotency_Key=key), 422)["errors"][0]["field"] == "Idempotency-Key"


@pytest.mark.django_db(transaction=True)
def test_at_the_same_moment_it_is_done_once(actor):
    secret, answers = caller_for(actor).secret, []

    def send() -> None:
        answers.append(Caller(secret).post("/posts", SIMPLE, Idempotency_Key="a1"))
        connection.close()

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {a.status_code for a in answers} == {201}
    assert len({a.content for a in answers}) == 1
    assert Draft.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_one_that_takes_too_long_is_not_waited_for_for_ever(actor, monkeypatch):
    monkeypatch.setattr("kicau.api.core.idempotency.LOCK_TIMEOUT", "100ms")
    asking, begun, end = caller_for(actor), threading.Event(), threading.Event()
    token_id = ApiToken.objects.get().id

    def first() -> None:
        with transaction.atomic():
            IdempotentResponse.objects.create(
                token_id=token_id, workspace_id=actor.workspace.id, key="a1", fingerprint=""
            )
            begun.set()
            end.wait(60)
            transaction.set_rollback(True)
        connection.close()

    thread = threading.Thread(target=first)
    thread.start()
    try:
        begun.wait()
        assert "still in progress" in problem(asking.post("/posts", SIMPLE, Idempotency_Key="a1"), 409)["detail"]
    finally:
        end.set()
        thread.join()
    assert asking.post("/posts", SIMPLE, Idempotency_Key="a1").status_code == 201
