"""The sandbox as a server of its own: what Mastodon refuses and how it says so, and what it keeps."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from kicau.connector.contract import ContractSession
from kicau.connector.sandbox.server import start_sandbox
from kicau.networks.mastodon.sandbox import Server
from kicau.networks.mastodon.tests.cast import FILES, KABAR, KOPI
from kicau.networks.mastodon.tests.conftest import signed_in
from kicau.networks.mastodon.tests.spec import answer_faults


class Client:
    """Another client than ours: plain requests with a token."""

    def __init__(self, box: Server, session: aiohttp.ClientSession, token: str) -> None:
        self.box, self.session, self.token = box, session, token
        self.headers: Mapping[str, str] = {}

    async def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        how: dict[str, Any] = (
            {"data": body} if isinstance(body, aiohttp.FormData | dict) and headers.pop("form", "") else {"json": body}
        )
        sent = {"User-Agent": "Other/1", **headers, **({"Authorization": f"Bearer {self.token}"} if self.token else {})}
        async with self.session.request(method, self.box.base_url + path, headers=sent, **how) as answer:
            self.headers = answer.headers
            told = (
                await answer.json()
                if answer.content_type == "application/json"
                else (await answer.read()).decode("utf-8", "replace")
            )
            if answer.status < 300 and answer.content_type == "application/json":
                assert answer_faults(method, path.split("?")[0], answer.status, told) == []
            return answer.status, told

    async def post(self, said: str = "x", key: str = "", **more: Any) -> tuple[int, Any]:
        return await self(
            "POST", "/api/v1/statuses", {"status": said, **more}, **({"Idempotency-Key": key} if key else {})
        )

    async def upload(self, ref: str, **fields: str) -> tuple[int, Any]:
        form = aiohttp.FormData()
        for name, value in fields.items():
            form.add_field(name, value)
        file = FILES[ref]
        form.add_field("file", file.path.read_bytes(), filename=file.name, content_type=file.mime)
        return await self("POST", "/api/v2/media", form, form="yes")


@pytest.fixture
def client(box: Server, http: aiohttp.ClientSession, kopi: ContractSession) -> Client:
    return Client(box, http, kopi.credentials.access_token)


async def test_answers_agree_with_the_description(client: Client) -> None:
    """`Client` holds each answer against it."""
    for path in (
        "/api/v2/instance",
        "/api/v1/instance",
        "/.well-known/oauth-authorization-server",
        "/api/v1/accounts/verify_credentials",
        f"/api/v1/accounts/{KABAR}",
        "/api/v1/accounts/lookup?acct=kabarpagi",
    ):
        assert (await client("GET", path))[0] == 200, path
    _, media = await client.upload("cup", description="A cup", focus="0.1,0.2")
    _, whole = await client.post(
        "Halo @kabarpagi @amy@kopi.id #kopi https://kopi.id", media_ids=[media["id"]], language="id"
    )
    assert (await client.post("balas", in_reply_to_id=whole["id"], quoted_status_id=whole["id"]))[0] == 200
    _, poll = await client.post("Pilih", poll={"options": ["a", "b"], "expires_in": 300, "hide_totals": True})
    for path in (
        f"/api/v1/statuses/{whole['id']}",
        f"/api/v1/statuses/{whole['id']}/context",
        f"/api/v1/statuses/{whole['id']}/source",
        f"/api/v1/accounts/{KOPI}/statuses?limit=2",
        "/api/v1/timelines/home",
        f"/api/v1/polls/{poll['poll']['id']}",
        f"/api/v2/search?q={whole['url']}&type=statuses&resolve=true",
    ):
        assert (await client("GET", path))[0] == 200, path
    assert (await client("DELETE", f"/api/v1/statuses/{whole['id']}"))[1]["text"].startswith("Halo")


async def test_the_html_that_others_see(client: Client) -> None:
    said = "Satu <b> & dua\nbaris\n\nlagi @amy@kopi.id @kabarpagi @tidak #kopi https://kopi.id/a?b=1&c=2"
    _, status = await client.post(said)
    base = client.box.base_url
    assert status["content"] == (
        "<p>Satu &lt;b&gt; &amp; dua<br>baris</p><p>lagi "
        '<span class="h-card" translate="no"><a href="https://kopi.id/@amy" class="u-url mention">@<span>amy</span></a></span> '
        f'<span class="h-card" translate="no"><a href="{base}/@kabarpagi" class="u-url mention">@<span>kabarpagi</span></a></span> '
        f'@tidak <a href="{base}/tags/kopi" class="mention hashtag" rel="tag">#<span>kopi</span></a> '
        '<a href="https://kopi.id/a?b=1&amp;c=2" target="_blank" rel="nofollow noopener" translate="no">https://kopi.id/a?b=1&amp;c=2</a></p>'
    )


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        ({"status": " "}, 422, "Validation failed: Text can't be blank"),
        ({"status": "a" * 501}, 422, "Validation failed: Text character limit of 500 exceeded"),
        ({"status": "a" * 498, "spoiler_text": "awas"}, 422, "Validation failed: Text character limit of 500 exceeded"),
        ({"status": "x", "visibility": "friends"}, 422, "Record invalid"),
        ({"status": "x", "in_reply_to_id": "1"}, 404, "The post you are trying to reply to does not appear to exist."),
        ({"status": "x", "quoted_status_id": "1"}, 404, "The post you are trying to quote does not appear to exist."),
        ({"status": "x", "media_ids": ["1", "2"]}, 422, "Media 1, 2 not found or already attached to another post"),
        ({"status": "x", "media_ids": list("12345")}, 422, "Cannot attach more than 4 files"),
        (
            {"status": "x", "media_ids": ["1"], "poll": {"options": ["a", "b"], "expires_in": 300}},
            422,
            "Cannot attach more than 4 files",
        ),
        (
            {"status": "x", "poll": {"options": ["a", " "], "expires_in": 3600}},
            422,
            "Validation failed: Poll options must have more than one item",
        ),
        (
            {"status": "x", "poll": {"options": [], "expires_in": 60}},
            422,
            "Validation failed: Poll options can't be blank, Poll options must have more than one item, Poll expires at is too soon",
        ),
        (
            {"status": "x", "poll": {"options": ["a", "a", "b", "c", "d"]}},
            422,
            "Validation failed: Poll expires at can't be blank, Poll options can't contain more than 4 items, Poll options contain duplicate items",
        ),
        (
            {"status": "x", "poll": {"options": ["a", "b"], "expires_in": 99_999_999}},
            422,
            "Validation failed: Poll expires at is too far into the future",
        ),
        (
            {"status": "x", "poll": {"options": ["a" * 51, "b"], "expires_in": 300}},
            422,
            "Validation failed: Poll options can't be longer than 50 characters each",
        ),
        (
            {"status": "", "poll": {"options": ["a", "b"], "expires_in": 300}},
            422,
            "Validation failed: Text can't be blank",
        ),
    ],
)
async def test_what_is_refused(client: Client, body: dict[str, Any], status: int, error: str) -> None:
    assert await client("POST", "/api/v1/statuses", body) == (status, {"error": error})
    assert list(client.box.public_posts()) == []


async def test_what_is_taken(client: Client) -> None:
    assert (await client.post("a" * 476 + " https://kopisenja.com/" + "b" * 300))[0] == 200
    _, lone = await client.post("", spoiler_text="awas")  # a lone warning is the text
    assert (lone["content"], lone["spoiler_text"], lone["sensitive"]) == ("<p>awas</p>", "", True)


async def test_files(client: Client) -> None:
    box = client.box
    status, cup = await client.upload("cup", description="A cup", focus="0.5,-0.25")
    assert (status, cup["type"], cup["description"], cup["meta"]["focus"]) == (
        200,
        "image",
        "A cup",
        {"x": 0.5, "y": -0.25},
    )
    assert (await client("GET", cup["url"].removeprefix(box.base_url)))[0] == 200
    assert (await client.upload("steam"))[1]["type"] == "gifv"
    form = aiohttp.FormData({"description": "Another", "focus": "0,0"})
    assert (await client("PUT", f"/api/v1/media/{cup['id']}", form, form="yes"))[1]["description"] == "Another"
    box.processing_seconds = 30
    status, film = await client.upload("pour")
    assert (status, film["url"]) == (202, None)
    assert (await client("GET", f"/api/v1/media/{film['id']}"))[0] == 206
    assert await client.post(media_ids=[film["id"]]) == (
        422,
        {"error": "Cannot attach files that have not finished processing. Try again in a moment!"},
    )
    box.clock_offset = 31
    assert (await client("GET", f"/api/v1/media/{film['id']}"))[0] == 200
    assert await client.post(media_ids=[film["id"], cup["id"]]) == (
        422,
        {"error": "Cannot attach a video to a post that already contains images"},
    )
    assert (await client.post(media_ids=[cup["id"]]))[0] == 200
    assert await client.post(media_ids=[cup["id"]]) == (
        422,
        {"error": f"Media {cup['id']} not found or already attached to another post"},
    )
    assert await client("GET", f"/api/v1/media/{cup['id']}") == (404, {"error": "Record not found"})
    assert (await client("DELETE", f"/api/v1/media/{film['id']}"))[0] == 200


async def test_files_that_are_refused(client: Client) -> None:
    box = client.box
    form = aiohttp.FormData()
    form.add_field("file", b"just words", filename="a.jpg", content_type="image/jpeg")
    assert await client("POST", "/api/v2/media", form, form="yes") == (
        422,
        {"error": "Validation failed: File content type is invalid, File is invalid"},
    )
    empty = aiohttp.FormData({"description": "x"})
    empty.add_field("other", b"x", filename="x")
    assert await client("POST", "/api/v2/media", empty, form="yes") == (
        422,
        {"error": "Validation failed: File can't be blank"},
    )
    assert await client.upload("cup", description="a" * 1501) == (
        422,
        {"error": "Validation failed: Description is too long (maximum is 1500 characters)"},
    )
    box.image_pixels = 3071
    assert await client.upload("cup") == (422, {"error": "64x48 images are not supported"})
    box.video_limit = 1_048_576
    box.processing_seconds = 0
    broken = (await client.upload("broken"))[1]
    assert await client("GET", f"/api/v1/media/{broken['id']}") == (
        422,
        {"error": "Error processing thumbnail for uploaded media"},
    )


async def test_a_key_is_kept_for_an_hour_and_by_account(
    box: Server, http: aiohttp.ClientSession, client: Client
) -> None:
    first, again = await client.post("satu", "k"), await client.post("dua", "k")
    assert first[1]["id"] == again[1]["id"]
    other = Client(box, http, (await signed_in(box, http, KABAR)).credentials.access_token)
    assert (await other.post("tiga", "k"))[1]["id"] != first[1]["id"]
    box.clock_offset = 3601
    assert (await client.post("empat", "k"))[1]["id"] != first[1]["id"]
    assert [post.text for post in box.public_posts()] == ["satu", "tiga", "empat"]


async def test_who_sees_what(box: Server, http: aiohttp.ClientSession, client: Client) -> None:
    ids = {v: (await client.post(v, visibility=v))[1]["id"] for v in ("public", "unlisted", "private", "direct")}
    path = f"/api/v1/accounts/{KOPI}/statuses"
    listed = {one["visibility"] for one in (await client("GET", path))[1]}
    assert listed == set(ids)
    stranger = Client(box, http, "")
    assert {one["visibility"] for one in (await stranger("GET", path))[1]} == {"public", "unlisted"}
    assert (await stranger("GET", f"/api/v1/statuses/{ids['public']}"))[0] == 200
    assert await stranger("GET", f"/api/v1/statuses/{ids['private']}") == (404, {"error": "Record not found"})


async def test_lists_are_paged(client: Client) -> None:
    ids = [(await client.post(str(n)))[1]["id"] for n in range(5)]
    path = f"/api/v1/accounts/{KOPI}/statuses"
    assert [one["id"] for one in (await client("GET", f"{path}?limit=2"))[1]] == ids[:2:-1]
    assert 'rel="next"' in client.headers["Link"]
    assert [one["id"] for one in (await client("GET", f"{path}?max_id={ids[2]}"))[1]] == ids[1::-1]
    assert [one["id"] for one in (await client("GET", f"{path}?since_id={ids[2]}"))[1]] == ids[:2:-1]
    answer = (await client.post("balas", in_reply_to_id=ids[0]))[1]["id"]
    around = (await client("GET", f"/api/v1/statuses/{ids[0]}/context"))[1]
    assert [one["id"] for one in around["descendants"]] == [answer]


async def test_tokens(box: Server, http: aiohttp.ClientSession, client: Client) -> None:
    for token, error in (("nope", "The access token is invalid"), ("", "The access token is invalid")):
        assert await Client(box, http, token).post() == (401, {"error": error})
    app = box.default_app
    asked = {"client_id": app.client_id, "client_secret": app.client_secret, "grant_type": "client_credentials"}
    _, alone = await Client(box, http, "")("POST", "/oauth/token", asked, form="yes")
    lone = Client(box, http, alone["access_token"])
    assert await lone.post() == (403, {"error": "This action is outside the authorized scopes"})
    assert (await lone("GET", "/api/v1/apps/verify_credentials"))[1]["name"] == "Kicau"
    keys = {"client_id": app.client_id, "client_secret": "wrong", "token": client.token}
    assert (await client("POST", "/oauth/revoke", keys, form="yes"))[1]["error"] == "invalid_client"
    assert (await client("POST", "/oauth/revoke", {**keys, "client_secret": app.client_secret}, form="yes"))[1][
        "error"
    ] == "unauthorized_client"
    mine = box.store.get("app", (box.store.get("token", client.token) or {})["app"]) or {}
    assert (
        await client(
            "POST",
            "/oauth/revoke",
            {"client_id": mine["client_id"], "client_secret": mine["client_secret"], "token": client.token},
            form="yes",
        )
    )[0] == 200
    assert await client.post() == (401, {"error": "The access token was revoked"})


async def test_a_sign_in_that_is_wrong(box: Server, http: aiohttp.ClientSession) -> None:
    stranger = Client(box, http, "")
    _, app = await stranger(
        "POST", "/api/v1/apps", {"client_name": "K", "redirect_uris": ["https://a.example/back"], "scopes": "read"}
    )
    page = f"/oauth/authorize?client_id={app['client_id']}&response_type=code&scope=read&redirect_uri="
    assert (await stranger("GET", page + "https://a.example/back"))[0] == 200
    assert (await stranger("GET", page + "https://b.example/back"))[0] == 400
    assert (await stranger("GET", page.replace(app["client_id"], "x") + "https://a.example/back"))[0] == 401
    assert (await stranger("POST", "/api/v1/apps", {"client_name": "", "redirect_uris": "https://a.example"}))[0] == 422
    assert (
        await stranger(
            "POST", "/api/v1/apps", {"client_name": "K", "redirect_uris": "https://a.example", "scopes": "all"}
        )
    )[0] == 422
    assert (
        await stranger(
            "POST",
            "/oauth/token",
            {
                "client_id": app["client_id"],
                "client_secret": app["client_secret"],
                "grant_type": "authorization_code",
                "code": "x",
                "redirect_uri": "https://a.example/back",
            },
            form="yes",
        )
    )[1]["error"] == "invalid_grant"


async def test_rate_limits(box: Server, client: Client) -> None:
    box.clock_offset = 10_800 - time.time() % 10_800  # at the beginning of every window
    await client.post()
    assert (client.headers["X-RateLimit-Limit"], client.headers["X-RateLimit-Remaining"]) == ("300", "299")
    reset = datetime.fromisoformat(client.headers["X-RateLimit-Reset"])
    assert timedelta(minutes=4) < reset - datetime.fromtimestamp(box.stamp(), UTC) <= timedelta(hours=3)
    for _ in range(29):
        assert (await client.upload("cup"))[0] == 200
    assert (await client.upload("cup"))[0] == 200
    assert await client.upload("cup") == (429, {"error": "Too many requests"})
    assert client.headers["X-RateLimit-Remaining"] == "0"
    box.limits_off = True
    assert (await client.upload("cup"))[0] == 200


async def test_it_survives_a_restart(tmp_path: Path, http: aiohttp.ClientSession) -> None:
    first = Server(folder=tmp_path)
    runner = await start_sandbox(first)
    token = (await signed_in(first, http, KOPI)).credentials.access_token
    client = Client(first, http, token)
    _, cup = await client.upload("cup")
    _, status = await client.post("Halo", "k", media_ids=[cup["id"]])
    await runner.cleanup()
    first.store.close()
    second = Server(folder=tmp_path)
    runner = await start_sandbox(second)
    client = Client(second, http, token)
    assert (await client.post("lagi", "k"))[1]["id"] == status["id"]
    assert [one["id"] for one in (await client("GET", f"/api/v1/accounts/{KOPI}/statuses"))[1]] == [status["id"]]
    assert (await client("GET", cup["url"].split("/", 3)[-1].join(["/", ""])))[0] == 200
    await runner.cleanup()


async def test_pages_show_what_was_published(client: Client) -> None:
    _, cup = await client.upload("cup", description="Secangkir kopi")
    _, status = await client.post("Halo <kopi>", media_ids=[cup["id"]])
    for path in (f"/@kopisenja/{status['id']}", "/@kopisenja", "/"):
        code, page = await client("GET", path)
        assert code == 200
        assert "Halo &lt;kopi&gt;" in page
        assert "Secangkir kopi" in page
    assert (await client("GET", "/@kabarpagi"))[0] == 200
    for path in (f"/@kabarpagi/{status['id']}", "/@kopisenja/1", "/@nobody"):
        assert (await client("GET", path))[0] == 404


async def test_many_posts_stay_quick(box: Server, client: Client) -> None:
    """What a post costs, in calls of functions, does not grow with what is there."""
    box.limits_off = True

    async def calls(key: str) -> int:
        count = 0

        def note(_frame: object, event: str, _arg: object) -> None:
            nonlocal count
            count += event == "call"

        before = sys.getprofile()
        sys.setprofile(note)
        try:
            await client.post(f"Halo {key}", key)
        finally:
            sys.setprofile(before)
        return count

    await client.post("Halo", "k")
    few = [await calls(f"a{n}") for n in range(5)]
    for n in range(300):
        await client.post(f"Halo {n}", f"k{n}")
    many = [await calls(f"b{n}") for n in range(5)]
    assert min(many) < 1.2 * min(few)
