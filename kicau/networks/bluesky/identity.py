"""Who somebody is and where they live: handle to DID to document to server (https://atproto.com/specs/did)."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from kicau.connector.errors import Rejected
from kicau.connector.session import App
from kicau.connector.transport.ssrf import is_public
from kicau.networks.bluesky import errors, text, wire
from kicau.networks.bluesky.wire import SessionLike

DID_PATTERN = re.compile(r"did:(?:plc:[a-z2-7]{24}|web:[A-Za-z0-9.%-]+)")
PROFILE_URL_PATTERN = re.compile(r"https?://[^/]+/profile/([^/?#]+)")
DEFAULT_HANDLE_SUFFIX = ".bsky.social"  # where a name without a dot lives


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountIdentity:
    did: str
    handle: str  # as its document names it; "" where it names none
    pds: str  # its server's address, without a slash at the end


def normalize_account_name(given: str) -> str:
    """What a person typed as their name, as a handle, a DID or a mail address."""
    name = given.strip().strip("\u200e\u200f\u202a\u202c\u2068\u2069").removeprefix("at://").lstrip("@")
    if page := PROFILE_URL_PATTERN.match(name):
        name = page[1]
    if DID_PATTERN.fullmatch(name) or "@" in name or not name:
        return name
    name = name.lower()
    return name if "." in name else name + DEFAULT_HANDLE_SUFFIX


def check_server(given: str, app: App) -> str:
    """A server's address as a person typed it. Raises Rejected where it is none that may be reached."""
    url = given.strip().rstrip("/")
    url = url if re.match(r"https?://", url) else f"https://{url}"
    if not is_reachable_server(url, app):
        raise wire.rejection(
            "bad-server",
            "{given} is not the address of a public {network} server. Enter the address of the account's server. For example: https://bsky.social.",
            "server",
            given=repr(given[:100]),
        )
    return wire.origin_of_url(url)


def is_reachable_server(url: str, app: App) -> bool:
    """Whether a server that a stranger's document names may be asked: public and encrypted, or the operator's own."""
    if any(wire.origin_of_url(url) == wire.origin_of_url(known) for known in app.endpoints.values()):
        return True
    where = urlsplit(url)
    try:
        host, port = where.hostname or "", where.port
    except ValueError:
        return False
    if where.scheme != "https" or where.username or port not in (None, 443) or "." not in host:
        return False
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return not host.endswith((".local", ".internal", ".localhost", ".arpa", ".onion"))
    return is_public(host)


async def resolve_identity(lent: SessionLike, name: str) -> AccountIdentity:
    """The identity behind a handle or DID. Raises Rejected with a sentence for whoever typed it."""
    did = name if DID_PATTERN.fullmatch(name) else await resolve_handle(lent, name)
    if not did:
        raise wire.rejection(
            "unknown-handle",
            "{network} has no account named {name}. Check the account's handle. For example: sari.bsky.social or kopisenja.example.",
            "handle",
            name=name,
        )
    found = await resolve_did(lent, did)
    if name != did and found.handle != name:
        raise wire.rejection(
            "unknown-handle",
            "The {network} handle {name} leads to an account that has a different handle. Check the handle, or enter the account's permanent ID (DID).",
            "handle",
            name=name,
        )
    return found


async def resolve_handle(lent: SessionLike, handle: str) -> str:
    """The DID that a handle stands for; "" where there is none."""
    if not text.is_handle(handle):
        return ""
    try:
        answer = await wire.call_xrpc(
            lent,
            "GET",
            "com.atproto.identity.resolveHandle",
            at=lent.app.endpoints["resolver"],
            params={"handle": handle},
        )
    except (Rejected, errors.NoSuchPage):
        return ""
    did = str(answer.get("did") or "")
    return did if DID_PATTERN.fullmatch(did) else ""


async def resolve_did(lent: SessionLike, did: str) -> AccountIdentity:
    document = await _fetch_document(lent, did)
    if document.get("id") != did:
        raise _no_server_error(did)
    return identity_from_document(document, lent.app)


async def _fetch_document(lent: SessionLike, did: str) -> dict[str, Any]:
    if did.startswith("did:plc:"):
        url = f"{lent.app.endpoints['plc']}/{did}"
    else:
        url = f"https://{unquote(did.removeprefix('did:web:'))}/.well-known/did.json"
        if not is_reachable_server(url, lent.app):
            raise _no_server_error(did)
    try:
        return wire.response_object(await wire.send_request(lent, "GET", url))
    except errors.NoSuchPage as missing:
        raise _no_server_error(did) from missing
    except Rejected as refused:
        if errors.is_missing(refused):
            raise _no_server_error(did) from refused
        raise


def identity_from_document(document: Mapping[str, Any], app: App) -> AccountIdentity:
    """What a DID's document says. Raises Rejected where it names no server that may be asked."""
    did = str(document.get("id") or "")
    names = [
        str(one).removeprefix("at://").lower()
        for one in document.get("alsoKnownAs") or ()
        if str(one).startswith("at://")
    ]
    for one in document.get("service") or ():
        if isinstance(one, dict) and str(one.get("id", "")).removeprefix(did) == "#atproto_pds":
            pds = str(one.get("serviceEndpoint") or "").rstrip("/")
            if pds and is_reachable_server(pds, app):
                return AccountIdentity(did=did, handle=names[0] if names else "", pds=pds)
    raise _no_server_error(did)


def _no_server_error(did: str) -> Rejected:
    return wire.rejection(
        "no-server",
        "Kicau cannot reach the server of the {network} account {did}. Check whether the account was closed or has moved recently.",
        "handle",
        did=did,
    )


def relative_server(url: str, app: App) -> str:
    """A server's address to be kept; "" for the operator's default, which is followed wherever it moves."""
    return "" if wire.origin_of_url(url) == wire.origin_of_url(app.endpoints["pds"]) else url
