"""The sandbox as another client sees it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from kicau.connector.contract import ContractSession, run_to_end
from kicau.connector.sandbox.server import start_sandbox
from kicau.networks.linkedin.connector import connector
from kicau.networks.linkedin.sandbox.server import Server
from kicau.networks.linkedin.tests.cast import DRAFTS
from kicau.networks.linkedin.tests.test_publish import delivery

FIRM = "urn:li:organization:5012346"
SARI = "urn:li:person:sK7wUlan3d"


@pytest.fixture
def ask(firm: ContractSession, box: Server):  # type: ignore[no-untyped-def]
    """Calls the API as a stranger's client would: (method, path, body, headers) -> (status, answer, headers)."""

    async def call(method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any, Any]:
        sent = {
            "Authorization": f"Bearer {firm.credentials.access_token}",
            "LinkedIn-Version": "202609",
            "X-Restli-Protocol-Version": "2.0.0",
            "User-Agent": "other",
        }
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {name: value for name, value in sent.items() if value}
        async with firm.http.client.request(
            method, aiohttp.client.URL(box.base_url + path, encoded=True), json=body, headers=sent
        ) as answer:
            text = await answer.text()
            return answer.status, (await answer.json() if text.startswith("{") else text), answer.headers

    return call


def post(commentary: str = "Halo", **more: Any) -> dict[str, Any]:
    return {
        "author": FIRM,
        "commentary": commentary,
        "visibility": "PUBLIC",
        "distribution": {"feedDistribution": "MAIN_FEED", "targetEntities": [], "thirdPartyDistributionChannels": []},
        "lifecycleState": "PUBLISHED",
        "isReshareDisabledByAuthor": False,
        **more,
    }


async def test_a_post_is_made_read_changed_and_deleted(ask, box: Server) -> None:  # type: ignore[no-untyped-def]
    status, body, headers = await ask("POST", "/rest/posts", post())
    urn = headers["x-restli-id"]
    assert (status, body) == (201, "")
    key = urn.replace(":", "%3A")
    status, found, _ = await ask("GET", f"/rest/posts/{key}")
    assert (status, found["id"], found["commentary"], found["lifecycleState"]) == (200, urn, "Halo", "PUBLISHED")
    assert not [name for name in found if name.startswith("_")]
    change = {"patch": {"$set": {"commentary": "Halo lagi"}}}
    assert (await ask("POST", f"/rest/posts/{key}", change))[0] == 400
    assert (await ask("POST", f"/rest/posts/{key}", change, X_RestLi_Method="PARTIAL_UPDATE"))[0] == 204
    assert [p.text for p in box.public_posts()] == ["Halo lagi"]
    for _ in range(2):
        assert (await ask("DELETE", f"/rest/posts/{key}"))[0] == 204
    assert (await ask("GET", f"/rest/posts/{key}"))[0] == 404
    assert (await ask("GET", f"/feed/update/{urn}/"))[0] == 404


async def test_finding_an_authors_posts(ask) -> None:  # type: ignore[no-untyped-def]
    for n in range(3):
        await ask("POST", "/rest/posts", post(f"Post {n}"))
    author = FIRM.replace(":", "%3A")
    _, page, _ = await ask("GET", f"/rest/posts?q=author&author={author}&count=2&sortBy=CREATED")
    assert [p["commentary"] for p in page["elements"]] == ["Post 2", "Post 1"]
    assert page["paging"]["total"] == 3
    _, rest, _ = await ask("GET", f"/rest/posts?q=author&author={author}&count=2&start=2")
    assert [p["commentary"] for p in rest["elements"]] == ["Post 0"]
    status, refused, _ = await ask("GET", f"/rest/posts?q=author&author={author}&colour=red")
    assert (status, refused["code"]) == (400, "QUERY_PARAM_NOT_ALLOWED")
    person = SARI.replace(":", "%3A")
    assert (await ask("GET", f"/rest/posts?q=author&author={person}"))[1]["code"] == "ACCESS_DENIED"


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"LinkedIn_Version": ""}, 400, "VERSION_MISSING"),
        ({"LinkedIn_Version": "202401"}, 426, "NONEXISTENT_VERSION"),
        ({"LinkedIn_Version": "202609.01"}, 201, ""),
        ({"X_Restli_Protocol_Version": ""}, 400, "ILLEGAL_ARGUMENT"),
        ({"Authorization": ""}, 401, "EMPTY_ACCESS_TOKEN"),
        ({"Authorization": "Bearer nonsense"}, 401, "INVALID_ACCESS_TOKEN"),
    ],
)
async def test_headers(ask, headers: dict[str, str], status: int, code: str) -> None:  # type: ignore[no-untyped-def]
    got, body, _ = await ask("POST", "/rest/posts", post(), **headers)
    assert (got, body["code"] if code else "") == (status, code)


async def test_tokens_expire_and_are_revoked(ask, box: Server, firm: ContractSession) -> None:  # type: ignore[no-untyped-def]
    box.clock_offset = 60 * 86400 + 1
    status, body, _ = await ask("POST", "/rest/posts", post())
    assert (status, body["code"]) == (401, "EXPIRED_ACCESS_TOKEN")
    box.clock_offset = 0
    token = firm.credentials.access_token
    box.store.put("token", token, {**box.store.get("token", token), "revoked": True})  # type: ignore[dict-item]
    assert (await ask("POST", "/rest/posts", post()))[1]["code"] == "REVOKED_ACCESS_TOKEN"


@pytest.mark.parametrize(
    ("change", "status", "told"),
    [
        ({"author": SARI.replace("sK7", "xxx")}, 403, "[/author]"),
        ({"author": "urn:li:organization:9"}, 403, "[/author]"),
        ({"author": "nobody"}, 400, "not the URN"),
        ({"visibility": "ALL"}, 422, "/visibility"),
        ({"lifecycleState": "DRAFT"}, 422, "/lifecycleState"),
        ({"text": "x"}, 422, "/text :: unrecognized field"),
        ({"commentary": "x" * 3001}, 400, "(3001 characters) exceeded the maximum allowed (3000 characters)"),
        ({"commentary": ""}, 422, "needs commentary"),
        ({"content": {"media": {"id": "urn:li:image:unknown"}}}, 403, "forbidden"),
        ({"content": {"article": {"source": "https://a.example"}}}, 422, "/content/article/title"),
        ({"content": {"multiImage": {"images": [{"id": "urn:li:image:1"}]}}}, 400, "2 to 20"),
        (
            {
                "content": {
                    "poll": {
                        "question": "q" * 141,
                        "options": [{"text": "a"}, {"text": "b"}],
                        "settings": {"duration": "ONE_DAY"},
                    }
                }
            },
            400,
            "too long",
        ),
        (
            {
                "content": {
                    "poll": {
                        "question": "q",
                        "options": [{"text": "a"}, {"text": "b"}],
                        "settings": {"duration": "ONE_YEAR"},
                    }
                }
            },
            422,
            "ONE_YEAR",
        ),
        ({"content": {"carousel": {}}}, 422, "union"),
    ],
)
async def test_a_bad_post_is_refused(ask, box: Server, change: dict[str, Any], status: int, told: str) -> None:  # type: ignore[no-untyped-def]
    got, body, _ = await ask("POST", "/rest/posts", post(**change))
    assert got == status
    assert told in body["message"]
    assert body["status"] == status
    assert list(box.public_posts()) == []


async def test_an_unescaped_text_is_silently_cut(ask, box: Server) -> None:  # type: ignore[no-untyped-def]
    assert (await ask("POST", "/rest/posts", post("Promo hari ini (terbatas)")))[0] == 201
    (seen,) = box.public_posts()
    assert (seen.text, seen.extra["cut"]) == ("Promo hari ini ", "(terbatas)")


async def test_duplicates(ask, box: Server) -> None:  # type: ignore[no-untyped-def]
    urn = (await ask("POST", "/rest/posts", post()))[2]["x-restli-id"]
    status, body, _ = await ask("POST", "/rest/posts", post())
    assert (status, body["errorDetails"]["inputErrors"][0]["code"]) == (422, "DUPLICATE_POST")
    assert urn in body["message"]
    await ask("DELETE", f"/rest/posts/{urn.replace(':', '%3A')}")
    box.duplicates_outlive_deletion = True
    assert (await ask("POST", "/rest/posts", post()))[0] == 422
    box.duplicates_outlive_deletion = False
    assert (await ask("POST", "/rest/posts", post()))[0] == 201
    box.clock_offset = 86401
    assert (await ask("POST", "/rest/posts", post()))[0] == 201


async def test_daily_limits(ask, box: Server) -> None:  # type: ignore[no-untyped-def]
    used = sum(row["n"] for row in box.store.all("calls")) // 2
    box.member_calls_a_day = used + 1
    assert (await ask("POST", "/rest/posts", post("1")))[0] == 201
    status, body, _ = await ask("POST", "/rest/posts", post("2"))
    assert (status, body["message"]) == (
        429,
        "Resource level throttle APPLICATION_AND_MEMBER DAY limit for calls to this resource is reached.",
    )
    box.app_calls_a_day = 1
    assert "APPLICATION DAY" in (await ask("POST", "/rest/posts", post("2")))[1]["message"]
    box.limits_off = True
    assert (await ask("POST", "/rest/posts", post("2")))[0] == 201
    box.limits_off, box.clock_offset = False, 86400
    assert (await ask("POST", "/rest/posts", post("3")))[0] == 201, "a new UTC day"


async def test_comments(ask, box: Server) -> None:  # type: ignore[no-untyped-def]
    urn = (await ask("POST", "/rest/posts", post()))[2]["x-restli-id"]
    path = f"/rest/socialActions/{urn.replace(':', '%3A')}/comments"
    said = {"actor": FIRM, "object": urn, "message": {"text": "Pertama"}}
    status, made, headers = await ask("POST", path, said)
    assert (status, headers["x-restli-id"]) == (201, made["id"])
    assert made["commentUrn"].startswith("urn:li:comment:(urn:li:activity:")
    assert (await ask("POST", path, said))[0] == 429
    assert (await ask("POST", path, {**said, "content": [{}]}))[0] == 403
    assert (await ask("POST", path, {**said, "message": {"text": "x" * 1251}}))[0] == 400
    assert [c["message"]["text"] for c in (await ask("GET", path))[1]["elements"]] == ["Pertama"]


async def test_usage_is_counted(ask, box: Server) -> None:  # type: ignore[no-untyped-def]
    before = sum(row["units"] for row in box.usage())
    await ask("POST", "/rest/posts", post())
    assert sum(row["units"] for row in box.usage()) == before + 1


async def test_an_upload_is_judged_by_what_it_is(ask, box: Server, http: aiohttp.ClientSession) -> None:  # type: ignore[no-untyped-def]
    box.processing_seconds = 60
    _, begun, _ = await ask(
        "POST", "/rest/images?action=initializeUpload", {"initializeUploadRequest": {"owner": FIRM}}
    )
    url, urn = begun["value"]["uploadUrl"], begun["value"]["image"]
    assert (await ask("POST", "/rest/posts", post(content={"media": {"id": urn}})))[1]["errorDetails"]["inputErrors"][
        0
    ]["code"] == "MEDIA_ASSET_WAITING_UPLOAD"
    async with http.put(url.replace("ut=", "ut=x"), data=b"x", headers={"User-Agent": "other"}) as refused:
        assert refused.status == 403
    async with http.put(url, data=b"this is no picture", headers={"User-Agent": "other"}) as taken:
        assert taken.status == 201
    key = urn.replace(":", "%3A")
    assert (await ask("GET", f"/rest/images/{key}"))[1]["status"] == "PROCESSING"
    box.clock_offset = 61
    assert (await ask("GET", f"/rest/images/{key}"))[1]["status"] == "PROCESSING_FAILED"
    assert (await ask("POST", "/rest/posts", post(content={"media": {"id": urn}})))[1]["errorDetails"]["inputErrors"][
        0
    ]["code"] == "MEDIA_ASSET_PROCESSING_FAILED"


async def test_state_survives_a_restart(firm: ContractSession, box: Server, tmp_path: Path) -> None:
    done = await run_to_end(connector, firm, delivery(DRAFTS["picture-and-comment"]))
    seen = list(box.public_posts())
    again = Server(folder=tmp_path / "sandbox")
    again.base_url = box.base_url
    assert list(again.public_posts()) == seen
    assert [a.id for a in again.accounts()] == [a.id for a in box.accounts()]
    runner = await start_sandbox(again)
    firm.app = connector_app(firm, again)
    assert (await connector.auth.refresh(firm)).access_token
    async with firm.http.client.get(
        f"{again.base_url}/dms/{next(iter(again.public_posts())).media[0]['url'].rsplit('/', 1)[-1]}"
    ) as picture:
        assert picture.status == 200
        assert picture.content_type == "image/jpeg"
    await connector.delete(firm, done.ids[0])
    assert list(again.public_posts()) == []
    await runner.cleanup()


def connector_app(session: ContractSession, box: Server):  # type: ignore[no-untyped-def]
    return replace(session.app, endpoints={**session.app.endpoints, **box.endpoints()})


@pytest.mark.parametrize(("fault", "status"), [(ConnectionResetError("closing"), 400), (KeyError("urn"), 500)])
async def test_a_connection_that_its_client_resets_is_no_fault_of_the_sandbox(
    box: Server, caplog, fault, status
) -> None:  # type: ignore[no-untyped-def]
    async def fails(request: web.Request) -> web.Response:
        raise fault

    answer = await box._errors_in_json(make_mocked_request("POST", "/rest/posts"), fails)
    assert (answer.status, len(caplog.records)) == (status, status == 500)


async def test_the_front_page_names_the_organisation(ask, http: aiohttp.ClientSession, box: Server) -> None:  # type: ignore[no-untyped-def]
    await ask("POST", "/rest/posts", post())
    async with http.get(box.base_url + "/") as page:
        assert "Kopi Senja" in await page.text()


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/rest/nothing", 404),
        ("GET", "/v2/nothing/here", 404),
        ("PUT", "/rest/posts", 405),
        ("DELETE", "/rest/posts", 405),
        ("GET", "/rest/images", 405),
        ("DELETE", "/rest/images", 405),
        ("PATCH", "/rest/videos/urn%3Ali%3Avideo%3A1", 405),
        ("GET", "/oauth/v2/nothing", 404),
        ("PUT", "/dms-uploads/nothing/0", 403),
        ("GET", "/rest/posts?ids=urn%3Ali%3Ashare%3A1", 400),
    ],
)
async def test_every_error_has_linkedins_form(ask, method: str, path: str, status: int) -> None:  # type: ignore[no-untyped-def]
    got, body, headers = await ask(method, path)
    assert got == status
    assert headers["Content-Type"].startswith("application/json")
    assert body["status"] == status
    assert body["message"]


async def test_a_batch_method_that_is_not_served_is_refused_in_linkedins_form(ask) -> None:  # type: ignore[no-untyped-def]
    for headers in ({"X_RestLi_Method": "BATCH_CREATE"}, {"X_RestLi_Method": "BATCH_UPDATE"}):
        status, body, _ = await ask("POST", "/rest/posts", {"elements": []}, **headers)
        assert (status, body["code"]) == (405, "METHOD_NOT_ALLOWED")
    status, body, _ = await ask("GET", "/rest/posts?ids=List()", X_RestLi_Method="BATCH_DELETE")
    assert (status, body["code"]) == (405, "METHOD_NOT_ALLOWED")


async def test_a_fault_of_the_sandbox_has_linkedins_form(ask, box: Server, caplog: pytest.LogCaptureFixture) -> None:  # type: ignore[no-untyped-def]
    box.paged = None  # type: ignore[assignment]
    status, body, _ = await ask("GET", f"/rest/posts?q=author&author={quote(FIRM, safe='')}")
    assert (status, body["status"]) == (500, 500)
    assert "could not answer" in caplog.text


async def test_a_batch_shows_each_what_it_may_see_and_counts_as_a_call(ask, box: Server) -> None:  # type: ignore[no-untyped-def]
    urns = [(await ask("POST", "/rest/posts", post(text)))[2]["x-restli-id"] for text in ("Satu", "Dua")]
    hidden = box.store.get("post", urns[1]) or {}
    box.store.put("post", urns[1], {**hidden, "author": SARI})
    before = box.usage()[-1]["units"]
    listed = ",".join(quote(urn, safe="") for urn in urns)
    status, body, _ = await ask("GET", f"/rest/posts?ids=List({listed})", X_RestLi_Method="BATCH_GET")
    assert (status, body["statuses"]) == (200, {urns[0]: 200, urns[1]: 403})
    assert body["errors"][urns[1]]["code"] == "ACCESS_DENIED"
    assert box.usage()[-1]["units"] == before + 1


async def test_one_post_is_deleted_once_by_a_batch(ask, box: Server) -> None:  # type: ignore[no-untyped-def]
    urn = (await ask("POST", "/rest/posts", post()))[2]["x-restli-id"]
    for _ in range(2):
        status, body, _ = await ask("DELETE", f"/rest/posts?ids=List({quote(urn, safe='')})")
        assert (status, body["results"]) == (200, {urn: {"status": 204}})
    assert list(box.public_posts()) == []
