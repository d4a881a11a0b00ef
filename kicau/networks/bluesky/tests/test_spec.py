"""The validator itself: each right request passes, and each wrong one is caught."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from kicau.networks.bluesky import records
from kicau.networks.bluesky.limits import baseline
from kicau.networks.bluesky.render import render
from kicau.networks.bluesky.tests.cast import DRAFTS, KABAR, KOPI
from kicau.networks.bluesky.tests.spec import validate

HEADERS = {"Authorization": "Bearer aaa.bbb.ccc", "Content-Type": "application/json"}
PUT = "/xrpc/com.atproto.repo.putRecord"
KEY = "3n32ye4jrkk27"
BLOB = {
    "$type": "blob",
    "ref": {"$link": "bafkreicxzwtez2wqq2onl6in725qet2l3gusfkxkshkrhxtpupuutwejee"},
    "mimeType": "image/png",
    "size": 75,
}
VTT, MP4 = {**BLOB, "mimeType": "text/vtt"}, {**BLOB, "mimeType": "video/mp4"}


def faults(
    body: Any,
    path: str = PUT,
    headers: dict[str, str] = HEADERS,
    query: dict[str, str] | None = None,
    method: str = "POST",
) -> list[str]:
    return list(validate(method, path, query or {}, headers, json.dumps(body).encode() if body is not None else b""))


def body(name: str) -> dict[str, Any]:
    post = render(DRAFTS[name], baseline)
    blobs = {place: MP4 if one.media.mime == "video/mp4" else BLOB for place, one in records.files_of_post(post)}
    if post.options["captions"]:
        blobs["captions"] = VTT
    progress = {"blobs": blobs, "refs": {"people": {"kabarpagi.test": KABAR}}}
    record = records.post_record(post, 0, progress, "2026-11-24T05:00:00.000Z")
    return {"repo": KOPI, "collection": records.POST_COLLECTION, "rkey": KEY, "record": record}


@pytest.mark.parametrize("name", list(DRAFTS))
def test_our_bodies_pass(name: str) -> None:
    assert faults(body(name)) == []


CHANGES: dict[str, tuple[str, Callable[[dict[str, Any]], Any]]] = {
    "no text": ("text", lambda b: b["record"].pop("text")),
    "no moment": ("text", lambda b: b["record"].pop("createdAt")),
    "a moment without zone": ("text", lambda b: b["record"].update(createdAt="2026-11-24T05:00:00")),
    "another type": ("text", lambda b: b["record"].update({"$type": "app.bsky.feed.repost"})),
    "a member of our own": ("text", lambda b: b["record"].update(via="kicau")),
    "a language with an underscore": ("picture-and-mention", lambda b: b["record"].update(langs=["id_ID"])),
    "four languages": ("text", lambda b: b["record"].update(langs=["id"] * 4)),
    "301 graphemes": ("text", lambda b: b["record"].update(text="é" * 301)),
    "3001 bytes": ("text", lambda b: b["record"].update(text="👨‍👩‍👧‍👦" * 121)),
    "a facet without index": ("text", lambda b: b["record"]["facets"][0].pop("index")),
    "a handle as DID": (
        "picture-and-mention",
        lambda b: b["record"]["facets"][0]["features"][0].update(did="kabarpagi.test"),
    ),
    "a link without protocol": (
        "picture-and-mention",
        lambda b: b["record"]["facets"][1]["features"][0].update(uri="kopi.id"),
    ),
    "a picture without alt": ("pictures", lambda b: b["record"]["embed"]["images"][0].pop("alt")),
    "five pictures": ("pictures", lambda b: b["record"]["embed"].update(images=b["record"]["embed"]["images"] * 3)),
    "a gallery picture without type": ("gallery", lambda b: b["record"]["embed"]["items"][0].pop("$type")),
    "no shape in a gallery": ("gallery", lambda b: b["record"]["embed"]["items"][0].pop("aspectRatio")),
    "a picture as video": ("video", lambda b: b["record"]["embed"].update(video=BLOB)),
    "captions without language": ("video", lambda b: b["record"]["embed"]["captions"][0].pop("lang")),
    "a card without description": ("card", lambda b: b["record"]["embed"]["external"].pop("description")),
    "a thumbnail over a megabyte": ("card", lambda b: b["record"]["embed"]["external"]["thumb"].update(size=1_000_001)),
    "an embed of no known type": ("card", lambda b: b["record"]["embed"].update({"$type": "app.bsky.embed.card"})),
    "a label as text": ("pictures", lambda b: b["record"].update(labels="porn")),
    "a reply without root": (
        "text",
        lambda b: b["record"].update(
            reply={"parent": {"uri": f"at://{KOPI}/a.b.c/{KEY}", "cid": BLOB["ref"]["$link"]}}
        ),
    ),
    "no key": ("text", lambda b: b.pop("rkey")),
    "no repository": ("text", lambda b: b.pop("repo")),
    "an unknown collection": ("text", lambda b: b.update(collection="app.bsky.feed.posts")),
}


@pytest.mark.parametrize("change", list(CHANGES))
def test_a_wrong_body_is_caught(change: str) -> None:
    name, spoil = CHANGES[change]
    wrong = copy.deepcopy(body(name))
    spoil(wrong)
    assert faults(wrong)


def test_gates_pass_and_wrong_ones_are_caught() -> None:
    post = render(DRAFTS["gated-thread"], baseline)
    uri, at = f"at://{KOPI}/{records.POST_COLLECTION}/{KEY}", "2026-11-24T05:00:00.000Z"
    made = [
        (records.POST_COLLECTION, records.post_record(post, 0, {}, at)),
        *records.reply_and_quote_gates(post, uri, at),
    ]
    writes = [
        {"$type": "com.atproto.repo.applyWrites#create", "collection": c, "rkey": KEY, "value": v} for c, v in made
    ]
    path = "/xrpc/com.atproto.repo.applyWrites"
    assert len(writes) == 3
    assert faults({"repo": KOPI, "writes": writes}, path) == []
    writes[1]["value"]["allow"] = [{"$type": "app.bsky.feed.threadgate#friendsRule"}]  # type: ignore[index, call-overload]
    assert faults({"repo": KOPI, "writes": writes}, path)
    assert faults({"repo": KOPI, "writes": [{**writes[0], "$type": "create"}]}, path)


def test_wrong_addresses_headers_and_parameters_are_caught() -> None:
    right = body("text")
    assert faults(right, path="/xrpc/com.atproto.repo.publish")
    assert faults(right, path="/2/tweets")
    assert faults(None, method="GET")
    assert faults(right, headers={"Content-Type": "application/json"})
    assert faults(right, headers={**HEADERS, "Content-Type": "text/plain"})
    assert faults(right, headers={**HEADERS, "Authorization": "DPoP aaa.bbb.ccc"})
    assert faults(right, query={"validate": "true"})
    get, asked = "/xrpc/com.atproto.repo.getRecord", {"repo": KOPI, "collection": records.POST_COLLECTION, "rkey": KEY}
    assert faults(None, get, {}, asked, "GET") == []
    assert faults(None, get, {}, {**asked, "repo": "@kopisenja"}, "GET")
    assert faults(None, get, {}, {"repo": KOPI, "collection": records.POST_COLLECTION}, "GET")
    upload = "/xrpc/com.atproto.repo.uploadBlob"
    assert (
        list(validate("POST", upload, {}, {**HEADERS, "Content-Type": "image/png", "Content-Length": "3"}, b"abc"))
        == []
    )
    assert list(validate("POST", upload, {}, {"Authorization": "Bearer a.b.c"}, b"abc"))


def test_wrong_sign_in_requests_are_caught() -> None:
    form = b"client_id=x&response_type=code&redirect_uri=x&scope=atproto&state=x&code_challenge=x&code_challenge_method=S256"
    head = {"Content-Type": "application/x-www-form-urlencoded", "DPoP": "a.b.c"}
    assert list(validate("POST", "/oauth/par", {}, head, form)) == []
    assert list(validate("POST", "/oauth/par", {}, head, form.replace(b"state=x&", b"")))
    assert list(validate("POST", "/oauth/par", {}, head, form + b"&nonce=x"))
    assert list(validate("POST", "/oauth/par", {}, {**head, "DPoP": ""}, form))
    assert list(validate("POST", "/oauth/token", {}, {**head, "Authorization": "Basic x"}, b"grant_type=x&client_id=x"))
