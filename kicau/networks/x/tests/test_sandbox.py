"""The sandbox is X: its words, rules, prices and pages."""

from __future__ import annotations

import base64
import json
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Any

import aiohttp
import pytest

from kicau.connector import oauth2
from kicau.connector.contract import ContractSession
from kicau.connector.sandbox.server import start_sandbox
from kicau.networks.x.sandbox import Server
from kicau.networks.x.tests.cast import files
from kicau.networks.x.tests.conftest import CENDANA, KABAR, KOPI, LENSA, signed_in


class Raw:
    """Bare requests with an account's token, as any other client would send them."""

    def __init__(self, sandbox: Server, client: aiohttp.ClientSession, token: str) -> None:
        self._sandbox, self._client, self._token = sandbox, client, token

    async def __call__(self, method: str, path: str, **how: Any) -> tuple[int, Any, Any]:
        headers = {"Authorization": f"Bearer {self._token}", "User-Agent": "somebody"}
        async with self._client.request(method, self._sandbox.base_url + path, headers=headers, **how) as answer:
            content = await answer.read()
            body = json.loads(content) if content[:1] in (b"{", b"[") else content
            return answer.status, body, answer.headers


@pytest.fixture
def raw(sandbox: Server, client: aiohttp.ClientSession, kopi: ContractSession) -> Raw:
    return Raw(sandbox, client, kopi.credentials.access_token)


async def post(raw: Raw, text: str, **more: Any) -> str:
    status, body, _ = await raw("POST", "/2/tweets", json={"text": text, **more})
    assert status == 201, body
    return str(body["data"]["id"])


# Two vocabularies


async def test_answers_in_the_vocabulary_asked(raw: Raw) -> None:
    root = await post(raw, "Satu")
    answer = await post(raw, "Dua", reply={"in_reply_to_tweet_id": root})
    _, new, _ = await raw("GET", f"/2/tweets/{answer}?post.fields=public_metrics&expansions=referenced_posts")
    _, old, _ = await raw(
        "GET", f"/2/tweets/{answer}?tweet.fields=public_metrics,referenced_tweets&expansions=referenced_tweets.id"
    )
    assert new["data"]["referenced_posts"] == old["data"]["referenced_tweets"] == [{"type": "replied_to", "id": root}]
    assert ("repost_count" in new["data"]["public_metrics"], "retweet_count" in old["data"]["public_metrics"]) == (
        True,
        True,
    )
    assert (new["data"]["edit_history_post_ids"], old["data"]["edit_history_tweet_ids"]) == ([answer], [answer])
    assert not {"edit_history_tweet_ids", "referenced_tweets"} & set(new["data"])
    assert not {"edit_history_post_ids", "referenced_posts"} & set(old["data"])
    assert (new["includes"]["posts"][0]["id"], old["includes"]["tweets"][0]["id"]) == (root, root)


async def test_a_request_that_names_no_vocabulary_gets_both_names_of_the_one_default_field(raw: Raw) -> None:
    post_id = await post(raw, "Satu")
    _, body, _ = await raw("GET", f"/2/tweets/{post_id}")
    assert body["data"] == {
        "id": post_id,
        "text": "Satu",
        "edit_history_post_ids": [post_id],
        "edit_history_tweet_ids": [post_id],
    }


async def test_links_are_shortened_and_signs_escaped_in_the_api_but_not_for_readers(raw: Raw, sandbox: Server) -> None:
    text = "Kopi & kue <3 kopisenja.com dan https://kopisenja.com/menu"
    post_id = await post(raw, text)
    _, body, _ = await raw("GET", f"/2/tweets/{post_id}?post.fields=entities")
    given, urls = body["data"]["text"], body["data"]["entities"]["urls"]
    assert given.startswith("Kopi &amp; kue &lt;3 https://t.co/")
    assert [given[u["start"] : u["end"]] for u in urls] == [u["url"] for u in urls]
    assert [u["expanded_url"] for u in urls] == ["http://kopisenja.com", "https://kopisenja.com/menu"]
    assert [p.text for p in sandbox.public_posts()] == [text]


# What it refuses


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"text": "Pagi", "status": "Pagi"}, "status"),
        ({"text": "Pagi", "media": {"media_ids": ["1"], "alt": "x"}}, "media.alt"),
        ({"text": "Pagi", "media": {"media_ids": ["1", "2", "3", "4", "5"]}}, "media.media_ids"),
        ({"text": "Pagi", "media": {"media_ids": [1]}}, "media.media_ids"),
        ({"text": 5}, "text"),
        ({"text": "Pagi", "made_with_ai": "yes"}, "made_with_ai"),
        ({"text": "Pagi", "reply_settings": "everyone"}, "reply_settings"),
        ({"text": "Pagi", "reply": {}}, "reply"),
        ({"text": "Pagi", "poll": {"options": ["a"], "duration_minutes": 60}}, "poll.options"),
        ({"text": "Pagi", "poll": {"options": ["a", "b" * 26], "duration_minutes": 60}}, "poll.options"),
        ({"text": "Pagi", "poll": {"options": ["a", "b"], "duration_minutes": 4}}, "poll.duration_minutes"),
        ({"text": "Pagi", "quote_tweet_id": "first"}, "quote_tweet_id"),
        ({"text": "  "}, "text"),
    ],
)
async def test_a_body_that_does_not_fit_is_named(raw: Raw, sandbox: Server, body: dict[str, Any], named: str) -> None:
    status, said, headers = await raw("POST", "/2/tweets", json=body)
    assert (status, said["title"], said["parameter"]) == (400, "Invalid Request", named)
    assert headers["Content-Type"].startswith("application/problem+json")
    assert list(sandbox.public_posts()) == []


@pytest.mark.parametrize(
    "path",
    [
        "/2/users/me?fields=name",
        "/2/users/me?user.fields=name,age",
        f"/2/users/{KOPI}/tweets?max_results=4",
        f"/2/users/{KOPI}/tweets?start_time=today",
        f"/2/users/{KOPI}/tweets?pagination_token=!!",
        f"/2/users/{KOPI}/tweets?exclude=quotes",
        f"/2/users/{KOPI}/mentions?exclude=replies",
        "/2/tweets?ids=",
        "/2/tweets/first",
        "/2/media/upload?media_id=1&command=INIT",
    ],
)
async def test_a_query_that_does_not_fit_is_refused(raw: Raw, path: str) -> None:
    status, said, _ = await raw("GET", path)
    assert (status, said["title"]) == (400, "Invalid Request")


async def test_lengths_are_weighted(raw: Raw) -> None:
    await post(raw, "字" * 140)
    await post(raw, "https://kopisenja.com/" + "x" * 500)
    await post(raw, "Ngopi dulu ☕️⚡️⭐️ " * 15)  # 270
    await post(raw, "🧑‍🎄" * 56)  # 5 each
    for text in ("字" * 141, "🧑‍🎄" * 57, "Ngopi dulu ☕️⚡️⭐️ " * 16):
        status, said, _ = await raw("POST", "/2/tweets", json={"text": text})
        assert (status, said["detail"][:28]) == (400, "Your Tweet text is too long.")


async def test_the_same_text_is_refused_until_it_is_deleted(raw: Raw) -> None:
    post_id = await post(raw, "Sekali")
    status, said, _ = await raw("POST", "/2/tweets", json={"text": "Sekali"})
    assert (status, said["detail"]) == (403, "You are not allowed to create a Tweet with duplicate content.")
    await post(raw, "Sekali", reply={"in_reply_to_tweet_id": post_id})
    assert (await raw("DELETE", f"/2/tweets/{post_id}"))[1] == {"data": {"deleted": True}}
    await post(raw, "Sekali")


async def test_self_serve_apps_answer_only_a_summons(raw: Raw, sandbox: Server, client: aiohttp.ClientSession) -> None:
    kabar = Raw(sandbox, client, (await signed_in(sandbox, client, KABAR)).credentials.access_token)
    silent, calling = await post(kabar, "Berita"), await post(kabar, "Halo @KopiSenja")
    status, said, _ = await raw("POST", "/2/tweets", json={"text": "Ya", "reply": {"in_reply_to_tweet_id": silent}})
    assert (status, "have not been mentioned" in said["detail"]) == (403, True)
    await post(raw, "Ya?", reply={"in_reply_to_tweet_id": calling})
    assert (await raw("POST", "/2/tweets", json={"text": "Lihat", "quote_tweet_id": silent}))[0] == 403
    sandbox.tier = "enterprise"
    await post(raw, "Ya", reply={"in_reply_to_tweet_id": silent})
    await post(raw, "Lihat", quote_tweet_id=silent)
    assert (await raw("POST", "/2/tweets", json={"text": "Ya", "reply": {"in_reply_to_tweet_id": "20"}}))[0] == 403


async def test_only_ones_own_posts_are_deleted(raw: Raw, sandbox: Server, client: aiohttp.ClientSession) -> None:
    kabar = Raw(sandbox, client, (await signed_in(sandbox, client, KABAR)).credentials.access_token)
    post_id = await post(kabar, "Berita")
    assert (await raw("DELETE", f"/2/tweets/{post_id}"))[0] == 403
    status, said, _ = await raw("DELETE", "/2/tweets/20")
    assert (status, said["type"]) == (404, "https://api.x.com/2/problems/resource-not-found")


async def test_scopes_and_tokens_are_looked_at(raw: Raw, sandbox: Server, client: aiohttp.ClientSession) -> None:
    sandbox.store.put(
        "token", "reader", {"account": KOPI, "app": "a", "scopes": ["tweet.read", "users.read"], "expires": 9e9}
    )
    reader, nobody = Raw(sandbox, client, "reader"), Raw(sandbox, client, "none")
    assert (await reader("GET", "/2/users/me"))[0] == 200
    assert (await reader("POST", "/2/tweets", json={"text": "Pagi"}))[0] == 403
    status, said, _ = await nobody("GET", "/2/users/me")
    assert (status, said) == (
        401,
        {"title": "Unauthorized", "type": "about:blank", "status": 401, "detail": "Unauthorized"},
    )


# Reading


async def test_a_timeline_is_read_page_by_page_newest_first(raw: Raw) -> None:
    ids = [await post(raw, f"Nomor {n}") for n in range(12)][::-1]
    found, token = [], ""
    while True:
        _, body, _ = await raw(
            "GET", f"/2/users/{KOPI}/tweets?max_results=5" + (f"&pagination_token={token}" if token else "")
        )
        found += [row["id"] for row in body["data"]]
        if not (token := body["meta"].get("next_token", "")):
            break
    assert found == ids
    _, body, _ = await raw("GET", f"/2/users/{KOPI}/tweets?since_id={ids[3]}&until_id={ids[0]}")
    assert [row["id"] for row in body["data"]] == ids[1:3]
    assert body["meta"] == {"result_count": 2, "newest_id": ids[1], "oldest_id": ids[2]}
    _, body, _ = await raw("GET", f"/2/users/{CENDANA}/tweets")
    assert body == {"meta": {"result_count": 0}}


async def test_mentions_are_listed_for_the_one_mentioned(raw: Raw) -> None:
    post_id = await post(raw, "Halo @kabarpagi dan @TokoCendana")
    for who in (KABAR, CENDANA):
        _, body, _ = await raw("GET", f"/2/users/{who}/mentions?expansions=author_id")
        assert ([row["id"] for row in body["data"]], body["includes"]["users"][0]["username"]) == (
            [post_id],
            "kopisenja",
        )
    assert (await raw("GET", f"/2/users/{LENSA}/mentions"))[1]["meta"] == {"result_count": 0}


async def test_some_of_many_may_be_missing(raw: Raw) -> None:
    post_id = await post(raw, "Satu")
    status, body, _ = await raw("GET", f"/2/tweets?ids={post_id},20")
    assert (status, len(body["data"]), body["errors"][0]["value"]) == (200, 1, "20")


# Media


def b64(ref: str) -> str:
    return base64.b64encode(files()[ref].path.read_bytes()).decode()


async def test_a_picture_is_uploaded_in_all_three_forms(raw: Raw, sandbox: Server) -> None:
    content = files()["red"].path.read_bytes()
    _, whole, _ = await raw("POST", "/2/media/upload", json={"media": b64("red"), "media_category": "tweet_image"})
    _, begun, _ = await raw(
        "POST",
        "/2/media/upload/initialize",
        json={"media_type": "image/png", "media_category": "tweet_image", "total_bytes": len(content)},
    )
    new = begun["data"]["id"]
    for n, piece in enumerate((content[:99], content[99:])):
        form = aiohttp.FormData({"segment_index": str(n)})
        form.add_field("media", piece, filename="m")
        assert (await raw("POST", f"/2/media/upload/{new}/append", data=form))[0] == 200
    await raw("POST", f"/2/media/upload/{new}/finalize")
    _, begun, _ = await raw(
        "POST", "/2/media/upload", data={"command": "INIT", "media_type": "image/png", "total_bytes": str(len(content))}
    )
    old = begun["data"]["id"]
    form = aiohttp.FormData({"command": "APPEND", "media_id": old, "segment_index": "0"})
    form.add_field("media", content, filename="m")
    assert (await raw("POST", "/2/media/upload", data=form))[0] == 204
    _, ended, _ = await raw("POST", "/2/media/upload", data={"command": "FINALIZE", "media_id": old})
    assert ended["data"]["image"] == {"image_type": "image/png", "w": 64, "h": 48}
    await post(raw, "Tiga", media={"media_ids": [whole["data"]["id"], new, old]})
    (shown,) = sandbox.public_posts()
    assert len({m["sha256"] for m in shown.media}) == 1
    assert (await raw("GET", shown.media[1]["url"].removeprefix(sandbox.base_url)))[1] == content


async def test_processing_takes_its_time_and_a_post_must_wait(raw: Raw, sandbox: Server) -> None:
    sandbox.processing_seconds = 10
    content = files()["steam"].path.read_bytes()
    _, begun, _ = await raw(
        "POST",
        "/2/media/upload/initialize",
        json={"media_type": "image/gif", "media_category": "tweet_gif", "total_bytes": len(content)},
    )
    media_id = begun["data"]["id"]
    assert begun["data"]["media_key"] == f"16_{media_id}"
    await raw("POST", f"/2/media/upload/{media_id}/append", json={"media": b64("steam"), "segment_index": 0})
    _, ended, _ = await raw("POST", f"/2/media/upload/{media_id}/finalize")
    assert ended["data"]["processing_info"] == {"state": "pending", "progress_percent": 0, "check_after_secs": 10}
    states = []
    for offset in (4, 11):
        assert (await raw("POST", "/2/tweets", json={"text": "Uap", "media": {"media_ids": [media_id]}}))[0] == 400
        sandbox.clock_offset = offset
        _, told, _ = await raw("GET", f"/2/media/upload?media_id={media_id}&command=STATUS")
        states.append(told["data"]["processing_info"]["state"])
    assert states == ["in_progress", "succeeded"]
    await post(raw, "Uap", media={"media_ids": [media_id]})


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"media_type": "image/svg+xml", "total_bytes": 9}, "media_type"),
        ({"media_type": "image/png", "total_bytes": 5_000_001, "media_category": "tweet_image"}, "exceeds 5000000"),
        ({"media_type": "image/png", "total_bytes": 9, "media_category": "poster"}, "media_category"),
        ({"media_type": "image/png", "total_bytes": 9, "name": "x"}, "[name]"),
        ({"media_type": "image/png", "total_bytes": "9"}, "total_bytes"),
    ],
)
async def test_an_upload_that_does_not_fit_is_refused(raw: Raw, body: dict[str, Any], said: str) -> None:
    status, told, _ = await raw("POST", "/2/media/upload/initialize", json=body)
    assert (status, said in told["errors"][0]["message"]) == (400, True)


async def test_segments_must_add_up(raw: Raw) -> None:
    _, begun, _ = await raw("POST", "/2/media/upload/initialize", json={"media_type": "image/png", "total_bytes": 100})
    media_id = begun["data"]["id"]
    status, told, _ = await raw("POST", f"/2/media/upload/{media_id}/finalize")
    assert (status, told["errors"][0]["message"]) == (400, "Segments do not add up to provided total file size.")
    assert (await raw("POST", f"/2/media/upload/{media_id}/append", json={"media": "eA==", "segment_index": 1000}))[
        0
    ] == 400


async def test_a_file_that_is_no_picture_is_refused(raw: Raw) -> None:
    status, told, _ = await raw("POST", "/2/media/upload", json={"media": "eA==", "media_category": "tweet_image"})
    assert (status, told["errors"][0]["message"]) == (400, "media type unrecognized.")


async def test_nobody_uses_anothers_file(raw: Raw, sandbox: Server, client: aiohttp.ClientSession) -> None:
    _, whole, _ = await raw("POST", "/2/media/upload", json={"media": b64("red"), "media_category": "tweet_image"})
    kabar = Raw(sandbox, client, (await signed_in(sandbox, client, KABAR)).credentials.access_token)
    media_id = whole["data"]["id"]
    assert (await kabar("POST", "/2/tweets", json={"text": "Foto", "media": {"media_ids": [media_id]}}))[0] == 400
    assert (await kabar("GET", f"/2/media/upload?media_id={media_id}"))[0] == 404


# Limits and money


async def test_every_answer_tells_the_limit(raw: Raw) -> None:
    headers = [(await raw("POST", "/2/tweets", json={"text": f"Nomor {n}"}))[2] for n in range(2)]
    assert [h["x-rate-limit-limit"] for h in headers] == ["100", "100"]
    assert [h["x-rate-limit-remaining"] for h in headers] == ["99", "98"]
    assert int(headers[0]["x-rate-limit-reset"]) == pytest.approx(time.time() + 900, abs=3)
    assert headers[1]["x-app-limit-24hour-remaining"] == "9998"


async def test_limits_are_per_account_and_can_be_lifted(
    raw: Raw, sandbox: Server, client: aiohttp.ClientSession
) -> None:
    for _ in range(50):
        await raw("DELETE", "/2/tweets/20")
    status, said, _ = await raw("DELETE", "/2/tweets/20")
    assert (status, said) == (429, {"errors": [{"code": 88, "message": "Rate limit exceeded"}]})
    kabar = Raw(sandbox, client, (await signed_in(sandbox, client, KABAR)).credentials.access_token)
    assert (await kabar("DELETE", "/2/tweets/20"))[0] == 404
    sandbox.limits_off = True
    assert (await raw("DELETE", "/2/tweets/20"))[0] == 404


async def test_what_is_read_is_billed_once_a_day(raw: Raw, sandbox: Server) -> None:
    post_id = await post(raw, "Satu")
    for _ in range(3):
        await raw("GET", f"/2/tweets/{post_id}")
    reads = [row for row in sandbox.usage() if row["meter"] == "post-read"]
    assert [(row["units"], row["micro"], row["currency"]) for row in reads] == [(1, 5_000, "USD")]
    sandbox.clock_offset = 86_400
    sandbox.store.put(
        "token",
        "late",
        {"account": KOPI, "app": sandbox.default_app.client_id, "scopes": ["tweet.read", "users.read"], "expires": 9e9},
    )
    await Raw(sandbox, raw._client, "late")("GET", f"/2/tweets/{post_id}")
    assert sum(row["units"] for row in sandbox.usage() if row["meter"] == "post-read") == 2


async def test_nothing_is_billed_for_a_refusal_and_nothing_served_without_credit(raw: Raw, sandbox: Server) -> None:
    sandbox.billing.credits = 15_000
    assert (await raw("POST", "/2/tweets", json={"text": ""}))[0] == 400
    await post(raw, "Terakhir")
    assert sandbox.billing.credits == 0
    status, said, _ = await raw("POST", "/2/tweets", json={"text": "Satu lagi"})
    assert (status, said["title"]) == (402, "CreditsDepleted")


async def test_an_apps_own_token_reads_its_usage(raw: Raw, sandbox: Server, client: aiohttp.ClientSession) -> None:
    post_id = await post(raw, "Satu")
    await raw("GET", f"/2/tweets/{post_id}")
    app = sandbox.default_app
    proof = {"Authorization": oauth2.basic_authorization(app.client_id, app.client_secret), "User-Agent": "somebody"}
    async with client.post(
        f"{sandbox.base_url}/oauth2/token", data={"grant_type": "client_credentials"}, headers=proof
    ) as answer:
        token = (await answer.json())["access_token"]
    own = Raw(sandbox, client, token)
    _, body, _ = await own("GET", "/2/usage/tweets?days=1&usage.fields=project_usage,daily_project_usage")
    assert body["data"]["project_usage"] == body["data"]["daily_project_usage"]["usage"][0]["usage"] == "1"
    assert (await own("GET", f"/2/tweets/{post_id}"))[0] == 200
    for path in ("/2/users/me", "/2/media/upload?media_id=1"):
        status, said, _ = await own("GET", path)
        assert (status, said["title"]) == (403, "Unsupported Authentication")
    assert (await raw("GET", "/2/usage/tweets"))[0] == 403


# Pages, and staying


async def test_a_post_has_a_page_until_it_is_deleted(raw: Raw, sandbox: Server) -> None:
    post_id = await post(raw, "Halo <script>")
    (shown,) = sandbox.public_posts()
    path = shown.url.removeprefix(sandbox.base_url)
    _, page, _ = await raw("GET", path)
    assert b"Halo &lt;script&gt;" in page
    assert b"Kopi Senja" in page
    assert b"Halo &lt;script&gt;" in (await raw("GET", "/kopisenja"))[1]
    await raw("DELETE", f"/2/tweets/{post_id}")
    assert (await raw("GET", path))[0] == 404


async def test_everything_survives_a_restart(tmp_path: Path, client: aiohttp.ClientSession) -> None:
    before = Server(folder=tmp_path)
    runner = await start_sandbox(before)
    token = (await signed_in(before, client, KOPI)).credentials.access_token
    raw = Raw(before, client, token)
    _, whole, _ = await raw("POST", "/2/media/upload", json={"media": b64("red"), "media_category": "tweet_image"})
    post_id = await post(raw, "Bertahan @kabarpagi", media={"media_ids": [whole["data"]["id"]]})
    await runner.cleanup()
    after = Server(folder=tmp_path)
    runner = await start_sandbox(after)
    raw = Raw(after, client, token)
    assert [p.text for p in after.public_posts()] == ["Bertahan @kabarpagi"]
    assert (await raw("GET", f"/2/users/{KABAR}/mentions"))[1]["data"][0]["id"] == post_id
    assert (await raw("GET", f"/media/{whole['data']['id']}"))[1] == files()["red"].path.read_bytes()
    _, again, _ = await raw("POST", "/2/media/upload", json={"media": b64("red"), "media_category": "tweet_image"})
    body = {"text": "Bertahan @kabarpagi", "media": {"media_ids": [again["data"]["id"]]}}
    assert (await raw("POST", "/2/tweets", json=body))[0] == 403
    assert next(row["units"] for row in after.usage() if row["meter"] == "post") == 1
    await runner.cleanup()


async def test_a_post_stays_cheap_when_there_are_many(raw: Raw, sandbox: Server) -> None:
    """The way of a post looks through nothing that grows with the number of posts."""
    sandbox.limits_off = True

    async def lines_executed(name: str) -> int:
        """Of the sandbox's code, for one post: what looks through all posts executes a line for each."""
        count = 0

        def trace(frame: FrameType, event: str, _: object) -> object:
            nonlocal count
            if "sandbox" not in frame.f_code.co_filename:
                return None
            count += event == "line"
            return trace

        before = sys.gettrace()
        sys.settrace(trace)
        try:
            await post(raw, name)
        finally:
            sys.settrace(before)
        return count

    await post(raw, "Yang pertama")
    early = await lines_executed("Nomor satu")
    template = next(sandbox.store.all("post"))
    for n in range(5_000):
        doc = {**template, "id": str(10**15 + n), "same": str(n)}
        sandbox.store.put("post", doc["id"], doc)
        sandbox.posts._index(doc)
    assert 0 < await lines_executed("Nomor lima ribu") < early + 100


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("user.fields=public_metrics", {"post_count", "tweet_count"}),
        ("user.fields=public_metrics&post.fields=id", {"post_count"}),
        ("user.fields=public_metrics&tweet.fields=id", {"tweet_count"}),
        ("user.fields=public_metrics&expansions=pinned_tweet_id", {"tweet_count"}),
    ],
)
async def test_an_accounts_posts_are_counted_in_the_words_of_the_request_or_in_both(
    raw: Raw, query: str, names: set[str]
) -> None:
    """A request for an account need not name a vocabulary."""
    status, body, _ = await raw("GET", f"/2/users/me?{query}")
    assert status == 200
    counted = set(body["data"]["public_metrics"])
    assert counted & {"post_count", "tweet_count"} == names


async def test_an_accounts_posts_are_counted_in_the_one_vocabulary_that_is_served(raw: Raw, sandbox: Server) -> None:
    sandbox.vocabularies = ("old",)
    _, body, _ = await raw("GET", "/2/users/me?user.fields=public_metrics")
    assert set(body["data"]["public_metrics"]) & {"post_count", "tweet_count"} == {"tweet_count"}
