"""The whole OpenAPI description, held against the running API by schemathesis: no fault, nothing undescribed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, settings
from openapi_spec_validator import OpenAPIV31SpecValidator

from kicau.api.root import api
from kicau.api.tests.conftest import World, caller_for

REFUSED = ["2xx", "400", "401", "403", "404", "409", "412", "413", "415", "422", "429", "501", "502", "507"]
CONFIG = {
    "seed": 20261124,
    "generation": {"deterministic": True, "max-examples": 12, "no-shrink": True},
    "checks": {
        # A text that follows the schema may still name a zone that does not exist or a time that is past: 422 says so.
        "positive_data_acceptance": {"expected-statuses": ["2xx", "401", "403", "404", "409", "422"]},
    },
}


@pytest.fixture
def one_connection() -> Iterator[None]:
    """Requests leave the test's transaction open, as they do with Django's own test client."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def described(one_connection: None, world: World, settings: Any) -> Any:
    settings.KICAU_API_RATE = 1_000_000
    config = schemathesis.Config.from_dict(CONFIG)
    loaded = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", get_wsgi_application(), config=config)
    loaded.secret = caller_for(world.actor).secret
    loaded.ids = world.ids
    return loaded


schema = schemathesis.pytest.from_fixture("described")


@schema.parametrize()
@settings(deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.explicit, Phase.generate], database=None, max_examples=12)
def test_every_endpoint_keeps_to_its_description(case: Any) -> None:
    root = case.operation.schema
    case.headers = {**(case.headers or {}), "Authorization": f"Bearer {root.secret}"}
    case.call_and_validate()


def test_the_description_is_valid_openapi() -> None:
    OpenAPIV31SpecValidator(api.get_openapi_schema()).validate()
