"""How endpoints are declared: each says the scope it needs, which the domain act behind it enforces."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from ninja import Path
from pydantic import Field

from kicau.workspaces.actors import Permission

SCOPE_EXTENSION = "x-kicau-scope"
ASKS_NETWORK_EXTENSION = "x-kicau-asks-network"  # the answer waits for a network's own, and is 502 where none comes
UuidPath = Annotated[str, Field(json_schema_extra={"format": "uuid"}), Path(description="Unique ID.")]
IdPath = Annotated[int, Path(description="Unique ID.", ge=1, lt=2**53)]
KeyPath = Annotated[str, Path(description="Key or ID of the channel.", max_length=80)]
SignInStatePath = Annotated[str, Path(description="The `state` of the sign-in.", max_length=100)]
NetworkPath = Annotated[str, Path(description="Name of the network.", max_length=40)]


def scope_extra(permission: Permission, **more: Any) -> dict[str, Any]:
    """For `openapi_extra`."""
    return {SCOPE_EXTENSION: permission.value, **more}


def waits_for_network[F: Callable[..., Any]](endpoint: F) -> F:
    """Marks an endpoint that waits for a server outside (`outbound.run`): no transaction may be open meanwhile."""
    endpoint.asks_outside = True  # type: ignore[attr-defined]
    return endpoint


READ_SCOPE = scope_extra(Permission.READ)
WRITE_SCOPE = scope_extra(Permission.WRITE)
PUBLISH_SCOPE = scope_extra(Permission.PUBLISH)
CHANNELS_SCOPE = scope_extra(Permission.CHANNELS)
SIGN_IN_SCOPE = scope_extra(Permission.CHANNELS, **{ASKS_NETWORK_EXTENSION: True})
MEMBERS_SCOPE = scope_extra(Permission.MEMBERS)
SETTINGS_SCOPE = scope_extra(Permission.SETTINGS)
TOKENS_SCOPE = scope_extra(Permission.TOKENS)
