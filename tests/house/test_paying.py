"""Every call to a network's API goes through a purse: there is one door, and nobody opens it without saying how it pays."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.house.sources import calls, tree

ROOT = Path(__file__).resolve().parents[2]
CODE = [p for p in (ROOT / "kicau").rglob("*.py") if not {"tests", "migrations"} & set(p.relative_to(ROOT).parts)]
#: What stands for a network (a sandbox), and what lends a session to tests: they are never on our side of the door.
OTHERS = [p for p in CODE if any(part.startswith("sandbox") for part in p.relative_to(ROOT).with_suffix("").parts)]
OTHERS += (ROOT / "kicau/connector/contract").glob("*.py")
OURS = [p for p in CODE if p not in OTHERS]
NETWORKS = [p for p in OURS if "networks" in p.relative_to(ROOT).parts]

#: Where a session (ChannelSession) or a sign-in (AppSession) is made, and what pays for its calls there.
DOORS = {
    "kicau/channels/metered_session.py": "call_budgets.call_payer",
    "kicau/channels/actions.py": "call_budgets.call_payer",  # connecting
    "kicau/channels/app_keys.py": "call_budgets.call_payer",  # testing an app's keys
    "kicau/publishing/scheduling/actions.py": "call_budgets.call_payer",  # deleting
    "kicau/publishing/content/mentions.py": "call_budgets.call_payer",  # looking somebody up
    "kicau/publishing/delivery/delivery_worker.py": "self._pay",  # a delivery's steps: set aside when they are claimed
    "kicau/sync/poller.py": "pay",  # standing reading, and asking networks to tell: set aside by shares
}
#: Who speaks to the outside otherwise, and to whom: no network's API.
ELSEWHERE = {
    "kicau/archive/declaration_scanner.py": "websites whose statements on use are read",
    "kicau/dataset_audit/matching/shards.py": "files of data sets that are searched",
    "kicau/channels/local_sandboxes.py": "sandboxes on this machine",
    "kicau/channels/channel_session.py": "makes the connection pool that the door uses",
    "kicau/cli/server/apps.py": "a sandbox's own address",
    "kicau/cli/server/doctor_deep.py": "networks' servers, for the Date that any answer has: no resource, no permission, nothing billed",
    "kicau/cli/server/doctor.py": "our own public address",
    "kicau/cli/server/up.py": "our own web server",
    "kicau/connector/transport/expect_continue.py": "for the door: what must not be sent twice",
    "kicau/connector/transport/ssrf.py": "makes guarded pools",
    "kicau/connector/transport/http.py": "the door itself",
    "kicau/demo/setup.py": "sandboxes' consent pages, as a person's browser does",
    "kicau/demo/environment.py": "sandboxes and our own web server",
    "kicau/evidence/anchors.py": "outsiders that stamp the log",
    "kicau/media/actions.py": "a picture's address that somebody gave",
    "kicau/media/link_previews.py": "pages that a post links to",
    "kicau/notifications/trouble_watch.py": "the operator's own webhook",
    "kicau/workspaces/oidc.py": "the operator's own sign-in",
    "kicau/workspaces/webhooks.py": "customers' webhooks",
}
OUTSIDE = {
    "ClientSession",
    "urlopen",
    "guarded_session",
    "new_client",
    "create_connection",
    "HTTPConnection",
    "HTTPSConnection",
}
PASSED_ON = {"new_client"}  # a pool that is only handed to a ChannelSession or an AppSession is no way out by itself


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_every_session_is_made_where_something_pays_for_its_calls():
    found: dict[str, list[ast.Call]] = {}
    for path in OURS:
        for called, node in calls(path):
            if called.rsplit(".", 1)[-1] in ("ChannelSession", "AppSession"):
                found.setdefault(name(path), []).append(node)
    assert set(found) == set(DOORS), "whoever uses a channel asks kicau/channels/metered_session.py for it"
    for path, made in found.items():
        for node in made:
            assert len(node.args) >= 3, f"{path}:{node.lineno} does not say how its calls are paid"
            assert _pays(ROOT / path, node.args[2], DOORS[path]), (
                f"{path}:{node.lineno} pays otherwise than {DOORS[path]}"
            )


def _pays(path: Path, given: ast.expr, by: str) -> bool:
    """The argument is `by`, bound to its work or held in a variable, and that takes out of a purse."""
    if by == "call_budgets.call_payer":
        told = ast.unparse(given)
        return by in told or any(
            by in ast.unparse(n.value)
            for n in ast.walk(tree(path))
            if isinstance(n, ast.Assign) and ast.unparse(n.targets[0]) == told
        )
    if by not in ast.unparse(given):
        return False
    defined = [
        n for n in ast.walk(tree(path)) if isinstance(n, ast.AsyncFunctionDef) and n.name == by.rsplit(".", 1)[-1]
    ]
    return bool(defined) and all("purse.take(" in ast.unparse(n) for n in defined)


def test_nothing_else_makes_the_door():
    found = {name(p) for p in OURS for called, _ in calls(p) if called.rsplit(".", 1)[-1] == "HttpClient"}
    assert found == {"kicau/channels/channel_session.py"}


def test_who_speaks_to_the_outside_otherwise_is_known_and_speaks_to_no_network():
    found = {name(p) for p in OURS for called, _ in calls(p) if called.rsplit(".", 1)[-1] in OUTSIDE - PASSED_ON}
    found |= {name(p) for p in OURS if p not in NETWORKS for called, _ in calls(p) if _requests(called)}
    assert found == set(ELSEWHERE), (
        "a call to a network's API goes through kicau/channels/metered_session.py; else say here to whom it goes"
    )


def _requests(called: str) -> bool:
    """`client.get(`, `session.post(` and their like; a visitor's session (`request.session`) is another thing."""
    if called.startswith("request.session."):
        return False
    owner, _, what = called.rpartition(".")
    return owner.rsplit(".", 1)[-1] in ("client", "session") and what in (
        "request",
        "get",
        "post",
        "put",
        "delete",
        "head",
        "patch",
    )


@pytest.mark.parametrize("path", NETWORKS, ids=name)
def test_a_connector_has_no_way_out_but_the_door(path):
    bad = [
        called
        for called, _ in calls(path)
        if called.rsplit(".", 1)[-1] in OUTSIDE or _requests(called) or ".client." in called
    ]
    assert not bad, f"{name(path)} calls {bad}: a connector sends by `session.http.call`, which is paid for"


def test_the_rules_above_can_fail(tmp_path):
    bad = tmp_path / "bad.py"
    bad.write_text(
        "async def pay(used):\n    pass\nlive = ChannelSession(channel, client, pay)\nasync def go():\n    await client.get('https://x')\n"
    )
    given = next(node for called, node in calls(bad) if called == "ChannelSession").args[2]
    assert not _pays(bad, given, "pay")
    assert not _pays(bad, given, "call_budgets.call_payer")
    assert [called for called, _ in calls(bad) if _requests(called)] == ["client.get"]
