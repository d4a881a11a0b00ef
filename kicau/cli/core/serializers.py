"""Objects as `--json` prints them: the names are those of the REST API."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kicau.channels.models import Channel, NetworkApp
    from kicau.connector.content import Rendered, RenderedPart
    from kicau.costs.pricing import PricedCharge
    from kicau.publishing.models import Attempt, Contact, Delivery, Review, ReviewLink, SavedText
    from kicau.workspaces.models import ApiToken, Invitation, Membership, Webhook


def iso_time(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def part_json(shown: RenderedPart) -> dict[str, Any]:
    return {
        "text": shown.text,
        "length": shown.used,
        "limit": shown.limit,
        "unit": shown.unit,
        "spans": [
            {"kind": str(s.kind), "start": s.start, "end": s.end, "text": s.text, "target": s.target}
            for s in shown.spans
        ],
        "media": [
            {
                "name": m.media.name,
                "kind": str(m.media.kind),
                "mime": m.recipe.mime if m.recipe else m.media.mime,
                "converted": m.recipe is not None,
                "alt": m.media.alt,
            }
            for m in shown.media
        ],
    }


def rendered_json(shown: Rendered, priced: Iterable[PricedCharge]) -> dict[str, Any]:
    """What a network would get: the first part's figures at the top, all parts beside them."""
    first = shown.parts[0] if shown.parts else None
    return {
        "length": first.used if first else 0,
        "limit": first.limit if first else 0,
        "unit": first.unit if first else "characters",
        "spans": part_json(first)["spans"] if first else [],
        "parts": [part_json(p) for p in shown.parts],
        "first_comment": part_json(shown.first_comment) if shown.first_comment else None,
        "reply_to": shown.reply_to or "",
        "options": dict(shown.options),
        "problems": [p.fields() for p in shown.problems],
        "notices": [p.fields() for p in shown.notices],
        "charges": [charge_json(p) for p in priced],
    }


def charge_json(priced: PricedCharge) -> dict[str, Any]:
    return {"meter": priced.meter, "units": priced.units, "micro": priced.micro, "currency": priced.currency}


def review_json(row: Review) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "kind": row.kind,
        "text": row.text,
        "part": None if row.part is None else row.part + 1,
        "quote": row.quote,
        "version": row.version,
        "by": row.name,
        "by_link": row.link_id is not None,
        "at": row.at.isoformat(),
        "resolved_at": iso_time(row.resolved_at),
    }


def review_link_json(row: ReviewLink) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "name": row.name,
        "may_comment": row.may_comment,
        "may_approve": row.may_approve,
        "created_at": iso_time(row.created_at),
        "expires_at": iso_time(row.expires_at),
        "opened_at": iso_time(row.opened_at),
    }


def invitation_json(row: Invitation) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "email": row.email,
        "role": row.role,
        "invited_by": str(row.invited_by or ""),
        "created_at": iso_time(row.created_at),
        "expires_at": iso_time(row.expires_at),
    }


def channel_json(row: Channel) -> dict[str, Any]:
    """As the REST API returns it."""
    from kicau.channels.channel_fields import channel_fields

    return _as_rest(channel_fields(row))


def delivery_json(row: Delivery) -> dict[str, Any]:
    from kicau.publishing.delivery_fields import delivery_fields

    return _as_rest(delivery_fields(row))


def attempt_json(row: Attempt, timezone: str) -> dict[str, Any]:
    from kicau.publishing.delivery_fields import attempt_fields

    return _as_rest(attempt_fields(row, timezone))


def _as_rest(fields: dict[str, Any]) -> dict[str, Any]:
    """Times and ids written as the REST API writes them."""
    from django.core.serializers.json import DjangoJSONEncoder

    found: dict[str, Any] = json.loads(json.dumps(fields, cls=DjangoJSONEncoder))
    return found


def app_json(row: NetworkApp) -> dict[str, Any]:
    """Without its secret, which nobody needs to read again."""
    return {
        "network": row.network,
        "name": row.name,
        "client_id": row.client_id,
        "endpoints": row.endpoints,
        "tier": row.tier,
        "plan": row.plan,
        "sandbox": row.is_sandbox,
    }


def token_json(row: ApiToken) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "name": row.name,
        "prefix": row.prefix,
        "person": row.person.email,
        "personal": row.workspace_id is None,
        "role": row.role,
        "scopes": row.scopes,
        "created_at": iso_time(row.created_at),
        "expires_at": iso_time(row.expires_at),
        "revoked_at": iso_time(row.revoked_at),
        "last_used_at": iso_time(row.last_used_at),
    }


def member_json(row: Membership) -> dict[str, Any]:
    return {
        "email": row.person.email,
        "name": row.person.name,
        "role": row.role,
        "operator": row.person.is_operator,
        "since": iso_time(row.created_at),
    }


def saved_text_json(row: SavedText) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "kind": row.kind,
        "name": row.name,
        "text": row.text,
        "created_at": iso_time(row.created_at),
    }


def contact_json(row: Contact) -> dict[str, Any]:
    return {"id": str(row.id), "name": row.name, "mentions": row.mentions}


def webhook_json(row: Webhook) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "url": row.url,
        "events": row.events,
        "active": row.is_active,
        "failures": row.failures,
        "last_status": row.last_status,
        "last_error": row.last_error,
        "last_at": iso_time(row.last_at),
    }
