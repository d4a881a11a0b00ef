"""Idempotency-Key: a request that is sent twice is done once, and answered the same.

The key is claimed in the transaction of the act itself, so either both are kept or neither. A second request with the
key waits for the first to end. Only success is remembered: after a refusal, the fixed request may use the same key.

What waits for a server outside must not do so in a transaction. There the key is claimed before, in a transaction of its
own, and a second request is answered at once that the first is under way.
"""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.db import DatabaseError, OperationalError, connection, transaction
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from kicau.api.core.problems import ApiProblem, field_error
from kicau.api.models import RESPONSE_LIFETIME, IdempotentResponse
from kicau.base import clock
from kicau.base.pool import release_connections
from kicau.workspaces.actors import Actor

IDEMPOTENCY_HEADER = "Idempotency-Key"
MAX_KEY_LENGTH = 200
KEY_PATTERN = "^[!-~]+$"
LOCK_TIMEOUT = "15s"  # how long a second request waits for the first
TURN_TIMEOUT_SECONDS = 15.0  # the same within one process, where it waits without a connection to the database
CLAIM_LIFETIME = timedelta(minutes=10)  # for a request that asks outside: longer than any of them takes
_STORED_HEADERS = ("ETag", "Location")


def run_once(request: HttpRequest, actor: Actor, do: Callable[[], HttpResponseBase]) -> HttpResponseBase:
    """Do a request, or answer what it was answered before."""
    if IDEMPOTENCY_HEADER not in request.headers or request.method != "POST":
        return do()
    key = _idempotency_key(request)
    fingerprint = _fingerprint(request)
    with _wait_for_turn(actor, key), transaction.atomic():
        row = _claim_key(actor, key, fingerprint)
        if row.status:
            return _repeat_response(row, fingerprint)
        response = do()
        _store_response(row, response)
    return response


def run_once_outside_transaction(
    request: HttpRequest, actor: Actor, do: Callable[[], HttpResponseBase]
) -> HttpResponseBase:
    """As `run_once`, for a request that waits for a server outside: no transaction is open while it does."""
    if IDEMPOTENCY_HEADER not in request.headers or request.method != "POST":
        return do()
    key = _idempotency_key(request)
    fingerprint = _fingerprint(request)
    with transaction.atomic():
        row = _claim_key(actor, key, fingerprint)
        if row.status:
            return _repeat_response(row, fingerprint)
        now = clock.now()
        if row.under_way_until and row.under_way_until > now:
            raise _in_progress_problem()
        row.under_way_until = now + CLAIM_LIFETIME
        row.save(update_fields=["under_way_until"])
    try:
        response = do()
    except BaseException:
        row.delete()
        raise
    with transaction.atomic():
        _store_response(row, response, or_drop=True)
    return response


def _idempotency_key(request: HttpRequest) -> str:
    key = request.headers.get(IDEMPOTENCY_HEADER, "")
    if not re.fullmatch(KEY_PATTERN, key) or len(key) > MAX_KEY_LENGTH:
        raise field_error(
            IDEMPOTENCY_HEADER,
            "invalid",
            f"An {IDEMPOTENCY_HEADER} has 1 to {MAX_KEY_LENGTH} printable ASCII characters and no spaces. Create a new random one for each request.",
        )
    return key


_turns: dict[tuple[object, ...], list[threading.Lock]] = {}  # by key: one lock, as often as it is wanted
_turns_lock = threading.Lock()


@contextmanager
def _wait_for_turn(actor: Actor, key: str) -> Iterator[None]:
    """Requests with the same key wait here for each other; in the database each would wait with a connection."""
    name = (actor.token_id, actor.workspace.id, key)
    with _turns_lock:
        wanted = _turns.setdefault(name, [])
        lock = wanted[0] if wanted else threading.Lock()
        wanted.append(lock)
    try:
        if not lock.acquire(blocking=False):
            release_connections()
            if not lock.acquire(timeout=TURN_TIMEOUT_SECONDS):
                raise _in_progress_problem()
        try:
            yield
        finally:
            lock.release()
    finally:
        with _turns_lock:
            wanted.pop()
            if not wanted:
                del _turns[name]


def _in_progress_problem() -> ApiProblem:
    return ApiProblem(
        "conflict",
        f"The first request with this {IDEMPOTENCY_HEADER} is still in progress. Repeat the request in a few seconds.",
    )


def _claim_key(actor: Actor, key: str, fingerprint: str) -> IdempotentResponse:
    whose = {"token_id": actor.token_id, "workspace_id": actor.workspace.id, "key": key}
    IdempotentResponse.objects.filter(**whose, at__lt=clock.now() - RESPONSE_LIFETIME).delete()
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [LOCK_TIMEOUT])
        try:
            row, _ = IdempotentResponse.objects.get_or_create(
                **whose, defaults={"fingerprint": fingerprint, "at": clock.now()}
            )
        except OperationalError as exc:
            raise _in_progress_problem() from exc
        cursor.execute("SELECT set_config('lock_timeout', '0', true)")
    return row


def _repeat_response(row: IdempotentResponse, fingerprint: str) -> HttpResponse:
    if row.fingerprint != fingerprint:
        raise field_error(
            IDEMPOTENCY_HEADER,
            "reused",
            f"This {IDEMPOTENCY_HEADER} was used for another request within the last 24 hours; make a new one for each act.",
        )
    response = HttpResponse(row.body, status=row.status, content_type="application/json; charset=utf-8")
    for name, value in row.headers.items():
        response[name] = value
    response["Idempotency-Replayed"] = "true"
    return response


def _store_response(row: IdempotentResponse, response: HttpResponseBase, *, or_drop: bool = False) -> None:
    """`or_drop`: the act had transactions of its own, so that a fault ends the claim and nothing else."""
    if response.status_code < 300 and isinstance(response, HttpResponse):
        headers = {name: response[name] for name in _STORED_HEADERS if name in response}
        IdempotentResponse.objects.filter(pk=row.pk).update(  # the row is gone where the act deleted the workspace
            status=response.status_code, body=response.content.decode(), headers=headers
        )
        return
    if response.status_code >= 500 and not or_drop:
        transaction.set_rollback(True)
        return
    try:  # what a refused act wrote on purpose (the charges of its calls) stays
        row.delete()
    except DatabaseError:
        transaction.set_rollback(True)


def _fingerprint(request: HttpRequest) -> str:
    digest = hashlib.sha256(f"{request.method} {request.get_full_path()}\n".encode())
    if request.content_type != "multipart/form-data":
        digest.update(request.body)
        return digest.hexdigest()
    for name, values in sorted(request.POST.lists()):
        digest.update(repr((name, values)).encode())
    for name, files in sorted(request.FILES.lists()):
        for file in files:
            digest.update(repr((name, file.name)).encode())
            for chunk in file.chunks():
                digest.update(chunk)
            file.seek(0)
    return digest.hexdigest()
