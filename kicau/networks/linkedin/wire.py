"""LinkedIn's requests and answers: headers, keys, bodies."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Literal
from urllib.parse import quote

from kicau.connector.content import JSON, Charge, Media, MediaKind, Poll, Rendered, RenderedMedia
from kicau.connector.errors import AuthExpired
from kicau.connector.session import Session, SignInSession
from kicau.connector.transport.http import HttpResponse
from kicau.networks.linkedin import little
from kicau.networks.linkedin.limits import API_VERSION, POLL_DURATIONS, scopes_for
from kicau.networks.linkedin.render import CALLS_METER

type PermissionNeed = Literal["write", "read", "profile", "roles"]

# Which permission each need may be granted by, for a person and for an organisation.
SCOPES_BY_NEED: Mapping[tuple[PermissionNeed, bool], tuple[str, ...]] = {
    ("write", True): ("w_member_social", "w_member_social_feed"),
    ("write", False): ("w_organization_social", "w_organization_social_feed"),
    ("read", True): ("r_member_social", "r_member_social_feed"),
    ("read", False): ("r_organization_social", "r_organization_social_feed"),
    ("profile", True): ("profile", "r_basicprofile"),
    ("profile", False): ("profile", "r_basicprofile"),
    ("roles", True): ("rw_organization_admin", "r_organization_admin"),
    ("roles", False): ("rw_organization_admin", "r_organization_admin"),
}

CALL_CHARGE = Charge(CALLS_METER, always=True)


def escape_urn(urn: str) -> str:
    """An URN in a path or a query: Rest.li 2.0 wants its colons and brackets escaped."""
    return quote(urn, safe="")


def request_headers(token: str, restli: str = "") -> dict[str, str]:
    """What every versioned call carries; `restli` names a method that HTTP's own does not tell."""
    sent = {"Authorization": f"Bearer {token}", "LinkedIn-Version": API_VERSION, "X-Restli-Protocol-Version": "2.0.0"}
    return sent | ({"X-RestLi-Method": restli} if restli else {})


def has_permission(granted: Iterable[str], need: PermissionNeed, kind: str) -> bool:
    """Whether one of the granted scopes serves the need."""
    return not frozenset(granted).isdisjoint(SCOPES_BY_NEED[need, kind == "person"])


async def send_request(
    lent: SignInSession | Session,
    token: str,
    method: str,
    path: str,
    *,
    need: PermissionNeed,
    kind: str = "person",
    query: str = "",
    restli: str = "",
    json: JSON = None,
    repeatable: bool | None = None,
    charge: Charge = CALL_CHARGE,
) -> HttpResponse:
    """One call of the API; `path` and `query` come escaped. AuthExpired names the scope that this need is served by."""
    url = f"{lent.app.endpoints['api']}{path}" + (f"?{query}" if query else "")
    try:
        return await lent.http.call(
            method, url, charge=charge, headers=request_headers(token, restli), json=json, repeatable=repeatable
        )
    except AuthExpired as exc:
        if not exc.missing:
            raise
        serving = SCOPES_BY_NEED[need, kind == "person"]
        asked = [scope for scope in scopes_for(lent.app.tier) if scope in serving]
        raise AuthExpired(exc.detail, missing=frozenset(asked or serving[:1])) from exc


async def call_api(
    session: Session,
    method: str,
    path: str,
    *,
    need: PermissionNeed,
    query: str = "",
    restli: str = "",
    json: JSON = None,
    repeatable: bool | None = None,
) -> HttpResponse:
    """A call for a channel in use."""
    return await send_request(
        session,
        session.credentials.access_token,
        method,
        path,
        need=need,
        kind=session.kind,
        query=query,
        restli=restli,
        json=json,
        repeatable=repeatable,
    )


def files_of_post(post: Rendered) -> Iterator[RenderedMedia]:
    """Everything that is uploaded for a post, in order: its files, then its link card's picture."""
    yield from (one for part in post.parts for one in part.media)
    if post.link and post.link.thumbnail:
        yield RenderedMedia(media=post.link.thumbnail)


def post_body(author: str, post: Rendered, uploaded: list[str]) -> dict[str, JSON]:
    """The body of a new post; `uploaded` are the URNs of `files_of_post`, in their order."""
    part = post.parts[0]
    body: dict[str, JSON] = {
        "author": author,
        "commentary": little.write_commentary(part.text, part.spans),
        "visibility": post.options.get("visibility", "PUBLIC"),
        "distribution": {"feedDistribution": "MAIN_FEED", "targetEntities": [], "thirdPartyDistributionChannels": []},
        "lifecycleState": "PUBLISHED",
        "isReshareDisabledByAuthor": False,
    }
    content = _post_content(post, uploaded)
    return body | ({"content": content} if content else {})


def _post_content(post: Rendered, uploaded: list[str]) -> dict[str, JSON]:
    media = post.parts[0].media
    if post.poll:
        return {"poll": _poll_body(post.poll)}
    if len(media) > 1:
        pictures: list[JSON] = [_with_alt(urn, one) for urn, one in zip(uploaded, media, strict=False)]
        return {"multiImage": {"images": pictures}}
    if media:
        one = _with_alt(uploaded[0], media[0])
        if title := _media_title(media[0].media):
            one["title"] = title
        return {"media": one}
    if post.link:
        article: dict[str, JSON] = {"source": post.link.url, "title": post.link.title}
        if post.link.description:
            article["description"] = post.link.description
        if post.link.thumbnail:
            article["thumbnail"] = uploaded[0]
        return {"article": article}
    return {}


def _media_title(one: Media) -> str:
    """Of a document, which needs one, or of a video."""
    if one.kind is MediaKind.DOCUMENT:
        return one.title or one.name or "Document"
    return one.title if one.kind is MediaKind.VIDEO else ""


def _with_alt(urn: str, one: RenderedMedia) -> dict[str, JSON]:
    picture = one.media.kind in (MediaKind.IMAGE, MediaKind.GIF)
    shown: dict[str, JSON] = {"id": urn}
    if picture and one.media.alt:
        shown["altText"] = one.media.alt
    return shown


def _poll_body(poll: Poll) -> dict[str, JSON]:
    options: list[JSON] = [{"text": option} for option in poll.options]
    return {"question": poll.question, "options": options, "settings": {"duration": POLL_DURATIONS[poll.minutes]}}


def comment_body(actor: str, post: str, text: str) -> dict[str, JSON]:
    return {"actor": actor, "object": post, "message": {"text": text}}


def created_at(element: Mapping[str, Any]) -> datetime:
    """When a post or comment was made, UTC; the epoch where the answer does not tell."""
    for name in ("createdAt", "publishedAt", "lastModifiedAt"):
        if isinstance(found := element.get(name), int):
            return datetime.fromtimestamp(found / 1000, UTC)
    created = element.get("created")
    stamp = created.get("time") if isinstance(created, dict) else None
    return datetime.fromtimestamp(stamp / 1000 if isinstance(stamp, int) else 0, UTC)
