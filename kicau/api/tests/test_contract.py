"""The whole OpenAPI description, held against the running API by schemathesis: no fault, nothing undescribed."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, transaction
from hypothesis import HealthCheck, Phase, settings
from openapi_spec_validator import OpenAPIV31SpecValidator

from kicau.api.gate import WORKSPACE
from kicau.api.root import api
from kicau.api.tests.conftest import populate
from kicau.base.ids import NO_ID, as_uuid
from kicau.workspaces.actors import Permission
from kicau.workspaces.acts import TOKEN_MARK, actor_for, add_person, create_token, create_workspace
from kicau.workspaces.models import Token

CONFIG = {
    "seed": 20261124,
    "generation": {"deterministic": True, "no-shrink": True},
    "checks": {
        # A text that follows the schema may still name a zone that does not exist or a time that is past (422), or
        # another version than the newest (412).
        "positive_data_acceptance": {"expected-statuses": ["2xx", "401", "403", "404", "409", "412", "422"]},
    },
}
pytestmark = pytest.mark.django_db  # what one endpoint's requests did is undone before the next
application = cache(get_wsgi_application)  # made when first asked: the static folder must be there
schema = schemathesis.openapi.from_dict(api.get_openapi_schema(), config=schemathesis.Config.from_dict(CONFIG))


def whole(environ: Any, start: Any) -> list[bytes]:
    """An answer read to its end and closed, as a web server does it."""
    answer = application()(environ, start)
    try:
        return [b"".join(answer)]
    finally:
        answer.close()


schema.app = whole
SECRET = TOKEN_MARK + secrets.token_urlsafe(32)  # wanted before there is a database
known: dict[str, Any] = {}  # the populated workspace: its id, the ids in it


@schema.auth()
class Bearer:
    def get(self, case: Any, context: Any) -> str:
        return SECRET

    def set(self, case: Any, data: str, context: Any) -> None:
        case.headers = {**(case.headers or {}), "Authorization": f"Bearer {data}"}


quickly = settings(
    deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.explicit, Phase.generate], database=None,
    max_examples=10, derandomize=True,
)  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def _world(django_db_setup: None, django_db_blocker: Any, tmp_path_factory: Any) -> Iterator[None]:
    """One populated workspace for all endpoints, with a token of all scopes; undone at the end."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)  # as Django's own test client does
    with django_db_blocker.unblock(), transaction.atomic():
        person = add_person("sari@kopisenja.example", "Sari Wulandari", "hujan-di-bandung-41")
        actor = actor_for(person, create_workspace(person, "Kopi Senja", timezone="Asia/Jakarta").id, "cli")
        world = populate(actor, Path(tmp_path_factory.mktemp("media")))
        made = create_token(actor, "contract", list(Permission)).token
        Token.objects.filter(id=made.id).update(digest=hashlib.sha256(SECRET.encode()).hexdigest())
        known.update(workspace=str(actor.workspace.id), ids=world.ids)
        yield
        transaction.set_rollback(True)
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture(autouse=True)
def _no_rate(settings: Any) -> None:
    settings.KICAU_API_RATE = 1_000_000


@schema.parametrize()
@quickly
def test_every_endpoint_keeps_to_its_description(case: Any) -> None:
    if case.meta.generation.mode.is_positive:  # good requests are about things that are there
        case.path_parameters = {name: known["ids"][name] for name in case.path_parameters or {}}
    if as_uuid((case.headers or {}).get(WORKSPACE, "")) != NO_ID:
        case.headers = {**case.headers, WORKSPACE: known["workspace"]}
    case.call_and_validate()


def test_the_description_is_valid_openapi() -> None:
    OpenAPIV31SpecValidator(api.get_openapi_schema()).validate()
