"""Posts and comments of the LinkedIn sandbox."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from typing import Any

from aiohttp import web

from kicau.networks.linkedin.sandbox import errors as refusals
from kicau.networks.linkedin.sandbox.base import Doc, LinkedInSandboxBase
from kicau.networks.linkedin.sandbox.errors import LinkedInApiError, with_response_headers
from kicau.networks.linkedin.sandbox.media import LinkedInMediaApi
from kicau.networks.linkedin.sandbox.text import parse_commentary

MAX_TEXT_LENGTH, MAX_COMMENT_LENGTH, MAX_QUESTION_LENGTH, MAX_OPTION_LENGTH = 3000, 1250, 140, 30
REQUIRED_FIELDS = ("author", "commentary", "visibility", "distribution", "lifecycleState")
KNOWN_FIELDS = frozenset({*REQUIRED_FIELDS, "content", "isReshareDisabledByAuthor"})
CONTENT_TYPES = frozenset({"media", "multiImage", "article", "poll"})
POLL_DURATIONS = frozenset({"ONE_DAY", "THREE_DAYS", "SEVEN_DAYS", "FOURTEEN_DAYS"})
POST_URN_PATTERN = re.compile(r"urn:li:(?:share|ugcPost):\d+")
COMMENT_URN_PATTERN = re.compile(r"urn:li:comment:\(urn:li:(?:share|ugcPost|activity):(\d+),(\d+)\)")
DUPLICATE_WINDOW_SECONDS = 86_400


class LinkedInPostsApi:
    def __init__(self, box: LinkedInSandboxBase, media: LinkedInMediaApi) -> None:
        self.box, self.media = box, media
        self.of: dict[str, dict[str, None]] = {}  # author -> URNs, oldest first
        self.comments_of: dict[str, list[str]] = {}  # post -> comment ids
        for post in box.store.all("post"):
            self.of.setdefault(post["author"], {})[post["id"]] = None
        for comment in box.store.all("comment"):
            self.comments_of.setdefault(comment["object"], []).append(comment["id"])

    def routes(self) -> list[web.RouteDef]:
        guarded = self.box.guarded
        return [
            web.post("/rest/posts", guarded(self.create, batch={"BATCH_GET": self.get_one})),
            web.get(
                "/rest/posts",
                guarded(
                    self.find,
                    query="q author count start sortBy viewContext isDsc",
                    batch={"BATCH_GET": self.get_one},
                ),
            ),
            web.delete("/rest/posts", guarded(self.delete_nothing, batch={"BATCH_DELETE": self.delete_one})),
            web.get("/rest/posts/{urn}", guarded(self.get, query="viewContext")),
            web.post("/rest/posts/{urn}", guarded(self.update)),
            web.delete("/rest/posts/{urn}", guarded(self.delete)),
            web.post("/rest/socialActions/{urn}/comments", guarded(self.comment)),
            web.get("/rest/socialActions/{urn}/comments", guarded(self.list_comments, query="start count")),
            web.delete("/rest/socialActions/{urn}/comments/{number}", guarded(self.uncomment, query="actor")),
        ]

    async def create(self, request: web.Request, token: Doc) -> web.Response:
        body = await self.box.body(request)
        faults = [f"/{name} :: unrecognized field found but not allowed" for name in body if name not in KNOWN_FIELDS]
        faults += [
            f"/{name} :: field is required but not found and has no default value"
            for name in REQUIRED_FIELDS
            if name not in body
        ]
        faults += _enum_errors(body)
        if faults:
            raise refusals.invalid_body_error(faults)
        author = str(body["author"])
        self.box.must_write(token, author, "author", "partnerApiPosts.CREATE", request)
        if author.startswith("urn:li:organization:") and body["visibility"] != "PUBLIC":
            raise refusals.bad_input_error("Organization posts must be PUBLIC", "INVALID_VALUE", "/visibility")
        seen = parse_commentary(str(body["commentary"]), self.box.names)
        _check_fits(seen.text, MAX_TEXT_LENGTH, "commentary")
        content = body.get("content") or {}
        self._check_content(content, author)
        if not seen.text.strip() and not content:
            raise refusals.bad_input_error(
                "A post needs commentary or content", "MISSING_REQUIRED_FIELD_ERROR", "/commentary", status=422
            )
        return self._keep(body, content, seen.text, list(seen.mentions), list(seen.tags), seen.cut)

    def _keep(self, body: Doc, content: Doc, text: str, mentions: list[str], tags: list[str], cut: str) -> web.Response:
        author, now = body["author"], self.box.stamp()
        print_ = hashlib.sha256(json.dumps([author, body["commentary"], content], sort_keys=True).encode()).hexdigest()
        known = self.box.store.get("duplicate", print_)
        if (
            known
            and known["at"] > now - DUPLICATE_WINDOW_SECONDS
            and (self.box.duplicates_outlive_deletion or self.box.store.get("post", known["urn"]))
        ):
            raise refusals.bad_input_error(
                f"Content is a duplicate of {known['urn']}",
                "DUPLICATE_POST",
                "",
                status=422,
                description="Duplicate post is detected",
            )
        kind = (
            "ugcPost"
            if "poll" in content or str(content.get("media", {}).get("id", "")).startswith("urn:li:video:")
            else "share"
        )
        urn = f"urn:li:{kind}:{self._number(now)}"
        millis = int(now * 1000)
        post = {
            "id": urn,
            "author": author,
            "commentary": body["commentary"],
            "visibility": body["visibility"],
            "distribution": body["distribution"],
            "lifecycleState": "PUBLISHED",
            "lifecycleStateInfo": {"isEditedByAuthor": False},
            "isReshareDisabledByAuthor": bool(body.get("isReshareDisabledByAuthor")),
            "createdAt": millis,
            "publishedAt": millis,
            "lastModifiedAt": millis,
            **({"content": content} if content else {}),
            "_text": text,
            "_mentions": mentions,
            "_tags": tags,
            "_cut": cut,
        }
        self.box.store.put("post", urn, post)
        self.box.store.put("duplicate", print_, {"urn": urn, "at": now})
        self.of.setdefault(author, {})[urn] = None
        return web.Response(
            status=201,
            headers=with_response_headers({"x-restli-id": urn, "x-linkedin-id": urn, "Location": f"/posts/{urn}"}),
        )

    @staticmethod
    def _number(now: float) -> int:
        """Ids grow with time: milliseconds, then 22 bits."""
        return (int(now * 1000) << 22) | secrets.randbelow(1 << 22)

    def _check_content(self, content: Doc, author: str) -> None:
        if not content:
            return
        if len(content) != 1 or not set(content) <= CONTENT_TYPES:
            raise refusals.invalid_body_error(
                [f"/content :: is a union of {', '.join(sorted(CONTENT_TYPES))}; exactly one is given"]
            )
        (kind, value), *_ = content.items()
        if not isinstance(value, dict):
            raise refusals.invalid_body_error([f"/content/{kind} :: is not an object"])
        match kind:
            case "media":
                self._check_media(value, author)
            case "multiImage":
                self._check_images(value, author)
            case "article":
                self._check_article(value, author)
            case _:
                _check_poll(value)

    def _check_media(self, value: Doc, author: str) -> None:
        _check_only(value, "content/media", {"id", "title", "altText"}, {"id"})
        urn = str(value["id"])
        resource = {"image": "images", "video": "videos", "document": "documents"}.get(
            urn.split(":")[2] if urn.count(":") == 3 else "", ""
        )
        if not resource:
            raise refusals.invalid_body_error(
                [f"/content/media/id :: {urn} is not the URN of an image, a video or a document"]
            )
        if resource == "documents" and not value.get("title"):
            raise refusals.invalid_body_error(
                ["/content/media/title :: field is required but not found and has no default value"]
            )
        self.media.usable(urn, author, resource)

    def _check_images(self, value: Doc, author: str) -> None:
        _check_only(value, "content/multiImage", {"images", "altText"}, {"images"})
        images = value["images"]
        if not isinstance(images, list) or not 2 <= len(images) <= 20:
            raise refusals.bad_input_error(
                "A multiImage post has 2 to 20 images", "FIELD_ARRAY_SIZE_OUT_OF_RANGE", "/content/multiImage/images"
            )
        for image in images:
            _check_only(image, "content/multiImage/images", {"id", "altText"}, {"id"})
            self.media.usable(str(image["id"]), author, "images")

    def _check_article(self, value: Doc, author: str) -> None:
        _check_only(value, "content/article", {"source", "title", "description", "thumbnail"}, {"source", "title"})
        if not str(value["source"]).startswith(("http://", "https://")):
            raise refusals.bad_input_error("source is not a valid URL", "INVALID_URL", "/content/article/source")
        if value.get("thumbnail"):
            self.media.usable(str(value["thumbnail"]), author, "images")

    async def find(self, request: web.Request, token: Doc) -> web.Response:
        query = request.query
        if query.get("q") != "author" or not query.get("author"):
            raise refusals.illegal_argument_error("Invalid finder: q=author with an author is answered here")
        self.box.must_read(token, query["author"], "partnerApiPosts.FINDER-author", request)
        order = query.get("sortBy", "LAST_MODIFIED")
        if order not in ("LAST_MODIFIED", "CREATED"):
            raise refusals.illegal_argument_error(f"sortBy is LAST_MODIFIED or CREATED, not {order}")
        urns = list(self.of.get(query["author"], ()))[::-1]
        posts = [post for urn in urns if (post := self.box.store.get("post", urn))]
        if order == "LAST_MODIFIED":
            posts.sort(key=lambda post: -post["lastModifiedAt"])
        return web.json_response(self.box.paged(request, posts, shape=post_json), headers=with_response_headers())

    def _post(self, request: web.Request) -> Doc:
        return self._post_of(request.match_info["urn"])

    def _post_of(self, urn: str) -> Doc:
        if not POST_URN_PATTERN.fullmatch(urn):
            raise refusals.illegal_argument_error(f"{urn} is not the URN of a post")
        if found := self.box.store.get("post", urn):
            return found
        raise refusals.not_found_error(f"Post {urn} not found")

    async def get(self, request: web.Request, token: Doc) -> web.Response:
        return web.json_response(
            self.get_one(request, token, request.match_info["urn"]), headers=with_response_headers()
        )

    def get_one(self, request: web.Request, token: Doc, urn: str) -> Doc:
        post = self._post_of(urn)
        self.box.must_read(token, post["author"], "partnerApiPosts.GET", request)
        return post_json(post)

    async def update(self, request: web.Request, token: Doc) -> web.Response:
        if request.headers.get("X-RestLi-Method", "").upper() != "PARTIAL_UPDATE":
            raise refusals.illegal_argument_error("POST on a post needs the header X-RestLi-Method: PARTIAL_UPDATE")
        post, body = self._post(request), await self.box.body(request)
        self.box.must_write(token, post["author"], "author", "partnerApiPosts.PARTIAL_UPDATE", request)
        changes = (body.get("patch") or {}).get("$set") if isinstance(body.get("patch"), dict) else None
        if not isinstance(changes, dict) or not set(changes) <= {
            "commentary",
            "contentCallToActionLabel",
            "contentLandingPage",
        }:
            raise refusals.invalid_body_error(["/patch/$set :: only commentary can be changed"])
        if "commentary" in changes:
            seen = parse_commentary(str(changes["commentary"]), self.box.names)
            _check_fits(seen.text, MAX_TEXT_LENGTH, "commentary")
            post |= {
                "commentary": changes["commentary"],
                "_text": seen.text,
                "_mentions": list(seen.mentions),
                "_tags": list(seen.tags),
                "_cut": seen.cut,
            }
        post |= {"lastModifiedAt": int(self.box.stamp() * 1000), "lifecycleStateInfo": {"isEditedByAuthor": True}}
        self.box.store.put("post", post["id"], post)
        return web.Response(status=204, headers=with_response_headers())

    async def delete(self, request: web.Request, token: Doc) -> web.Response:
        self.delete_one(request, token, request.match_info["urn"])
        return web.Response(status=204, headers=with_response_headers())

    async def delete_nothing(self, request: web.Request, token: Doc) -> web.Response:
        raise refusals.no_method_error("DELETE", request.path)

    def delete_one(self, request: web.Request, token: Doc, urn: str) -> None:
        """Idempotent: a post that was deleted before is deleted again with 204."""
        gone = self.box.store.get("gone", urn)
        post = gone or self._post_of(urn)
        self.box.must_write(token, post["author"], "author", "partnerApiPosts.DELETE", request)
        if not gone:
            self.box.store.remove("post", urn)
            self.box.store.put("gone", urn, {"author": post["author"]})
            self.of.get(post["author"], {}).pop(urn, None)

    def _commented(self, request: web.Request) -> tuple[Doc, str]:
        """The post, and the comment under it that is meant; "" where none is."""
        if (named := COMMENT_URN_PATTERN.fullmatch(request.match_info["urn"])) is None:
            return self._post(request), ""
        known = self.box.store.get("comment", named[2])
        post = self.box.store.get("post", known["object"]) if known else None
        if post is None:
            raise refusals.not_found_error(f"Comment {named[0]} not found")
        return post, named[2]

    async def uncomment(self, request: web.Request, token: Doc) -> web.Response:
        """Idempotent."""
        self.box.must_write(
            token, request.query.get("actor", ""), "actor", "partnerApiSocialActionsComments.DELETE", request
        )
        found = self.box.store.get("comment", request.match_info["number"])
        if found and found["actor"] == request.query.get("actor"):
            self.box.store.remove("comment", found["id"])
            self.comments_of[found["object"]].remove(found["id"])
        return web.Response(status=204, headers=with_response_headers())

    async def comment(self, request: web.Request, token: Doc) -> web.Response:
        (post, under), body = self._commented(request), await self.box.body(request)
        _check_only(
            body, "", {"actor", "object", "message", "parentComment", "content"}, {"actor", "object", "message"}
        )
        self.box.must_write(token, str(body["actor"]), "actor", "partnerApiSocialActionsComments.CREATE", request)
        if body.get("content"):
            raise LinkedInApiError(
                403, {"status": 403, "message": "Images in comments are not supported for this application"}
            )
        if str(body["object"]).rsplit(":", 1)[-1] != post["id"].rsplit(":", 1)[-1] or bool(under) != bool(
            body.get("parentComment")
        ):
            raise refusals.bad_input_error("object does not match the commented entity", "INVALID_VALUE", "/object")
        text = body["message"].get("text") if isinstance(body["message"], dict) else None
        if not isinstance(text, str) or not text.strip():
            raise refusals.invalid_body_error(
                ["/message/text :: field is required but not found and has no default value"]
            )
        _check_fits(text, MAX_COMMENT_LENGTH, "message/text", name="Comment")
        self._pace(token)
        millis, number = int(self.box.stamp() * 1000), str(self._number(self.box.stamp()))
        urn = f"urn:li:comment:(urn:li:activity:{post['id'].rsplit(':', 1)[-1]},{number})"
        made = {
            "id": number,
            "actor": body["actor"],
            "object": post["id"],
            "message": {"text": text, "attributes": []},
            "commentUrn": urn,
            **({"parentComment": body["parentComment"], "_under": under} if under else {}),
            "created": {"actor": body["actor"], "time": millis},
            "lastModified": {"actor": body["actor"], "time": millis},
        }
        self.box.store.put("comment", number, made)
        self.comments_of.setdefault(post["id"], []).append(number)
        return web.json_response(made, status=201, headers=with_response_headers({"x-restli-id": number}))

    def _pace(self, token: Doc) -> None:
        """One comment a minute and member, whoever they speak for."""
        if self.box.limits_off or not self.box.comment_seconds:
            return
        last = self.box.store.get("commented", token["member"])
        now = self.box.stamp()
        if last and last["at"] > now - self.box.comment_seconds:
            raise refusals.rate_limit_error("APPLICATION_AND_MEMBER", "MINUTE")
        self.box.store.put("commented", token["member"], {"at": now})

    async def list_comments(self, request: web.Request, token: Doc) -> web.Response:
        post, under = self._commented(request)
        self.box.must_read(token, post["author"], "partnerApiSocialActionsComments.GET_ALL", request)
        listed = [one for one in self.comments(post["id"]) if one.get("_under", "") == under]
        return web.json_response(self.box.paged(request, listed, shape=post_json), headers=with_response_headers())

    def comments(self, urn: str) -> list[Doc]:
        return [found for number in self.comments_of.get(urn, ()) if (found := self.box.store.get("comment", number))]


def post_json(post: Doc) -> Doc:
    """A post as the API shows it."""
    return {name: value for name, value in post.items() if not name.startswith("_")}


def _check_fits(text: str, limit: int, field: str, name: str = "ShareCommentary") -> None:
    """The refusal quoted in https://github.com/n8n-io/n8n/issues/22899 (2025-12-07)."""
    length = len(text.encode("utf-16-le", "surrogatepass")) // 2
    if length > limit:
        raise refusals.bad_input_error(
            f"{name} text length ({length} characters) exceeded the maximum allowed ({limit} characters)",
            "FIELD_ARRAY_SIZE_TOO_HIGH",
            f"/{field}",
            description="Size of array cannot be higher than the maxLength",
        )


def _enum_errors(body: Doc) -> list[str]:
    faults = []
    if body.get("visibility", "PUBLIC") not in ("PUBLIC", "CONNECTIONS", "LOGGED_IN"):
        faults.append(f'/visibility :: "{body["visibility"]}" is not an enum symbol')
    if body.get("lifecycleState", "PUBLISHED") != "PUBLISHED":
        faults.append(f'/lifecycleState :: "{body["lifecycleState"]}" is not an enum symbol that a new post takes')
    spread = body.get("distribution")
    if spread is not None and (
        not isinstance(spread, dict) or spread.get("feedDistribution") not in ("MAIN_FEED", "NONE")
    ):
        faults.append("/distribution/feedDistribution :: is not an enum symbol")
    return faults


def _check_only(value: Any, where: str, allowed: set[str], needed: set[str]) -> None:
    if not isinstance(value, dict):
        raise refusals.invalid_body_error([f"/{where} :: is not an object"])
    faults = [
        f"/{where}/{name} :: unrecognized field found but not allowed".replace("//", "/")
        for name in value
        if name not in allowed
    ]
    faults += [
        f"/{where}/{name} :: field is required but not found and has no default value".replace("//", "/")
        for name in sorted(needed)
        if not value.get(name)
    ]
    if faults:
        raise refusals.invalid_body_error(faults)


def _check_poll(value: Doc) -> None:
    _check_only(value, "content/poll", {"question", "options", "settings"}, {"question", "options", "settings"})
    _check_length(str(value["question"]), MAX_QUESTION_LENGTH, "/content/poll/question")
    options = value["options"]
    if not isinstance(options, list) or not 2 <= len(options) <= 4:
        raise refusals.bad_input_error(
            "A poll has 2 to 4 options", "FIELD_ARRAY_SIZE_OUT_OF_RANGE", "/content/poll/options"
        )
    for option in options:
        _check_only(option, "content/poll/options", {"text"}, {"text"})
        _check_length(str(option["text"]), MAX_OPTION_LENGTH, "/content/poll/options/text")
    _check_only(
        value["settings"],
        "content/poll/settings",
        {"duration", "voteSelectionType", "isVoterVisibleToAuthor"},
        {"duration"},
    )
    if value["settings"]["duration"] not in POLL_DURATIONS:
        raise refusals.invalid_body_error(
            [f'/content/poll/settings/duration :: "{value["settings"]["duration"]}" is not an enum symbol']
        )


def _check_length(text: str, limit: int, field: str) -> None:
    if len(text.encode("utf-16-le", "surrogatepass")) // 2 > limit:
        raise refusals.bad_input_error(f"{field} is too long", "FIELD_LENGTH_TOO_LONG", field)
