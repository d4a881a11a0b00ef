"""docs/reference/api.md tells what is."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from kicau.api.core import idempotency
from kicau.api.models import RESPONSE_LIFETIME
from kicau.api.root import api
from kicau.workspaces.actors import Permission
from kicau.workspaces.webhooks import RETRY_DELAYS_SECONDS, sign_payload

PAGE = (Path(__file__).parents[3] / "docs" / "reference" / "api.md").read_text("utf-8")


def test_the_signature_check_that_is_shown_works():
    said: dict = {}
    exec(re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)[1], said)
    now, body = int(time.time()), b'{"event": "ping"}'
    assert said["is_ours"]("whsec_a", sign_payload("whsec_a", body, now), body)
    assert not said["is_ours"]("whsec_b", sign_payload("whsec_a", body, now), body)
    assert not said["is_ours"]("whsec_a", sign_payload("whsec_a", body, now), body + b" ")
    assert not said["is_ours"]("whsec_a", sign_payload("whsec_a", body, now - 600), body)


def test_what_it_names_exists():
    paths = {path.removeprefix("/api/v1") for path in api.get_openapi_schema()["paths"]}
    for named in re.findall(r"`(?:GET|POST|PUT|DELETE) (/[^`]+)`", PAGE) + re.findall(
        r"\$KICAU/api/v1(/[a-z/]+[a-z])", PAGE
    ):
        assert any(re.fullmatch(re.sub(r"{\w+}", "[^/]+", path), named) for path in paths), named
    scopes = re.search(r"scopes: (.*?)\.", PAGE)[1]
    assert re.findall(r"`(\w+)`", scopes) == [p.value for p in Permission]


@pytest.mark.parametrize(
    "fact",
    [
        f"{idempotency.MAX_KEY_LENGTH} printable",
        f"{int(RESPONSE_LIFETIME.total_seconds()) // 3600} hours",
        "10 s, 1 min, 5 min, 30 min, 2 h, 6 h and 12 h",
    ],
)
def test_its_numbers(fact):
    assert fact in PAGE
    assert RETRY_DELAYS_SECONDS == (10, 60, 300, 1800, 7200, 21600, 43200)
