"""The validator itself: each right request passes, and each wrong one is caught."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from kicau.networks.linkedin import wire
from kicau.networks.linkedin.limits import baseline
from kicau.networks.linkedin.render import render
from kicau.networks.linkedin.tests.cast import DRAFTS
from kicau.networks.linkedin.tests.spec import validate

AUTHOR = "urn:li:organization:5012346"
HEADERS = {**wire.request_headers("t" * 40), "Content-Type": "application/json"}


def faults(
    body: Any,
    headers: dict[str, str] = HEADERS,
    path: str = "/rest/posts",
    query: dict[str, str] | None = None,
    method: str = "POST",
) -> list[str]:
    return list(validate(method, path, query or {}, headers, json.dumps(body).encode() if body is not None else b""))


def body(name: str) -> dict[str, Any]:
    post = render(DRAFTS[name], baseline)
    return wire.post_body(
        AUTHOR,
        post,
        [
            f"urn:li:{'video' if name == 'video' else 'document' if name == 'document' else 'image'}:x{n}"
            for n, _ in enumerate(wire.files_of_post(post))
        ],
    )


@pytest.mark.parametrize("name", list(DRAFTS))
def test_our_bodies_pass(name: str) -> None:
    assert faults(body(name)) == []


CHANGES: dict[str, tuple[str, Callable[[dict[str, Any]], Any]]] = {
    "no author": ("text", lambda b: b.pop("author")),
    "author of another kind": ("text", lambda b: b.update(author="urn:li:share:1")),
    "no distribution": ("text", lambda b: b.pop("distribution")),
    "an enum value of our own": ("text", lambda b: b.update(visibility="EVERYONE")),
    "a draft": ("text", lambda b: b.update(lifecycleState="DRAFT")),
    "a field of our own": ("text", lambda b: b.update(text="x")),
    "an unescaped bracket": ("text", lambda b: b.update(commentary="kopi (susu)")),
    "an unescaped hash": ("text", lambda b: b.update(commentary="kopi # 1")),
    "a document without title": ("document", lambda b: b["content"]["media"].pop("title")),
    "one image in a multiImage": ("pictures", lambda b: b["content"]["multiImage"]["images"].pop()),
    "an article without title": ("article", lambda b: b["content"]["article"].pop("title")),
    "minutes as duration": ("poll", lambda b: b["content"]["poll"]["settings"].update(duration=4320)),
    "five options": ("poll", lambda b: b["content"]["poll"]["options"].extend([{"text": "d"}, {"text": "e"}])),
    "two contents": ("poll", lambda b: b["content"].update(article={"source": "https://a.example", "title": "t"})),
}


@pytest.mark.parametrize("change", list(CHANGES))
def test_a_wrong_body_is_caught(change: str) -> None:
    name, spoil = CHANGES[change]
    wrong = copy.deepcopy(body(name))
    spoil(wrong)
    assert faults(wrong)


@pytest.mark.parametrize("name", ["Authorization", "LinkedIn-Version", "X-Restli-Protocol-Version", "Content-Type"])
def test_a_missing_header_is_caught(name: str) -> None:
    assert faults(body("text"), {k: v for k, v in HEADERS.items() if k != name})
    assert faults(body("text"), {**HEADERS, name: "nonsense"})


def test_a_wrong_address_or_query_is_caught() -> None:
    assert faults(body("text"), path="/v2/ugcPosts")
    assert faults(body("text"), query={"dryRun": "true"})
    finder = {**HEADERS, "X-RestLi-Method": "FINDER"}
    right = {"q": "author", "author": AUTHOR, "count": "20", "start": "0", "sortBy": "CREATED"}
    assert faults(None, finder, query=right, method="GET") == []
    assert faults(None, HEADERS, query=right, method="GET")
    assert faults(None, finder, query={**right, "sortBy": "NEWEST"}, method="GET")
    assert faults(None, finder, query={**right, "count": "500"}, method="GET")
    assert faults(None, finder, query={"q": "author"}, method="GET")
