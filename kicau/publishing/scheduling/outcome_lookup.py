"""After an unknown outcome: what the network itself has now, shown beside the question to a person."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

import aiohttp
from asgiref.sync import sync_to_async

from kicau.base.errors import Conflict
from kicau.channels.channel_session import new_client
from kicau.channels.metered_session import metered_session
from kicau.connector.content import Delivery as Asked
from kicau.connector.content import PublishedPost, Rendered
from kicau.connector.errors import ConnectorError, Unavailable
from kicau.connector.serialization import from_json
from kicau.costs.models import Purpose
from kicau.publishing.budget import budget_checks
from kicau.publishing.models import Delivery, DeliveryState
from kicau.publishing.scheduling import actions
from kicau.workspaces.actors import Actor, Permission


class RemoteState(StrEnum):
    IT = "it"
    PART = "part"  # it went further than was known, but not to the end
    NOTHING = "nothing"  # for certain
    CANNOT_TELL = "cannot-tell"
    AWAY = "away"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeLookupResult:
    """What the network has of a delivery."""

    has: RemoteState
    url: str = ""
    remote_id: str = ""
    why: str = ""  # what the network said, where it could not tell


async def look_up_outcome(
    actor: Actor, delivery_id: UUID | str, *, client: aiohttp.ClientSession | None = None
) -> OutcomeLookupResult:
    """Ask the network again; nothing is changed here or there, though the call may cost money (it is charged).

    Raises NotAllowed, NotFound, or Conflict where the outcome is not unknown, or a hard budget has no room.
    """
    actor.require(Permission.PUBLISH)
    row = await sync_to_async(actions.one_delivery)(actor, delivery_id)
    if row.state != DeliveryState.UNKNOWN:
        raise Conflict("Kicau already knows whether this post was published. You do not need to check anything.")
    session, work = client or new_client(), budget_checks.charge_context_for_actor(actor, row, Purpose.FIND)
    try:
        async with metered_session(row.channel, session, work) as live:
            found = await live.connector.find(live, _lookup_request(row))
    except Unavailable as exc:
        return OutcomeLookupResult(has=RemoteState.AWAY, why=exc.detail[:300])
    except ConnectorError as exc:
        return OutcomeLookupResult(has=RemoteState.CANNOT_TELL, why=exc.detail[:300])
    finally:
        if client is None:
            await session.close()
    if isinstance(found, PublishedPost):
        return OutcomeLookupResult(has=RemoteState.IT, url=found.url, remote_id=found.ids[0] if found.ids else "")
    return OutcomeLookupResult(has=RemoteState.NOTHING if found is None else RemoteState.PART)


def _lookup_request(row: Delivery) -> Asked:
    return Asked(
        key=row.key,
        post=from_json(Rendered, row.rendered),
        progress=row.progress,
        begun_at=row.broken_at or row.changed_at,
        due_at=row.due_at,
        steps=row.steps,
    )
