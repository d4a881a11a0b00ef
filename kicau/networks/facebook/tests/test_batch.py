"""Many objects in one call: synchronous batches, and the legacy features that new apps may not use."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from datetime import date
from urllib.parse import urlencode

import pytest
from facebook_business.adobjects.page import Page
from facebook_business.adobjects.pagepost import PagePost

from kicau.connector import errors
from kicau.connector.content import Draft, Part
from kicau.connector.contract import run_to_end
from kicau.connector.protocol import expiring_facts
from kicau.connector.sandbox.server import OrderedFault
from kicau.networks._meta.engagement import MAX_BATCH_ROUNDS, read_objects
from kicau.networks._meta.graph import page_graph
from kicau.networks._meta.tests import made
from kicau.networks._meta.tests.world import delivery, official, world
from kicau.networks.facebook.connector import connector
from kicau.networks.facebook.sandbox.server import Server
from kicau.networks.facebook.tests.spec import validate

FILES = {"one.jpg": made.picture("one.jpg")}
LEGACY = {"ids": "1", "date_format": "U", "method": "delete", "callback": "f", "fields": "message.as(text)"}


@asynccontextmanager
async def page_with_posts(count: int, sandbox: Server | None = None):
    """A sandbox of an app made after 4 November 2026, a session in it, and the ids of published posts."""
    sandbox = sandbox or Server(validators=[validate])
    async with world(connector, sandbox, FILES) as session:
        ids = []
        for n in range(count):
            done = await run_to_end(connector, session, delivery(connector, Draft(parts=(Part(text=f"Kabar {n}"),))))
            ids.append(done.ids[0])
        yield sandbox, session, ids


OTHER = {"User-Agent": "another client"}  # not held against the description, as our own requests are


async def post_batch(session, calls, path="/v26.0/", **params):
    form = {"batch": json.dumps(calls), **page_graph(session).signed(), **params}
    url = session.app.endpoints["graph"] + path
    async with session.http.client.post(url, data=form, headers=OTHER) as answer:
        return answer.status, await answer.json()


def get(path, **params):
    return {"method": "GET", "relative_url": f"{path}?{urlencode(params)}" if params else path}


def rejected_post(sandbox, post_id):
    """Makes the sandbox refuse to show one post, with an error that is neither "gone" nor about the token."""
    shown = sandbox._answer_object

    def refuse(ask, kind, doc):
        if doc["id"] == post_id:
            ask.params = {"fields": "no_such_field"}
        return shown(ask, kind, doc)

    sandbox._answer_object = refuse


# The connector


async def test_an_app_made_today_reads_numbers():
    async with page_with_posts(2) as (sandbox, session, ids):
        assert sandbox.app_created > date(2026, 11, 4)
        assert set(await connector.numbers(session, ids)) == set(ids)


async def test_more_than_a_batch_holds_is_asked_in_two():
    async with page_with_posts(1) as (sandbox, session, ids):
        before, session.spent[:] = len(sandbox.requests), []
        missing = [f"{ids[0]}{n}" for n in range(50)]
        assert set(await connector.numbers(session, [*missing, *ids])) == set(ids)
        assert len(sandbox.requests) - before == 2
        assert [(charge.meter, charge.units) for charge in session.spent] == [("calls", 50), ("calls", 1)]


async def test_each_call_of_a_batch_counts_in_the_windows_and_at_the_network():
    async with page_with_posts(3) as (sandbox, session, ids):
        window = sandbox.windows[session.account_id]
        counted, metered = window.total(), sandbox.usage()[-1]["units"]
        await connector.numbers(session, ids)
        assert window.total() - counted == 3
        assert sum(row["units"] for row in sandbox.usage() if row["meter"] == "calls") >= metered + 3


@pytest.mark.parametrize("lost", [1, 2, 3])
async def test_what_a_batch_left_unanswered_is_asked_again(lost):
    async with page_with_posts(3) as (sandbox, session, ids):
        session.spent.clear()
        sandbox.batch_timeouts = lost
        assert set(await connector.numbers(session, ids)) == set(ids)
        assert sum(charge.units for charge in session.spent) == 3 + lost


async def test_a_batch_that_is_never_answered_whole_is_read_later():
    async with page_with_posts(2) as (sandbox, session, ids):
        sandbox.batch_timeouts, before = 1000, len(sandbox.requests)
        with pytest.raises(errors.Unavailable):
            await connector.numbers(session, ids)
        assert len(sandbox.requests) - before == MAX_BATCH_ROUNDS


async def test_a_window_that_closes_within_a_batch_is_a_limit_with_its_time():
    async with page_with_posts(3) as (sandbox, session, ids):
        sandbox.calls_per_day = sandbox.windows[session.account_id].total() + 1
        with pytest.raises(errors.RateLimited) as caught:
            await connector.numbers(session, ids)
        assert (caught.value.until - session.now()).total_seconds() > 3600


async def test_one_post_that_is_refused_does_not_hide_the_others():
    async with page_with_posts(3) as (sandbox, session, ids):
        rejected_post(sandbox, ids[1])
        assert set(await connector.numbers(session, ids)) == {ids[0], ids[2]}
        with pytest.raises(errors.Rejected):
            await connector.numbers(session, [ids[1]])


async def test_a_blocked_app_is_noticed_within_a_batch():
    """The calls of a batch are refused one by one, also where the app itself is refused."""
    async with page_with_posts(1) as (sandbox, session, ids):
        blocked = {"error": {"message": "API access blocked.", "type": "OAuthException", "code": 200}}
        sandbox.faults.append(
            OrderedFault(
                effect="status",
                status=200,
                method="POST",
                text=json.dumps([{"code": 400, "body": json.dumps(blocked)}]),
                headers={"Content-Type": "application/json"},
            )
        )
        session.http.read_door = connector.shut_door
        with pytest.raises(errors.AuthExpired):
            await connector.numbers(session, ids)
        assert [door.code for door in session.http.shut] == ["access-blocked"]


@pytest.mark.parametrize("answer", ["[]", "{}", "7", '[{"code":200,"body":"{}"},null]'])
async def test_an_answer_that_is_no_list_of_as_many_is_a_lost_one(answer):
    async with page_with_posts(1) as (sandbox, session, ids):
        fault = OrderedFault(
            effect="status", status=200, text=answer, headers={"Content-Type": "application/json"}, times=-1
        )
        sandbox.faults.append(fault)
        with pytest.raises(errors.Unavailable):
            await connector.numbers(session, ids)


async def test_the_version_that_is_called_is_one_fact_with_its_end():
    async with page_with_posts(0) as (_, session, _ids):
        fact = expiring_facts(connector)["api.version"]
        assert page_graph(session).url("1").split("/")[3] == fact.value
        assert fact.source.startswith("https://developers.facebook.com/")
        assert fact.ends > fact.checked


async def test_nothing_is_asked_for_nothing():
    async with page_with_posts(0) as (sandbox, session, _):
        before = len(sandbox.requests)
        assert await read_objects(page_graph(session), {}) == {}
        assert len(sandbox.requests) == before


# The sandbox


async def test_answers_come_in_order_each_with_its_own_status():
    async with page_with_posts(2) as (_, session, ids):
        calls = [
            get(ids[1], fields="message"),
            get("404404"),
            get(f"/v25.0/{ids[0]}"),
            {"method": "BREW", "relative_url": "me"},
        ]
        status, answers = await post_batch(session, calls)
        assert status == 200
        assert [one["code"] for one in answers] == [200, 400, 200, 400]
        bodies = [json.loads(one["body"]) for one in answers]
        assert (bodies[0]["message"], bodies[2]["message"]) == ("Kabar 1", "Kabar 0")
        assert bodies[1]["error"]["error_subcode"] == 33
        headers = [{one["name"].lower(): one["value"] for one in answer["headers"]} for answer in answers]
        assert headers[0]["content-type"].startswith("application/json")
        assert headers[2]["facebook-api-version"] == "v25.0"
        assert "pages" in headers[0]["x-business-use-case-usage"]


async def test_headers_are_left_out_where_the_batch_says_so():
    async with page_with_posts(1) as (_, session, ids):
        _, answers = await post_batch(session, [get(ids[0])], include_headers="false")
        assert set(answers[0]) == {"code", "body"}


async def test_a_call_that_time_ran_out_for_is_null_and_still_counts():
    async with page_with_posts(2) as (sandbox, session, ids):
        sandbox.batch_timeouts, before = 1, sandbox.windows[session.account_id].total()
        _, answers = await post_batch(session, [get(ids[0]), get(ids[1])])
        assert answers[0]["code"] == 200
        assert answers[1] is None
        assert sandbox.batch_timeouts == 0
        assert sandbox.windows[session.account_id].total() - before == 2


@pytest.mark.parametrize("path", ["/", "/v26.0", "/v26.0/", "/v27.0/me"])
async def test_a_batch_goes_to_any_address_of_the_host(path):
    async with page_with_posts(1) as (_, session, ids):
        status, answers = await post_batch(session, [get(ids[0])], path)
        assert (status, answers[0]["code"]) == (200, 200)


@pytest.mark.parametrize(
    ("calls", "words"),
    [
        ([get("me")] * 51, "Maximum batch size is 50"),
        ([], "must be an array"),
        ({}, "must be an array"),
        (["me"], "must be an array"),
        ([{"method": "GET", "relative_url": "me", "depends_on": "first"}], "depend"),
    ],
)
async def test_what_is_no_batch_is_refused_whole(calls, words):
    async with page_with_posts(0) as (sandbox, session, _):
        before = sandbox.app_window.total()
        status, answer = await post_batch(session, calls)
        assert status == 400
        assert words in answer["error"]["message"]
        assert sandbox.app_window.total() == before


async def test_a_batch_of_a_dead_token_is_refused_whole_and_a_call_with_one_alone():
    async with page_with_posts(1) as (_, session, ids):
        status, answer = await post_batch(session, [get(ids[0])], access_token="dead")
        assert (status, answer["error"]["code"]) == (400, 190)
        _, answers = await post_batch(session, [get(ids[0], access_token="dead"), get(ids[0])])
        assert [one["code"] for one in answers] == [400, 200]
        assert json.loads(answers[0]["body"])["error"]["code"] == 190


async def test_pages_of_an_edge_go_on_outside_the_batch():
    async with page_with_posts(2) as (_, session, ids):
        _, answers = await post_batch(session, [get(f"{session.account_id}/feed", limit=1, fields="id")])
        following = json.loads(answers[0]["body"])["paging"]["next"]
        async with session.http.client.get(following, params=page_graph(session).signed(), headers=OTHER) as answer:
            assert [one["id"] for one in (await answer.json())["data"]] == [ids[0]]


@pytest.mark.parametrize("version", ["v21.0", "v26.0", "v27.0"])
@pytest.mark.parametrize("name", LEGACY)
async def test_legacy_features_are_refused_to_new_apps_on_any_version(version, name):
    async with page_with_posts(0) as (_, session, _ids):
        params = {name: LEGACY[name], **page_graph(session).signed()}
        path = "" if name == "ids" else session.account_id
        url = f"{session.app.endpoints['graph']}/{version}/{path}"
        async with session.http.client.get(url, params=params, headers=OTHER) as answer:
            assert answer.status == 400
            assert "November 4, 2026" in (await answer.json())["error"]["message"]
        if version == "v26.0":
            _, answers = await post_batch(session, [get(path or "me", **{name: LEGACY[name]})])
            assert answers[0]["code"] == 400


async def test_an_older_app_may_read_by_ids_until_version_28():
    async with page_with_posts(2) as (sandbox, session, ids):
        sandbox.app_created, sandbox.newest = date(2026, 11, 3), (28, 0)
        params = {"ids": ",".join(ids), "fields": "message", **page_graph(session).signed()}
        for version, status in (("v27.0", 200), ("v28.0", 400)):
            url = f"{session.app.endpoints['graph']}/{version}/"
            async with session.http.client.get(url, params=params, headers=OTHER) as answer:
                assert answer.status == status
                body = await answer.json()
                assert set(body) == (set(ids) if status == 200 else {"error"})


# Meta's own client


async def test_metas_own_client_reads_and_writes_in_a_batch():
    async with page_with_posts(2, Server()) as (sandbox, session, ids):
        sandbox.batch_timeouts = 1

        def in_thread():
            app = sandbox.default_app
            token = session.credentials.access_token
            with official(sandbox.base_url, token, app=app.client_id, secret=app.client_secret) as api:
                found, refused = [], []
                batch = api.new_batch()
                for one in [*ids, "404404"]:
                    PagePost(one, api=api).api_get(
                        fields=["message"], batch=batch, success=found.append, failure=refused.append
                    )
                page = Page(session.account_id, api=api)
                page.create_feed(
                    params={"message": "Dari batch"}, batch=batch, success=found.append, failure=refused.append
                )
                left = batch.execute()
                assert len(left) == 1, "what was not answered, to be sent once more"
                assert left.execute() is None
                return [one.json() for one in found], [one.error().api_error_code() for one in refused]

        found, refused = await asyncio.to_thread(in_thread)
        assert [one.get("message") for one in found[:2]] == ["Kabar 0", "Kabar 1"]
        assert refused == [100]
        assert [post.text for post in sandbox.public_posts()] == ["Kabar 0", "Kabar 1", "Dari batch"]


async def test_metas_own_client_sends_files_in_a_batch(tmp_path):
    picture = tmp_path / "one.jpg"
    picture.write_bytes(FILES["one.jpg"].path.read_bytes())
    async with page_with_posts(0, Server()) as (sandbox, session, _):

        def in_thread():
            app, token = sandbox.default_app, session.credentials.access_token
            with (
                official(sandbox.base_url, token, app=app.client_id, secret=app.client_secret) as api,
                picture.open("rb") as file,
            ):
                found = []
                batch = api.new_batch()
                batch.add(
                    "POST",
                    (session.account_id, "photos"),
                    params={"caption": "Kopi"},
                    files={"first": file},
                    success=found.append,
                )
                assert batch.execute() is None
                return [one.json() for one in found]

        (made_photo,) = await asyncio.to_thread(in_thread)
        assert made_photo["post_id"]
        assert [post.text for post in sandbox.public_posts()] == ["Kopi"]
