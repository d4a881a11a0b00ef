"""The server: its calls, seeded accounts, the directory of identities, public pages, and the knobs that tests turn."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar

from aiohttp import web

from kicau.connector.sandbox.server import PublicPost, RequestValidator, Sandbox, SeededAccount, SeededApp
from kicau.networks.bluesky.sandbox import errors, windows
from kicau.networks.bluesky.sandbox.errors import invalid_request_error
from kicau.networks.bluesky.sandbox.oauth import BlueskyOAuth
from kicau.networks.bluesky.sandbox.repo import RepositoryApi
from kicau.networks.bluesky.sandbox.tokens import BlueskyCaller, BlueskyTokens
from kicau.networks.bluesky.sandbox.view import AppView
from kicau.networks.bluesky.sandbox.xrpc import XrpcMethod, XrpcRouter

type Doc = dict[str, Any]

SEEDED_ACCOUNTS = (
    {
        "did": "did:plc:kopisenjasandbox22222222",
        "handle": "kopisenja.test",
        "name": "Kopi Senja",
        "app_passwords": {"kicau": "kopi-senj-asan-dbox"},
    },
    {
        "did": "did:plc:kabarpagisandbox22222222",
        "handle": "kabarpagi.test",
        "name": "Kabar Pagi",
        "app_passwords": {"kicau": "kaba-rpag-isan-dbox"},
    },
)
POST_COLLECTION, THREADGATE_COLLECTION, POSTGATE_COLLECTION = (
    "app.bsky.feed.post",
    "app.bsky.feed.threadgate",
    "app.bsky.feed.postgate",
)


class Server(Sandbox):
    """A network of one server, which is also its authorization server, its directory and its readers' site."""

    slug: ClassVar[str] = "bluesky"
    label: ClassVar[str] = "Bluesky"
    accent: ClassVar[str] = "#1185fe"
    default_app: ClassVar[SeededApp] = SeededApp(client_id="http://localhost", client_secret="")
    settings = (
        *Sandbox.settings,
        "limits_off",
        "blob_limit",
        "shows_profiles",
        "documents",
    )

    def __init__(
        self, *, base_url: str = "", folder: Path | None = None, validators: Iterable[RequestValidator] = ()
    ) -> None:
        self.limits_off = False
        self.blob_limit = 50_000_000  # bytes of a file: as the documentation says of Bluesky's own servers
        self.shows_profiles = True  # False: a server on its own, without the app view that knows profiles and answers
        self.documents: dict[str, Doc] = {}  # descriptions of clients by their address, as if fetched from there
        self.service_did = "did:web:localhost"
        self._dids: dict[str, str] = {}
        super().__init__(base_url=base_url, folder=folder, validators=validators)
        self.tokens = BlueskyTokens(self)
        self.oauth = BlueskyOAuth(self, self.tokens)
        self.repo = RepositoryApi(self, folder)
        self.view = AppView(self)
        self.door = XrpcRouter(self, self._methods())

    def stamp(self) -> float:
        """Seconds since the epoch, on the sandbox's clock."""
        return self.now().timestamp()

    def spend(self, points: int) -> None:
        self.meter(self.default_app.client_id, "points", points)

    # What the base asks

    def seed(self) -> None:
        for one in SEEDED_ACCOUNTS:
            if self.store.get("account", str(one["did"])) is None:
                self.store.put("account", str(one["did"]), dict(one))
        self._dids = {one["handle"]: one["did"] for one in self.store.all("account")}

    def endpoints(self) -> Mapping[str, str]:
        return dict.fromkeys(("pds", "resolver", "plc", "web"), self.base_url)

    def accounts(self) -> tuple[SeededAccount, ...]:
        return tuple(SeededAccount(id=a["did"], handle=a["handle"], name=a["name"]) for a in self.store.all("account"))

    def describe(self) -> Doc:
        passwords = {a["handle"]: next(iter(a["app_passwords"].values())) for a in self.store.all("account")}
        return {**super().describe(), "app_passwords": passwords}

    def rate_limited(self, request: web.Request, seconds: float) -> web.Response:
        if not seconds:
            return errors.BlueskyApiError(429, "RateLimitExceeded", "Rate Limit Exceeded").response()
        return windows.rate_limit_error(windows.GLOBAL_LIMIT, self.stamp() + seconds, self.stamp()).response()

    def revoke(self, request: web.Request) -> None:
        self.tokens.revoke(request)

    def plan_exhausted(self, request: web.Request) -> web.Response:
        """The account's points of a day: nothing is sold here."""
        return windows.rate_limit_error(windows.WRITE_LIMITS[1], self.stamp() + 3600, self.stamp()).response()

    def routes(self) -> Iterable[web.RouteDef]:
        return [
            web.get("/xrpc/_health", self._health),
            web.get("/xrpc/com.atproto.sync.getBlob", self.repo.serve),
            web.get("/xrpc/{nsid}", self.door.answer),
            web.post("/xrpc/{nsid}", self.door.answer),
            *self.oauth.routes(),
            web.get("/{did:did:plc:[a-z2-7]+}", self.directory),
            web.get("/profile/{who}", self.profile),
            web.get("/profile/{who}/post/{key}", self.permalink),
        ]

    def _methods(self) -> Mapping[str, XrpcMethod]:
        repo, place, record = self.repo, ("repo", "collection", "rkey"), ("repo", "collection", "record")
        return {
            "com.atproto.server.describeServer": XrpcMethod(verb="GET", work=self._describe, auth="none"),
            "com.atproto.server.createSession": XrpcMethod(
                verb="POST",
                work=self._sign_in,
                auth="none",
                needs=("identifier", "password"),
                limits=windows.SIGN_IN_LIMITS,
                per="identifier",
            ),
            "com.atproto.server.refreshSession": XrpcMethod(verb="POST", work=self._refresh, auth="refresh"),
            "com.atproto.server.deleteSession": XrpcMethod(verb="POST", work=self._sign_out, auth="refresh"),
            "com.atproto.server.getSession": XrpcMethod(verb="GET", work=self._session),
            "com.atproto.identity.resolveHandle": XrpcMethod(
                verb="GET", work=self._resolve, auth="none", needs=("handle",)
            ),
            "com.atproto.repo.uploadBlob": XrpcMethod(verb="POST", raw=repo.upload, limits=(windows.UPLOAD_LIMIT,)),
            "com.atproto.repo.createRecord": XrpcMethod(
                verb="POST", work=repo.create, needs=record, points=lambda body: 3
            ),
            "com.atproto.repo.putRecord": XrpcMethod(
                verb="POST", work=repo.replace, needs=(*place, "record"), points=lambda body: 2
            ),
            "com.atproto.repo.deleteRecord": XrpcMethod(
                verb="POST", work=repo.delete, needs=place, points=lambda body: 1
            ),
            "com.atproto.repo.applyWrites": XrpcMethod(
                verb="POST", work=repo.apply, needs=("repo", "writes"), points=_write_points
            ),
            "com.atproto.repo.getRecord": XrpcMethod(verb="GET", work=repo.get, auth="none", needs=place),
            "com.atproto.repo.listRecords": XrpcMethod(
                verb="GET", work=repo.list, auth="none", needs=("repo", "collection")
            ),
            "app.bsky.actor.searchActorsTypeahead": XrpcMethod(verb="GET", work=self._search),
            "app.bsky.notification.listNotifications": XrpcMethod(
                verb="GET", work=self.view.notifications, lists=("reasons",)
            ),
            "app.bsky.feed.getPosts": XrpcMethod(verb="GET", work=self.view.posts, needs=("uris",), lists=("uris",)),
            "app.bsky.feed.getPostThread": XrpcMethod(verb="GET", work=self.view.thread, needs=("uri",)),
            "app.bsky.actor.getProfile": XrpcMethod(verb="GET", work=self._profile, needs=("actor",)),
        }

    # Accounts

    def did_of(self, name: str) -> str | None:
        """An account here by its DID or handle; None where it is none of ours."""
        did = self._dids.get(name.lower(), name)
        return did if self.store.get("account", did) else None

    def document(self, did: str) -> Doc:
        account = self.store.get("account", did) or {}
        key = {
            "id": f"{did}#atproto",
            "type": "Multikey",
            "controller": did,
            "publicKeyMultibase": "zQ3shXjHeiBuRCKmM36cuYnm7YEMzhGnCmCyW92sRJ9pribSF",
        }
        return {
            "@context": [
                "https://www.w3.org/ns/did/v1",
                "https://w3id.org/security/multikey/v1",
                "https://w3id.org/security/suites/secp256k1-2019/v1",
            ],
            "id": did,
            "alsoKnownAs": [f"at://{account['handle']}"],
            "verificationMethod": [key],
            "service": [{"id": "#atproto_pds", "type": "AtprotoPersonalDataServer", "serviceEndpoint": self.base_url}],
        }

    async def directory(self, request: web.Request) -> web.Response:
        did = request.match_info["did"]
        if self.store.get("account", did) is None:
            return web.json_response({"message": f"DID not registered: {did}"}, status=404)
        return web.json_response(self.document(did), content_type="application/did+ld+json")

    def _account(self, did: str) -> Doc:
        account = self.store.get("account", did) or {}
        handle = account["handle"]
        return {
            "did": did,
            "didDoc": self.document(did),
            "handle": handle,
            "email": f"{handle}@example.com",
            "emailConfirmed": True,
            "emailAuthFactor": False,
            "active": True,
        }

    async def _health(self, request: web.Request) -> web.Response:
        return web.json_response({"version": "0.5.35"})

    async def _describe(self, query: Doc, caller: None) -> Doc:
        return {
            "did": self.service_did,
            "availableUserDomains": [".test"],
            "inviteCodeRequired": False,
            "blobUploadLimit": self.blob_limit,
            "links": {},
            "contact": {},
        }

    async def _sign_in(self, body: Doc, caller: None) -> Doc:
        did = self.did_of(str(body["identifier"]))
        known = (self.store.get("account", did) or {}).get("app_passwords", {}) if did else {}
        name = next((name for name, value in known.items() if value == body["password"]), "")
        if not did or not name:
            raise errors.unauthenticated_error("Invalid identifier or password")
        return {**self.tokens.open(did, name), **self._account(did)}

    async def _refresh(self, body: Doc, caller: BlueskyCaller) -> Doc:
        return {**self.tokens.rotate(caller), **self._account(caller.did)}

    async def _sign_out(self, body: Doc, caller: BlueskyCaller) -> None:
        self.tokens.close(caller)

    async def _session(self, query: Doc, caller: BlueskyCaller) -> Doc:
        return self._account(caller.did)

    async def _resolve(self, query: Doc, caller: None) -> Doc:
        did = self._dids.get(str(query["handle"]).lower())
        if did is None:
            raise invalid_request_error("Unable to resolve handle", "HandleNotFound")
        return {"did": did}

    async def _profile(self, query: Doc, caller: BlueskyCaller) -> Doc:
        if not self.shows_profiles:
            raise invalid_request_error("No service configured for app.bsky.actor.getProfile")
        did = self.did_of(str(query["actor"]))
        account = self.store.get("account", did) if did else None
        if account is None:
            raise invalid_request_error("Profile not found")
        posts = len(self.repo.keys.get((account["did"], POST_COLLECTION), ()))
        return {
            "did": account["did"],
            "handle": account["handle"],
            "displayName": account["name"],
            "followersCount": 0,
            "followsCount": 0,
            "postsCount": posts,
            "labels": [],
        }

    async def _search(self, query: Doc, caller: BlueskyCaller) -> Doc:
        """Accounts whose handle or name begins with the words."""
        words, most = str(query.get("q", "")).lower(), min(100, int(query.get("limit", 10)))
        found = [
            a
            for a in self.store.all("account")
            if words and (a["handle"].lower().startswith(words) or a["name"].lower().startswith(words))
        ]
        return {
            "actors": [
                {"did": a["did"], "handle": a["handle"], "displayName": a["name"], "labels": []} for a in found[:most]
            ]
        }

    # What readers see

    def public_posts(self) -> Iterable[PublicPost]:
        return (self._public(doc) for doc in self.store.all("record") if doc["collection"] == POST_COLLECTION)

    def _public(self, doc: Doc) -> PublicPost:
        did, record = doc["did"], doc["value"]
        handle = (self.store.get("account", did) or {}).get("handle", did)
        return PublicPost(
            id=f"at://{did}/{POST_COLLECTION}/{doc['key']}",
            account=did,
            text=record["text"],
            at=record["createdAt"],
            url=f"{self.base_url}/profile/{handle}/post/{doc['key']}",
            in_reply_to=record.get("reply", {}).get("parent", {}).get("uri", ""),
            media=tuple(self._medium(did, *one) for one in _embedded_files(record.get("embed", {}))),
            extra=self._extra(did, doc["key"], record),
        )

    def _medium(self, did: str, kind: str, blob: Doc, alt: str) -> Mapping[str, str]:
        name = blob["ref"]["$link"]
        known = self.repo.blob(did, name) or {}
        url = f"{self.base_url}/xrpc/com.atproto.sync.getBlob?did={did}&cid={name}"
        return {"kind": kind, "alt": alt, "sha256": str(known.get("sha256", "")), "mime": blob["mimeType"], "url": url}

    def _extra(self, did: str, key: str, record: Doc) -> Doc:
        embed = record.get("embed", {})
        gate, quotes = (self.repo.record(did, name, key) for name in (THREADGATE_COLLECTION, POSTGATE_COLLECTION))
        return {
            "links": [feature for facet in record.get("facets", ()) for feature in _facet_html(record["text"], facet)],
            "languages": record.get("langs", []),
            "card": embed.get("external") or embed.get("media", {}).get("external"),
            "quotes": (embed.get("record", {}).get("record") or embed.get("record", {})).get("uri", ""),
            "warnings": [one["val"] for one in record.get("labels", {}).get("values", ())],
            "replies": gate["value"].get("allow") if gate else None,
            "quoting": quotes["value"].get("embeddingRules") if quotes else None,
        }

    async def permalink(self, request: web.Request) -> web.Response:
        did = self.did_of(request.match_info["who"])
        found = self.repo.record(did, POST_COLLECTION, request.match_info["key"]) if did else None
        if found is None:
            return self.page("Not found", "<p>This post was deleted, or never was.</p>", status=404)
        return self.page("Post", self.card(self._public(found), self._who(found["did"])))

    async def profile(self, request: web.Request) -> web.Response:
        """An account's page, newest post first."""
        did = self.did_of(request.match_info["who"])
        who = self._who(did) if did else None
        if did is None or who is None:
            return self.page("Not found", "<p>There is nobody of this name here.</p>", status=404)
        keys = list(self.repo.keys.get((did, POST_COLLECTION), ()))[:-201:-1]
        cards = "".join(
            self.card(self._public(doc), who) for key in keys if (doc := self.repo.record(did, POST_COLLECTION, key))
        )
        return self.page(who.name, f"<h1>{html.escape(who.name)}</h1>{cards}")

    def _who(self, did: str) -> SeededAccount | None:
        return next((account for account in self.accounts() if account.id == did), None)


def _embedded_files(embed: Doc) -> Iterable[tuple[str, Doc, str]]:
    """The files that an embed shows: kind, reference, alt text."""
    shown = embed.get("media", embed)
    for one in (*shown.get("images", ()), *shown.get("items", ())):
        yield "image", one["image"], one["alt"]
    if "video" in shown:
        yield "video", shown["video"], shown.get("alt", "")
    for one in shown.get("captions", ()):
        yield "captions", one["file"], one["lang"]
    if thumb := shown.get("external", {}).get("thumb"):
        yield "thumbnail", thumb, ""


def _write_points(body: Doc) -> int:
    costs = {"com.atproto.repo.applyWrites#create": 3, "com.atproto.repo.applyWrites#update": 2}
    writes = body.get("writes")
    return (
        sum(costs.get(str(one.get("$type")), 1) for one in writes if isinstance(one, dict))
        if isinstance(writes, list)
        else 0
    )


def _facet_html(text: str, facet: Doc) -> Iterable[str]:
    """What a facet makes of a stretch of the text, for people to read."""
    index = facet["index"]
    words = text.encode()[index["byteStart"] : index["byteEnd"]].decode("utf-8", "replace")
    for feature in facet["features"]:
        yield f"{words} → {feature.get('uri') or feature.get('did') or '#' + str(feature.get('tag', ''))}"
