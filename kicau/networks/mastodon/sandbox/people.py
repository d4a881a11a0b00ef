"""Accounts of the Mastodon sandbox, and what the server says of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiohttp import web

from kicau.networks.mastodon.sandbox.errors import not_found_error
from kicau.networks.mastodon.sandbox.oauth import MastodonCaller

if TYPE_CHECKING:
    from kicau.networks.mastodon.sandbox.server import Server

type Doc = dict[str, Any]

SEEDED_ACCOUNT_ID = "109300000000000001"  # whom the server names as its contact
SUPPORTED_MIMES = [
    "image/jpeg",
    "image/png",
    "image/gif",
    "image/webp",
    "image/avif",
    "video/webm",
    "video/mp4",
    "video/quicktime",
]


class MastodonAccountsApi:
    def __init__(self, box: Server) -> None:
        self.box = box
        self._by_name = {one["username"]: one["id"] for one in box.store.all("account")}

    def routes(self) -> list[web.RouteDef]:
        guarded, sees = self.box.guarded, ("read:accounts",)
        return [
            web.get("/api/v1/accounts/verify_credentials", guarded(self.myself, ("profile", *sees))),
            web.get("/api/v1/accounts/search", guarded(self.search, sees)),
            web.get("/api/v1/accounts/lookup", guarded(self.lookup, sees, anonymous=True)),
            web.get("/api/v1/accounts/{id}", guarded(self.show, sees, anonymous=True)),
            web.get("/api/v2/instance", self.box.open(self.instance, part="instance-v2")),
            web.get("/api/v1/instance", self.box.open(self.old_instance)),
        ]

    def named(self, name: str) -> Doc | None:
        return self.box.store.get("account", self._by_name.get(name, ""))

    async def myself(self, request: web.Request, caller: MastodonCaller) -> web.Response:
        source = {
            "privacy": "public",
            "sensitive": False,
            "language": "id",
            "note": "",
            "fields": [],
            "follow_requests_count": 0,
            "indexable": True,
            "quote_policy": "public",
        }
        role = {"id": "-99", "name": "", "permissions": "65536", "color": "", "highlighted": False}
        return web.json_response({**self.shape(caller.account), "source": source, "role": role})

    async def lookup(self, request: web.Request, caller: MastodonCaller) -> web.Response:
        name, _, domain = request.query.get("acct", "").lstrip("@").partition("@")
        found = self.named(name)
        if found is None or domain not in ("", self.box.domain):
            raise not_found_error()
        return web.json_response(self.shape(found["id"]))

    async def search(self, request: web.Request, caller: MastodonCaller) -> web.Response:
        words, limit = request.query.get("q", "").lstrip("@").lower(), request.query.get("limit", "40")
        found = [
            a
            for a in self.box.store.all("account")
            if words and (words in a["username"].lower() or words in a["name"].lower())
        ]
        most = min(80, int(limit)) if limit.isdecimal() else 40
        return web.json_response([self.shape(a["id"]) for a in found[:most]])

    async def show(self, request: web.Request, caller: MastodonCaller) -> web.Response:
        return web.json_response(self.shape(request.match_info["id"]))

    def shape(self, account_id: str) -> Doc:
        """An account as the API shows it. Raises Refusal where there is none."""
        found = self.box.store.get("account", account_id)
        if found is None:
            raise not_found_error()
        base, name = self.box.base_url, found["username"]
        return {
            "id": found["id"],
            "username": name,
            "acct": name,
            "display_name": found["name"],
            "locked": False,
            "bot": False,
            "discoverable": True,
            "indexable": True,
            "group": False,
            "created_at": found["created_at"],
            "note": f"<p>{found['note']}</p>",
            "url": f"{base}/@{name}",
            "uri": f"{base}/users/{name}",
            "avatar": f"{base}/avatars/original/missing.png",
            "avatar_static": f"{base}/avatars/original/missing.png",
            "header": f"{base}/headers/original/missing.png",
            "header_static": f"{base}/headers/original/missing.png",
            "followers_count": 0,
            "following_count": 0,
            "statuses_count": len(self.box.statuses.of.get(found["id"], ())),
            "last_status_at": None,
            "hide_collections": None,
            "noindex": False,
            "emojis": [],
            "roles": [],
            "fields": [],
        }

    # The server itself

    def _configuration(self) -> Doc:
        box = self.box
        return {
            "accounts": {
                "max_featured_tags": 10,
                "max_pinned_statuses": 5,
                "max_profile_fields": 4,
                "profile_field_name_limit": 255,
                "profile_field_value_limit": 255,
            },
            "statuses": {
                "max_characters": box.max_characters,
                "max_media_attachments": box.max_media,
                "characters_reserved_per_url": 23,
            },
            "media_attachments": {
                "supported_mime_types": SUPPORTED_MIMES,
                "description_limit": box.description_limit,
                "image_size_limit": box.image_limit,
                "image_matrix_limit": box.image_pixels,
                "video_size_limit": box.video_limit,
                "video_frame_rate_limit": 120,
                "video_matrix_limit": 8_294_400,
            },
            "polls": {
                "max_options": box.poll_options,
                "max_characters_per_option": box.poll_option_length,
                "min_expiration": box.poll_shortest,
                "max_expiration": box.poll_longest,
            },
        }

    async def instance(self, request: web.Request) -> web.Response:
        box, base = self.box, self.box.base_url
        urls = {
            "streaming": base.replace("http", "ws", 1),
            "status": None,
            "about": f"{base}/about",
            "privacy_policy": f"{base}/privacy-policy",
            "terms_of_service": None,
        }
        open_to = {"local": "public", "remote": "public"}
        access = {name: dict(open_to) for name in ("live_feeds", "hashtag_feeds", "trending_link_feeds")}
        return web.json_response(
            {
                "domain": box.domain,
                "title": "Mastodon sandbox",
                "version": box.version,
                "source_url": "https://github.com/mastodon/mastodon",
                "description": "Nothing here is the real network.",
                "usage": {"users": {"active_month": len(box.accounts())}},
                "thumbnail": {"url": f"{base}/packs/preview.png"},
                "icon": [],
                "languages": ["id", "en"],
                "configuration": {
                    **self._configuration(),
                    "urls": urls,
                    "vapid": {"public_key": ""},
                    "translation": {"enabled": False},
                    "timelines_access": access,
                    "limited_federation": False,
                },
                "registrations": {
                    "enabled": False,
                    "approval_required": False,
                    "reason_required": False,
                    "message": None,
                    "min_age": None,
                    "url": None,
                },
                "api_versions": {"mastodon": box.api_version},
                "contact": {"email": "sari@kopisenja.example", "account": self.shape(SEEDED_ACCOUNT_ID)},
                "rules": [],
            }
        )

    async def old_instance(self, request: web.Request) -> web.Response:
        box, base = self.box, self.box.base_url
        return web.json_response(
            {
                "uri": box.domain,
                "title": "Mastodon sandbox",
                "short_description": "Nothing here is the real network.",
                "description": "Nothing here is the real network.",
                "email": "sari@kopisenja.example",
                "version": box.version,
                "urls": {"streaming_api": base.replace("http", "ws", 1)},
                "stats": {
                    "user_count": len(box.accounts()),
                    "status_count": sum(map(len, box.statuses.of.values())),
                    "domain_count": 0,
                },
                "thumbnail": f"{base}/packs/preview.png",
                "languages": ["id", "en"],
                "registrations": False,
                "approval_required": False,
                "invites_enabled": False,
                "configuration": self._configuration(),
                "contact_account": self.shape(SEEDED_ACCOUNT_ID),
                "rules": [],
            }
        )
