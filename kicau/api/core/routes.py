"""How endpoints are declared: each says the scope it needs, which the domain act behind it enforces."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from ninja import Path
from pydantic import Field

from kicau.workspaces.actors import Permission

SCOPE = "x-kicau-scope"
ASKS_NETWORK = "x-kicau-asks-network"  # the answer waits for a network's own, and is 502 where none comes
Id = Annotated[str, Field(json_schema_extra={"format": "uuid"}), Path(description="Its id.")]
Number = Annotated[int, Path(description="Its id.", ge=1, lt=2**53)]
Key = Annotated[str, Path(description="Its key or id.", max_length=80)]
State = Annotated[str, Path(description="`state` of the sign-in.", max_length=100)]
Slug = Annotated[str, Path(description="A network.", max_length=40)]


def scope(permission: Permission, **more: Any) -> dict[str, Any]:
    """For `openapi_extra`."""
    return {SCOPE: permission.value, **more}


def asks_outside[F: Callable[..., Any]](endpoint: F) -> F:
    """Marks an endpoint that waits for a server outside (`outbound.run`): no transaction may be open meanwhile."""
    endpoint.asks_outside = True  # type: ignore[attr-defined]
    return endpoint


READS = scope(Permission.READ)
WRITES = scope(Permission.WRITE)
PUBLISHES = scope(Permission.PUBLISH)
CHANNELS = scope(Permission.CHANNELS)
SIGNS_IN = scope(Permission.CHANNELS, **{ASKS_NETWORK: True})
MEMBERS = scope(Permission.MEMBERS)
SETTINGS = scope(Permission.SETTINGS)
TOKENS = scope(Permission.TOKENS)
