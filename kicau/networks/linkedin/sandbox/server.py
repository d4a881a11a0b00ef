"""A LinkedIn of one's own: its sign-in, its versioned API and its public pages, on loopback.

Follows https://learn.microsoft.com/en-us/linkedin/ as read on 2026-11-24; README.md says what is not known of it.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

from aiohttp import web

from kicau.connector.sandbox.server import PublicPost, RequestValidator, SeededAccount, SeededApp
from kicau.networks.linkedin.sandbox import errors as refusals
from kicau.networks.linkedin.sandbox.base import Doc, LinkedInSandboxBase
from kicau.networks.linkedin.sandbox.media import LinkedInMediaApi
from kicau.networks.linkedin.sandbox.oauth import LinkedInOAuth
from kicau.networks.linkedin.sandbox.posts import LinkedInPostsApi

SEEDED_MEMBERS = (
    {
        "urn": "urn:li:person:sK7wUlan3d",
        "id": "sK7wUlan3d",
        "first": "Sari",
        "last": "Wulandari",
        "vanity": "sari-wulandari",
        "headline": "Roaster at Kopi Senja",
    },
    {
        "urn": "urn:li:person:bM2pRat4ma",
        "id": "bM2pRat4ma",
        "first": "Bima",
        "last": "Pratama",
        "vanity": "bima-pratama",
        "headline": "Editor at Kabar Pagi",
    },
)
SEEDED_ORGANISATIONS = (
    {"urn": "urn:li:organization:5012346", "id": 5012346, "name": "Kopi Senja", "vanity": "kopi-senja"},
)
SEEDED_ROLES = (
    {
        "roleAssignee": SEEDED_MEMBERS[0]["urn"],
        "organization": SEEDED_ORGANISATIONS[0]["urn"],
        "role": "ADMINISTRATOR",
        "state": "APPROVED",
    },
    {
        "roleAssignee": SEEDED_MEMBERS[1]["urn"],
        "organization": SEEDED_ORGANISATIONS[0]["urn"],
        "role": "ANALYST",
        "state": "APPROVED",
    },
)


class Server(LinkedInSandboxBase):
    slug: ClassVar[str] = "linkedin"
    label: ClassVar[str] = "LinkedIn"
    accent: ClassVar[str] = "#0b66c2"
    default_app: ClassVar[SeededApp] = SeededApp(client_id="86kicausandbox", client_secret="WPL_AP1.kicau-sandbox")  # noqa: S106 (opens nothing)
    settings = (
        *LinkedInSandboxBase.settings,
        "limits_off",
        "app_calls_a_day",
        "member_calls_a_day",
        "comment_seconds",
        "processing_seconds",
        "refresh_tokens",
        "duplicates_outlive_deletion",
        "versions",
        "allowed_scopes",
    )

    def __init__(
        self, *, base_url: str = "", folder: Path | None = None, validators: Iterable[RequestValidator] = ()
    ) -> None:
        super().__init__(base_url=base_url, folder=folder, validators=validators)
        self.sign_in = LinkedInOAuth(self)
        self.media = LinkedInMediaApi(self, folder)
        self.posts = LinkedInPostsApi(self, self.media)
        self._made = [*self.sign_in.routes(), *self.media.routes(), *self.posts.routes(), *self._pages()]

    def routes(self) -> Iterable[web.RouteDef]:
        return self._made

    def _pages(self) -> list[web.RouteDef]:
        return [
            web.get("/feed/update/{urn}/", self.permalink),
            web.get("/in/{vanity}/", self.profile),
            web.get("/company/{vanity}/", self.profile),
        ]

    def seed(self) -> None:
        for member in SEEDED_MEMBERS:
            if self.store.get("member", member["urn"]) is None:
                self.store.put("member", member["urn"], dict(member))
        for organisation in SEEDED_ORGANISATIONS:
            if self.store.get("organisation", str(organisation["urn"])) is None:
                self.store.put("organisation", str(organisation["urn"]), dict(organisation))
        for role in SEEDED_ROLES:
            key = f"{role['roleAssignee']}|{role['organization']}"
            if self.store.get("role", key) is None:
                self.store.put("role", key, dict(role))
        self.names = {m["urn"]: f"{m['first']} {m['last']}" for m in self.store.all("member")}
        self.names |= {o["urn"]: o["name"] for o in self.store.all("organisation")}

    def endpoints(self) -> Mapping[str, str]:
        return {"api": self.base_url, "oauth": f"{self.base_url}/oauth/v2", "www": self.base_url}

    def accounts(self) -> tuple[SeededAccount, ...]:
        """The members; an organisation is reached through its administrator's sign-in."""
        return tuple(
            SeededAccount(id=m["urn"], handle=m["vanity"], name=f"{m['first']} {m['last']}")
            for m in self.store.all("member")
        )

    # What the base asks for

    def rate_limited(self, request: web.Request, seconds: float) -> web.Response:
        """The daily limit of a member; LinkedIn documents no header, `seconds` adds the common one."""
        headers = {"Retry-After": str(int(seconds))} if seconds else {}
        return refusals.rate_limit_error("APPLICATION_AND_MEMBER", "DAY", headers).response()

    def plan_exhausted(self, request: web.Request) -> web.Response:
        """The app's own daily limit: LinkedIn sells no plan."""
        return refusals.rate_limit_error("APPLICATION", "DAY").response()

    def public_posts(self) -> Iterable[PublicPost]:
        for post in self.store.all("post"):
            yield self._public(post)

    def _public(self, post: Doc) -> PublicPost:
        content = post.get("content") or {}
        extra = {name: content[name] for name in ("article", "poll") if name in content}
        extra |= {
            "title": (content.get("media") or {}).get("title", ""),
            "visibility": post["visibility"],
            "mentions": post["_mentions"],
            "tags": post["_tags"],
            "cut": post["_cut"],
            "comments": [comment["message"]["text"] for comment in self.posts.comments(post["id"])],
        }
        return PublicPost(
            id=post["id"],
            account=post["author"],
            text=post["_text"],
            at=datetime.fromtimestamp(post["createdAt"] / 1000, UTC).isoformat(),
            url=f"{self.base_url}/feed/update/{post['id']}/",
            media=tuple(self._medium(one) for one in _media_of_content(content)),
            extra=extra,
        )

    def _medium(self, one: Doc) -> Mapping[str, str]:
        urn = str(one["id"])
        asset = self.store.get("asset", urn.rsplit(":", 1)[-1]) or {}
        return {
            "kind": one.get("kind") or urn.split(":")[2],
            "alt": str(one.get("altText", "")),
            "sha256": str(asset.get("sha256", "")),
            "mime": str(asset.get("mime", "")),
            "url": self.media.link(urn),
            "cover": f"{self.media.link(urn)}/thumbnail" if "cover" in asset else "",
        }

    def card(self, post: PublicPost, who: SeededAccount | None) -> str:
        if who is None and (found := self.store.get("organisation", post.account)):
            who = SeededAccount(id=found["urn"], handle=found["vanity"], name=found["name"], kind="organisation")
        return super().card(post, who)

    async def permalink(self, request: web.Request) -> web.Response:
        post = self.store.get("post", request.match_info["urn"])
        if post is None:
            return self.page("Not found", "<p>This post cannot be displayed.</p>", status=404)
        return self.page("Post", self.card(self._public(post), self._who(post["author"])))

    def _who(self, urn: str) -> SeededAccount | None:
        return next((account for account in self.accounts() if account.id == urn), None)

    async def profile(self, request: web.Request) -> web.Response:
        """The page of a member or an organisation, newest post first."""
        kind = "member" if request.path.startswith("/in/") else "organisation"
        found = next((one for one in self.store.all(kind) if one["vanity"] == request.match_info["vanity"]), None)
        if found is None:
            return self.page("Not found", "<p>This page doesn’t exist.</p>", status=404)
        urns = list(self.posts.of.get(found["urn"], ()))[:-201:-1]
        who = self._who(found["urn"])
        cards = "".join(self.card(self._public(post), who) for urn in urns if (post := self.store.get("post", urn)))
        return self.page(self.names[found["urn"]], f"<h1>{html.escape(self.names[found['urn']])}</h1>{cards}")


def _media_of_content(content: Doc) -> Iterable[Doc]:
    if "media" in content:
        yield content["media"]
    yield from (content.get("multiImage") or {}).get("images", ())
    if thumbnail := (content.get("article") or {}).get("thumbnail"):
        yield {"id": thumbnail, "kind": "thumbnail"}
