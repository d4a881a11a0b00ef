"""The whole OpenAPI description, held against the running API by schemathesis: no fault, nothing undescribed.

Every endpoint, every check. Of the thousands of cases that its coverage phase makes, an even part is sent; with
THOROUGH=1 in the environment, all of them, and more random ones (two minutes more).
"""

from __future__ import annotations

import hashlib
import io
import os
import secrets
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
import schemathesis
from django.db import transaction
from hypothesis import HealthCheck, Phase, settings
from openapi_spec_validator import OpenAPIV31SpecValidator
from requests.adapters import HTTPAdapter
from schemathesis.generation.meta import TestPhase
from schemathesis.specs.openapi.checks import ignored_auth
from urllib3 import HTTPResponse

from kicau.api.core.authentication import WORKSPACE_HEADER
from kicau.api.root import api
from kicau.api.schemas.base import Schema
from kicau.api.tests.conftest import application, populate
from kicau.base.ids import NO_ID, as_uuid
from kicau.workspaces.actions import actor_for, add_person, create_workspace
from kicau.workspaces.actors import Permission
from kicau.workspaces.api_tokens import TOKEN_PREFIX, create_token
from kicau.workspaces.models import ApiToken

HERE = "http://testserver"
ACCEPTED = ["2xx", "401", "403", "404", "409", "412", "422"]
CONFIG = {
    "base-url": HERE,
    "seed": 20261124,
    "generation": {"deterministic": True, "no-shrink": True},
    "checks": {
        # A text that follows the schema may still name a zone that does not exist or a time that is past (422), or
        # another version than the newest (412).
        "positive_data_acceptance": {"expected-statuses": ACCEPTED},
    },
    "operations": [
        {  # it asks the network itself, which this machine may not reach
            "include-name": "POST /api/v1/channels/sign-ins",
            "checks": {
                "not_a_server_error": {"expected-statuses": ["2xx", "3xx", "4xx", "502"]},
                "positive_data_acceptance": {"expected-statuses": [*ACCEPTED, "502"]},
            },
        },
    ],
}
SECRET = TOKEN_PREFIX + secrets.token_urlsafe(32)  # wanted before there is a database
THOROUGH = bool(os.environ.get("THOROUGH"))
ALL_OF, THEN_EVERY = 12, 12  # coverage cases of one endpoint: how many first ones are sent, and which of the others
turns: Counter[str] = Counter()
asked: Counter[str] = Counter()
known: dict[str, Any] = {}  # the populated workspace: its id, the ids in it

pytestmark = pytest.mark.django_db  # what one endpoint's requests did is undone before the next
schema = schemathesis.openapi.from_dict(api.get_openapi_schema(), config=schemathesis.Config.from_dict(CONFIG))
quickly = settings(
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate],
    database=None,
    max_examples=50 if THOROUGH else 5,
    derandomize=True,
)


@schema.auth()
class Bearer:
    def get(self, case: Any, context: Any) -> str:
        return SECRET

    def set(self, case: Any, data: str, context: Any) -> None:
        case.headers = {**(case.headers or {}), "Authorization": f"Bearer {data}"}


def in_process(adapter: HTTPAdapter, request: Any, *args: Any, **kwargs: Any) -> requests.Response:
    """For HTTPAdapter.send: the very bytes of a request to the application, within the test's transaction."""
    url, body = urlsplit(request.url), request.body or b""
    headers = {
        name: value.decode("latin-1") if isinstance(value, bytes) else value for name, value in request.headers.items()
    }
    answer = application().generic(
        request.method,
        url.path,
        body.encode() if isinstance(body, str) else body,
        headers.get("Content-Type", ""),
        headers=headers,
        QUERY_STRING=url.query,
    )
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    raw = HTTPResponse(
        io.BytesIO(content),
        headers=list(answer.items()),
        status=answer.status_code,
        reason=answer.reason_phrase,
        preload_content=False,
    )
    return adapter.build_response(request, raw)


@pytest.fixture(scope="module", autouse=True)
def _world(django_db_setup: None, django_db_blocker: Any, tmp_path_factory: Any) -> Iterator[None]:
    """One populated workspace for all endpoints, with a token of all scopes; undone at the end."""
    with django_db_blocker.unblock(), transaction.atomic(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(HTTPAdapter, "send", in_process)
        person = add_person("sari@kopisenja.example", "Sari Wulandari", "hujan-di-bandung-41")
        actor = actor_for(person, create_workspace(person, "Kopi Senja", timezone="Asia/Jakarta").id, "cli")
        world = populate(actor, Path(tmp_path_factory.mktemp("media")))
        made = create_token(actor, "contract", list(Permission)).token
        ApiToken.objects.filter(id=made.id).update(digest=hashlib.sha256(SECRET.encode()).hexdigest())
        known.update(workspace=str(actor.workspace.id), ids=world.ids)
        yield
        transaction.set_rollback(True)


@pytest.fixture(autouse=True)
def _no_rate(settings: Any) -> None:
    settings.KICAU_API_RATE = 1_000_000


@schema.parametrize()
@quickly
def test_every_endpoint_keeps_to_its_description(case: Any) -> None:
    if not THOROUGH and case.meta.phase.name == TestPhase.COVERAGE:
        turns[case.operation.label] += 1
        if turns[case.operation.label] > ALL_OF and turns[case.operation.label] % THEN_EVERY:
            return
    if case.meta.generation.mode.is_positive:  # good requests are about things that are there
        case.path_parameters = {name: known["ids"][name] for name in case.path_parameters or {}}
    if as_uuid((case.headers or {}).get(WORKSPACE_HEADER, "")) != NO_ID:
        case.headers = {**case.headers, WORKSPACE_HEADER: known["workspace"]}
    asked[case.operation.label] += 1
    known_already = [ignored_auth] if asked[case.operation.label] > 3 and not THOROUGH else []  # it asks twice more
    case.call_and_validate(excluded_checks=known_already)


def test_no_two_shapes_share_a_name() -> None:
    """In the description a shape is known by its class's name alone: the second would be described as the first."""
    named = Counter(shape.__name__ for shape in every(Schema))
    assert [name for name, times in named.items() if times > 1] == []


def every(shape: type[Schema]) -> Iterator[type[Schema]]:
    for one in shape.__subclasses__():
        yield one
        yield from every(one)


def test_what_asks_a_network_may_answer_502() -> None:
    responses = api.get_openapi_schema()["paths"]["/api/v1/channels/sign-ins"]["post"]["responses"]
    assert responses["502"] == {"$ref": "#/components/responses/Problem502"}


def test_the_description_is_valid_openapi() -> None:
    OpenAPIV31SpecValidator(api.get_openapi_schema()).validate()
