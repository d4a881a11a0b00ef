"""Meta's webhooks as Facebook, Instagram and Threads send them: the question whether an address is ours, the signature
over the raw bytes, and subscriptions.

Sources: https://developers.facebook.com/docs/graph-api/webhooks/getting-started (X-Hub-Signature-256 with the app's secret;
up to 1,000 updates in one; repeated for 36 hours, so one may come twice and out of order) and .../webhooks/subscriptions-edge,
looked up 2026-11-26.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from kicau.connector.errors import Rejected
from kicau.connector.roles.webhooks import WebhookNotification, is_same_signature, sign_body
from kicau.connector.session import App
from kicau.connector.transport.http import HttpClient
from kicau.networks._meta.errors import is_missing_object
from kicau.networks._meta.graph import GraphClient

SIGNATURE_HEADER = "x-hub-signature-256"


class MetaWebhooks:
    """What the connectors of Meta's networks share of the role."""

    def verification(self, query: Mapping[str, str], token: str, /) -> str | None:
        if query.get("hub.mode") != "subscribe" or not is_same_signature(query.get("hub.verify_token", ""), token):
            return None
        return query.get("hub.challenge", "")

    def is_genuine(self, headers: Mapping[str, str], body: bytes, app: App, /) -> bool:
        kind, _, given = headers.get(SIGNATURE_HEADER, "").partition("=")
        return (
            bool(app.client_secret)
            and kind == "sha256"
            and is_same_signature(given, sign_body(app.client_secret, body))
        )


def read_documents(body: bytes) -> list[Mapping[str, Any]]:
    """The objects of a body, which is one or a list of them. Raises ValueError."""
    try:
        told = json.loads(body)
    except (RecursionError, UnicodeDecodeError) as exc:
        raise ValueError("a webhook's body cannot be read") from exc
    return [one for one in (told if isinstance(told, list) else [told]) if isinstance(one, dict)]


def read_changes(body: bytes, kind: str) -> Iterator[tuple[str, Any, str, Mapping[str, Any]]]:
    """Account, time, field and value of every change to an object of that kind. Raises ValueError."""
    for told in read_documents(body):
        entries = told.get("entry") if told.get("object") == kind else None
        for entry in entries if isinstance(entries, list) else ():
            if not isinstance(entry, dict):
                continue
            # With Instagram's own sign-in a change stands in the entry itself.
            listed = entry.get("changes") if isinstance(entry.get("changes"), list) else [entry]
            for change in listed or ():
                if isinstance(change, dict) and isinstance(change.get("value"), dict):
                    yield str(entry.get("id", "")), entry.get("time"), str(change.get("field", "")), change["value"]


def read_each(
    read: Callable[..., WebhookNotification | None], told: Iterable[tuple[Any, ...]]
) -> list[WebhookNotification]:
    """What `read` makes of each; one that is not formed as Meta forms it is left out."""
    found = []
    for one in told:
        try:
            found.append(read(*one))
        except (AttributeError, TypeError, ValueError, OverflowError, OSError):
            continue
    return [one for one in found if one]


async def subscribe_app(
    http: HttpClient, app: App, base: str, kind: str, fields: str, address: str, token: str
) -> None:
    """Where the app as a whole is told; Meta asks the address at once whether it is ours."""
    graph = GraphClient(http=http, base=base, token=f"{app.client_id}|{app.client_secret}", secret=app.client_secret)
    form = {"object": kind, "callback_url": address, "verify_token": token, "fields": fields}
    await graph.post(f"{app.client_id}/subscriptions", form, repeatable=True)


async def subscribe_account(graph: GraphClient, account: str, fields: str) -> None:
    await graph.post(f"{account}/subscribed_apps", {"subscribed_fields": fields}, repeatable=True)


async def unsubscribe_account(graph: GraphClient, account: str) -> None:
    try:
        await graph.delete(f"{account}/subscribed_apps")
    except Rejected as refused:
        if not is_missing_object(refused):
            raise
