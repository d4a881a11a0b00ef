"""All sandboxes at once, over real HTTP; what they keep; and a visitor who signs in."""

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
from contextlib import asynccontextmanager
from importlib.resources import files

import aiohttp
import pytest

from kicau.base import clock
from kicau.connector import registry
from kicau.connector.sandbox.server import Sandbox
from kicau.sandbox import all_networks
from kicau.sandbox.visitor import ConsentFailed, fill_consent_page


@asynccontextmanager
async def running(folder, **how):
    stop, started = asyncio.Event(), asyncio.get_running_loop().create_future()
    task = asyncio.create_task(
        all_networks.serve_sandboxes(
            dict.fromkeys(registry.installed_slugs(), 0), folder, ready=started.set_result, stop=stop, **how
        )
    )
    await asyncio.wait([started, task], return_when=asyncio.FIRST_COMPLETED)
    yield await started
    stop.set()
    await task


async def test_every_network_is_served_and_described(tmp_path):
    async with running(tmp_path) as sandboxes, aiohttp.ClientSession() as client:
        told = all_networks.client_settings(sandboxes)["networks"]
        assert [one["network"] for one in told] == list(registry.installed_slugs())
        for one in told:
            assert one["client_id"]
            assert "client_secret" in one  # some networks know no secret
            assert one["accounts"]
            assert all(url.startswith(one["base_url"]) for url in one["endpoints"].values())
            async with client.get(one["base_url"] + "/_sandbox/info") as answer:
                assert await answer.json() == one
            async with client.get(one["base_url"] + "/_sandbox/posts") as answer:
                assert await answer.json() == []


@pytest.mark.parametrize("slug", registry.installed_slugs())
async def test_a_visitor_signs_in_by_the_networks_own_flow(slug, tmp_path):
    from kicau.connector.contract import open_test_session

    connector = registry.get_connector(slug)
    async with running(tmp_path) as sandboxes, aiohttp.ClientSession() as client:
        sandbox = next(s for s in sandboxes if s.slug == slug)
        desk = open_test_session(connector, sandbox, client)
        begun = await connector.auth.begin(desk, {})
        returned = await fill_consent_page(client, begun.url, sandbox.accounts()[0].id)
        assert returned.pop("state") == begun.state
        accounts = await connector.auth.finish(desk, begun.memory, returned)
        assert accounts[0].credentials.access_token
        again = await connector.auth.begin(desk, {})
        with pytest.raises(ConsentFailed, match="Nobody 'nobody'"):
            await fill_consent_page(client, again.url, "nobody")


async def test_a_page_that_is_no_consent_page_is_told(tmp_path):
    async with running(tmp_path) as sandboxes, aiohttp.ClientSession() as client:
        with pytest.raises(ConsentFailed, match="404"):
            await fill_consent_page(client, sandboxes[0].base_url + "/no/such/page")


def test_taken_ports_are_passed_over():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        chosen = all_networks.choose_ports({"a": taken, "b": taken + 1, "c": 0})
        assert taken not in chosen.values()
        assert chosen["a"] != chosen["b"]
        assert chosen["c"] == 0


def test_ports_lie_beside_each_other():
    assert list(all_networks.default_ports(9000).values()) == [9000 + n for n in range(len(registry.installed_slugs()))]


def test_validators_are_named_by_network_module_and_function():
    first, second = registry.installed_slugs()[:2]
    found = all_networks.load_validators(f"{first}=os.path:join, {second}=os.path:join, {first}=os.path:split")
    assert found == {first: [os.path.join, os.path.split], second: [os.path.join]}
    assert all_networks.load_validators("") == {}
    for wrong in ("os.path:join", f"{first}=os.path", "=os.path:join"):
        with pytest.raises(ValueError, match="network=module:function"):
            all_networks.load_validators(wrong)
    with pytest.raises(registry.UnknownNetwork):
        all_networks.load_validators("nowhere=os.path:join")


def refuse_all(method, path, query, headers, body):
    return [f"{method} {path} is wrong"]


async def test_what_a_validator_tells_outlives_the_sandbox(tmp_path):
    slug, stop, seen = registry.installed_slugs()[0], asyncio.Event(), []

    async def ask(running):
        async with aiohttp.ClientSession() as client:
            for agent in ("Kicau/1", "curl/8"):
                async with client.get(running[0].base_url + "/here", headers={"User-Agent": agent}):
                    pass
            async with client.get(running[0].base_url + "/_sandbox/violations") as told:
                seen.append(await told.json())
        stop.set()

    tasks = []
    ready = lambda running: tasks.append(asyncio.create_task(ask(running)))  # noqa: E731
    await all_networks.serve_sandboxes({slug: 0}, tmp_path, ready=ready, stop=stop, held_against={slug: [refuse_all]})
    await tasks[0]
    assert seen == [["GET /here is wrong"]]  # ours, and nobody else's
    again = all_networks.server_class(slug)(folder=tmp_path)
    assert again.violations == seen[0]
    again.store.close()


def test_the_process_tells_what_it_serves_and_stops_when_told(tmp_path):
    ports = [arg for slug in registry.installed_slugs() for arg in ("--port", f"{slug}=0")]
    with subprocess.Popen(
        [sys.executable, "-m", "kicau.sandbox.all_networks", "--folder", tmp_path / "s", *ports],
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        told = json.loads(child.stdout.readline())
        child.send_signal(signal.SIGTERM)
        assert child.wait(10) == 0
    assert len(told["networks"]) == len(registry.installed_slugs())
    assert sorted(p.name for p in (tmp_path / "s").glob("*.sqlite3")) == [
        f"{slug}.sqlite3" for slug in registry.installed_slugs()
    ]


def test_every_server_is_a_sandbox():
    assert all(issubclass(all_networks.server_class(slug), Sandbox) for slug in registry.installed_slugs())


@asynccontextmanager
async def settings_of(slug, folder):
    """GET and POST at one sandbox's settings: (status, answer)."""
    async with running(folder) as sandboxes, aiohttp.ClientSession() as client:
        sandbox = next(s for s in sandboxes if s.slug == slug)

        async def ask(body=None):
            method = "GET" if body is None else "POST"
            async with client.request(method, sandbox.base_url + "/_sandbox/settings", json=body) as answer:
                return answer.status, await answer.json()

        yield sandbox, ask


@pytest.mark.parametrize("slug", registry.installed_slugs())
async def test_each_setting_that_a_readme_names_is_settable_while_it_runs(slug, tmp_path):
    async with settings_of(slug, tmp_path) as (_, ask):
        _, before = await ask()
        readme = files(registry.network_package(slug)).joinpath("README.md").read_text("utf-8")
        named = re.findall(r"`([^`]+)`", re.search(r"Settings at `/_sandbox/settings`:(.*?)\n\n", readme, re.DOTALL)[1])
        assert {"latency", "clock_offset", *named} == set(before), "README.md and `settings` name the same"
        assert await ask(before) == (200, before), "what is shown is what is taken"
        for name, value in before.items():
            wanted = _another(value)
            _, after = await ask({name: wanted})
            assert after == {**before, name: wanted}, name
            assert (await ask({name: {"no": object.__name__} if not isinstance(value, dict) else 7}))[0] == 400
            await ask({name: value})


def _another(value):
    match value:
        case bool():
            return not value
        case int() | float():
            return value + 1
        case None:
            return 5
        case dict():
            return {name: number + 1 for name, number in value.items()} or {"new": {}}
        case [int(), *_]:
            return [one + 1 for one in value]
        case list():
            return sorted([*value, "zz"]) if value else ["zz"]
    return "2020-02-29" if re.fullmatch(r"\d{4}-\d\d-\d\d", value) else f"{value}-x"


async def test_an_unknown_setting_is_refused_with_the_list_of_known_ones(tmp_path):
    async with settings_of(registry.installed_slugs()[0], tmp_path) as (sandbox, ask):
        status, told = await ask({"latency": 1.5, "latencey": 2})
        assert status == 400
        assert "latencey" in told["error"]
        assert all(name in told["error"] for name in sandbox.settings)
        assert sandbox.latency == 0.0, "all of them or none"
        for wrong in ([], 5, "latency", {"latency": "much"}, {"latency": True}, {"latency": None}):
            assert (await ask(wrong))[0] == 400


async def test_a_setting_changes_what_the_sandbox_does(tmp_path):
    async with settings_of(registry.installed_slugs()[0], tmp_path) as (sandbox, ask):
        await ask({"clock_offset": 86400})
        assert (sandbox.now() - clock.now()).total_seconds() > 86000


ODD_BODIES = (
    (b"", "application/json"),
    (b"[]", "application/json"),
    (b"null", "application/json"),
    (b'{"text": {"x": [null]}, "status": 5, "media": [1], "poll": 7, "record": [], "writes": 5}', "application/json"),
    (b"\xff\xfe", "application/json"),
    (b"a=%ff&fields=%7B&limit=x&batch=%5B1%5D&poll%5Boptions%5D=x", "application/x-www-form-urlencoded"),
    (b"--b\r\n", "multipart/form-data; boundary=b"),
    (b"x", "multipart/form-data"),
)


@pytest.mark.parametrize("slug", registry.installed_slugs())
async def test_no_request_is_a_fault_of_the_sandbox(slug, tmp_path):
    """Whatever a client sends to any of its addresses, signed in or not."""
    from kicau.connector.contract import open_test_session, sign_in_at_sandbox

    connector, app = registry.get_connector(slug), all_networks.server_class(slug)().application()
    async with running(tmp_path) as sandboxes, aiohttp.ClientSession() as client:
        sandbox = next(s for s in sandboxes if s.slug == slug)
        token = (await sign_in_at_sandbox(connector, open_test_session(connector, sandbox, client), {}))[
            0
        ].credentials.access_token
        routes = {(route.method, _address(route.resource.canonical)) for route in app.router.routes() if route.resource}
        for method, address in sorted(routes):
            for body, kind in ODD_BODIES if method in ("POST", "PUT", "*") else ((b"", "text/plain"),):
                for headers in ({}, {"Authorization": f"Bearer {token}"}):
                    verb = "POST" if method == "*" else method
                    sent = {"Content-Type": kind, "LinkedIn-Version": "202609", "X-Restli-Protocol-Version": "2.0.0"}
                    async with client.request(
                        verb, sandbox.base_url + address, data=body, headers=sent | headers, allow_redirects=False
                    ) as answer:
                        assert answer.status < 500, (verb, address, body, kind, await answer.text())


def _address(canonical):
    """A route's address with something in place of each of its names."""
    named = {"version": "v26.0", "tail": "/me", "nsid": "com.atproto.repo.createRecord"}
    return re.sub(r"\{(\w+)\}", lambda found: named.get(found[1], "1"), canonical)


@pytest.mark.parametrize(
    "order", [{"effect": "explode"}, {"effect": "drop", "path": "("}, {"effect": "drop", "colour": "red"}, {}, [], None]
)
async def test_a_fault_that_cannot_be_is_refused_when_it_is_ordered(order, tmp_path):
    async with running(tmp_path) as sandboxes, aiohttp.ClientSession() as client:
        sandbox = sandboxes[0]
        async with client.post(sandbox.base_url + "/_sandbox/faults", json=order) as answer:
            assert answer.status == 400
            assert (await answer.json())["error"]
        assert sandbox.faults == []
        async with client.get(sandbox.base_url + "/") as answer:
            assert answer.status == 200
