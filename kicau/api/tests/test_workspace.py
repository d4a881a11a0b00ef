"""Members, tokens, webhooks, the audit trail, the library, channels and networks over HTTP."""

from __future__ import annotations

import hashlib
import hmac
import json
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest
from django.core import mail
from django.core.files.uploadedfile import SimpleUploadedFile

from kicau.api import media
from kicau.api.tests.conftest import MARK, Caller, caller_for, png
from kicau.api.tests.test_authentication import problem
from kicau.connector import registry
from kicau.connector.transport import ssrf
from kicau.events.catalogue import EVENT_GROUPS, PUBLIC_EVENTS
from kicau.workspaces.actions import add_person
from kicau.workspaces.models import Membership, Webhook
from kicau.workspaces.tests.test_invitations import secret_in

# Me, workspace, members, tokens, audit


def test_me(api, actor):
    me = api.get("/me").json()
    assert (me["person"]["name"], me["email"], me["role"], me["workspace"]["name"]) == (
        "Sari Wulandari",
        "sari@kopisenja.example",
        "owner",
        "Kopi Senja",
    )
    assert set(me["scopes"]) == {"read", "write", "publish", "channels", "members", "settings", "tokens"}
    assert [w["name"] for w in me["workspaces"]] == ["Kopi Senja"]


def test_the_workspace_is_changed_field_by_field(api):
    changed = api.patch("/workspace", {"name": "Kopi Pagi", "ai_use": {"search": "allow"}}).json()
    assert (changed["name"], changed["timezone"], changed["ai_use"]) == (
        "Kopi Pagi",
        "Asia/Jakarta",
        {"search": "allow"},
    )
    assert problem(api.patch("/workspace", {"timezone": "Asia/Bandung"}), 422)["errors"][0]["field"] == "timezone"
    assert problem(api.patch("/workspace", {"ai_use": {"sell": "allow"}}), 422)["errors"][0]["field"] == "ai_use.sell"
    assert api.get("/workspace").json() == changed


def test_members_come_by_invitation_change_and_go(api, member):
    person = member("editor").person
    assert api.post("/members", {"email": "EDITOR@kopisenja.example", "role": "admin"}).json()["role"] == "admin"
    assert api.patch(f"/members/{person.id}", {"role": "viewer"}).json()["role"] == "viewer"
    assert [m["name"] for m in api.get("/members").json()["items"]] == ["Sari Wulandari", "Editor"]
    assert api.delete(f"/members/{person.id}").status_code == 204
    problem(api.delete(f"/members/{person.id}"), 404)


def test_adding_by_address_adds_nobody_unasked_and_does_not_say_who_is_known(api, db):
    add_person("budi@kopisenja.example", "Budi", "hujan-di-bandung-41")
    add_person("ani@kopisenja.example", "Ani", "hujan-di-bandung-41", proved=True)
    answers = [
        api.post("/members", {"email": f"{who}@kopisenja.example", "role": "editor"})
        for who in ("budi", "ani", "noone")
    ]
    assert [a.status_code for a in answers] == [202, 202, 202]
    different = ("id", "email", "link", "created_at", "expires_at")
    assert len({json.dumps({k: v for k, v in a.json().items() if k not in different}) for a in answers}) == 1
    assert [m["name"] for m in api.get("/members").json()["items"]] == ["Sari Wulandari"]


def test_a_mailed_invitation_is_in_no_answer(api, settings):
    settings.KICAU_SENDS_MAIL = True
    asked = {"email": "ani@kopisenja.example", "role": "editor"}
    for path in ("/members", "/invitations"):
        made = api.post(path, asked)
        assert (made.json()["mailed"], made.json()["link"]) == (True, None)
        assert secret_in(mail.outbox[-1].body) not in made.content.decode()
    shown = api.post("/invitations", asked | {"show_link": True}).json()
    assert (shown["mailed"], "/accept-invitation/" in shown["link"], len(mail.outbox)) == (False, True, 2)


def test_one_owner_stays(api, actor):
    problem(api.patch(f"/members/{actor.person.id}", {"role": "admin"}), 409)
    problem(api.delete(f"/members/{actor.person.id}"), 409)


def test_an_admin_makes_no_owner(member):
    admin = caller_for(member("admin"))
    owner = Membership.objects.get(role="owner").person_id
    problem(admin.patch(f"/members/{owner}", {"role": "viewer"}), 403)
    problem(admin.delete(f"/members/{owner}"), 403)


def test_a_token_is_made_used_and_revoked(api):
    made = api.post("/tokens", {"name": "night import", "scopes": ["read", "write"], "days": 30}).json()
    fresh = Caller(made["secret"])
    assert set(fresh.get("/me").json()["scopes"]) == {"read", "write"}
    listed = next(t for t in api.get("/tokens").json()["items"] if t["id"] == made["id"])
    assert "secret" not in listed
    assert made["secret"].startswith(listed["prefix"])
    assert api.delete(f"/tokens/{made['id']}").status_code == 204
    problem(fresh.get("/me"), 401)


def test_a_token_makes_none_that_is_stronger(actor):
    weak = caller_for(actor, "read", "tokens")
    assert "write" in problem(weak.post("/tokens", {"name": "x", "scopes": ["read", "write"]}), 403)["detail"]


def test_an_editor_sees_their_own_tokens_only(api, member):
    editor = caller_for(member("editor"))
    assert len(editor.get("/tokens").json()["items"]) == 1
    assert len(api.get("/tokens").json()["items"]) == 2


def test_the_audit_trail_tells_who_did_what(api, member):
    api.patch("/workspace", {"name": "Kopi Malam"})
    entry = api.get("/activity?limit=1").json()["items"][0]
    assert (entry["act"], entry["actor"], entry["via"], entry["detail"]) == (
        "workspace.changed",
        "Sari Wulandari",
        "api",
        {"name": "Kopi Malam"},
    )
    problem(caller_for(member("editor")).get("/activity"), 403)


# Webhooks


@pytest.fixture
def listener(monkeypatch):
    """A real HTTP server on loopback, which the operator allows to be told."""
    got: list[tuple[dict[str, str], bytes]] = []

    class Listener(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append((dict(self.headers), self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Listener)
    Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    address = f"127.0.0.1:{server.server_port}"
    monkeypatch.setattr(ssrf, "ALLOWED_HOSTS", {address})
    yield f"http://{address}/kicau", got
    server.shutdown()
    server.server_close()


def test_a_test_event_arrives_signed(api, listener):
    url, got = listener
    made = api.post("/webhooks", {"url": url, "events": ["*"]}).json()
    told = api.post(f"/webhooks/{made['id']}/test").json()
    assert (told["last_status"], told["last_error"], told["failures"]) == (204, "", 0)
    headers, body = got[0]
    stamp, mac = (part.split("=", 1)[1] for part in headers["Kicau-Signature"].split(","))
    assert hmac.new(made["secret"].encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest() == mac
    assert json.loads(body)["event"] == headers["Kicau-Event"] == "ping"


def test_a_webhook_inside_our_own_network_is_not_told(api, world):
    told = api.post(f"/webhooks/{world.ids['webhook_id']}/test").json()
    assert (told["last_status"], told["failures"]) == (0, 1)
    assert "could not be reached" in told["last_error"]


def test_webhooks_come_and_go(api):
    made = api.post("/webhooks", {"url": "https://hooks.example/k", "events": ["delivery.published"]})
    assert made.status_code == 201
    path = f"/webhooks/{made.json()['id']}"
    assert "secret" not in api.get(path).json()
    problem(api.post("/webhooks", {"url": "ftp://hooks.example", "events": ["*"]}), 422)
    problem(api.post("/webhooks", {"url": "https://hooks.example", "events": ["post.liked"]}), 422)
    assert api.delete(path).status_code == 204
    assert not Webhook.objects.exists()


def test_the_description_names_every_event(api):
    described = api.get("/openapi.json").json()
    assert set(described["webhooks"]) == set(PUBLIC_EVENTS)
    wanted = described["components"]["schemas"]["WebhookCreate"]["properties"]["events"]["items"]
    assert wanted["enum"] == [*PUBLIC_EVENTS, *EVENT_GROUPS, "*"]


# Media


def test_a_file_goes_in_and_comes_out(api):
    made = api.upload("/media", file=SimpleUploadedFile("kopi.png", png()), alt="Cangkir", tags=["menu", "kopi"])
    assert made.status_code == 201, made.content
    medium = made.json()
    assert (medium["kind"], medium["mime"], medium["width"], medium["alt"], medium["tags"]) == (
        "image",
        "image/png",
        640,
        "Cangkir",
        ["menu", "kopi"],
    )
    answer = api.get(f"/media/{medium['id']}/file")
    assert b"".join(answer.streaming_content) == png()
    assert (answer["Content-Type"], answer["Content-Disposition"]) == ("image/png", 'attachment; filename="kopi.png"')
    assert api.upload("/media", file=SimpleUploadedFile("other.png", png())).json()["id"] == medium["id"]
    changed = api.patch(f"/media/{medium['id']}", {"alt": "Cangkir kopi", "title": "Menu"}).json()
    assert (changed["alt"], changed["title"], changed["tags"]) == ("Cangkir kopi", "Menu", ["menu", "kopi"])
    assert [len(api.get(f"/media?{q}").json()["items"]) for q in ("tag=menu", "tag=x", "kind=image", "kind=video")] == [
        1,
        0,
        1,
        0,
    ]


async def test_a_large_file_is_never_in_memory_whole(tmp_path):
    path = tmp_path / "video.mp4"
    path.write_bytes(b"0123456789" * 100_000)
    chunks = [chunk async for chunk in media.file_chunks(path)]
    assert b"".join(chunks) == path.read_bytes()
    assert max(map(len, chunks)) == media.CHUNK_BYTES


def test_files_that_are_no_media(api):
    error = problem(api.upload("/media", file=SimpleUploadedFile("kopi.png", b"not a picture at all")), 422)["errors"][
        0
    ]
    assert (error["field"], "kopi.png" in error["message"]) == ("file", True)
    assert problem(api.upload("/media", alt="nothing"), 422)["errors"][0]["field"] == "file"
    assert (
        problem(api.upload("/media", file=SimpleUploadedFile("a.png", png()), colour="red"), 422)["errors"][0]["field"]
        == "colour"
    )


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/a.png",
        "http://[::1]/a.png",
        "http://169.254.169.254/latest",
        "http://localhost:5432",
        "file:///etc/passwd",
        "https://",
        "http://a..b/",
    ],
)
def test_nothing_is_fetched_from_inside(api, url):
    assert problem(api.post("/media/fetch", {"url": url}), 422)["errors"][0]["field"] == "url"


def test_a_picture_is_fetched_from_an_address(api, monkeypatch):
    class Server(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(png("#00aa00"))

        def log_message(self, *_: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Server) as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        address = f"127.0.0.1:{server.server_port}"
        monkeypatch.setattr(ssrf, "ALLOWED_HOSTS", {address})
        medium = api.post("/media/fetch", {"url": f"http://{address}/menu.png", "alt": "Menu"}).json()
        server.shutdown()
    assert (medium["name"], medium["alt"], medium["origin"], medium["origin_detail"]) == (
        "menu.png",
        "Menu",
        "fetched",
        f"http://{address}/menu.png",
    )


# Channels and networks


def test_channels_and_their_pause(api, world):
    listed = {c["key"]: c["state"] for c in api.get("/channels").json()["items"]}
    assert listed == {"facebook-kopisenja": "active", "lama": "offboarded", "linkedin-kopisenja": "active"}
    whole = api.get("/channels/facebook-kopisenja").json()
    assert whole["id"] == world.ids["channel"]
    assert whole["capabilities"]["media"]["image"]["mimes"]
    assert all(f["source"] and f["checked"] for f in whole["capabilities"]["facts"].values())
    assert MARK not in json.dumps(whole).replace(f"Kopi Senja {MARK}", "")  # no credential, no account id
    assert api.post("/channels/facebook-kopisenja/pause").json()["paused"]
    assert not api.post("/channels/facebook-kopisenja/resume").json()["paused"]
    gone = api.post("/channels/facebook-kopisenja/disconnect").json()
    assert (gone["state"], "Sari Wulandari" in gone["reason"]) == ("removed", True)
    plan = {"channels": ["facebook-kopisenja"], "at": "now"}
    assert (
        problem(api.post("/posts", {"parts": [{"text": "x"}], "schedule": plan}), 422)["errors"][0]["code"]
        == "channel-closed"
    )


def test_slots_come_back_as_they_were_set(api, world):
    slots = {"timezone": "Asia/Makassar", "slots": [{"weekday": 0, "time": "09:00"}, {"weekday": 6, "time": "21:30"}]}
    assert api.put("/channels/facebook-kopisenja/slots", slots).json() == slots
    assert api.get("/channels/facebook-kopisenja/slots").json() == slots
    problem(api.put("/channels/facebook-kopisenja/slots", slots | {"timezone": "Asia/Nowhere"}), 422)
    problem(
        api.put("/channels/facebook-kopisenja/slots", {"timezone": "UTC", "slots": [{"weekday": 7, "time": "25:00"}]}),
        422,
    )
    assert problem(api.get("/channels/linkedin-kopisenja/next-slot"), 422)["errors"][0]["field"] == "at"


def test_connecting_begins_at_the_network(api, world):
    begun = api.post("/channels/sign-ins", {"network": "facebook"})
    assert begun.status_code == 201, begun.content
    assert begun.json()["url"].startswith("https://www.facebook.com/")
    assert begun.json()["state"] in begun.json()["url"]
    assert problem(api.post("/channels/sign-ins", {"network": "myspace"}), 422)["errors"][0]["field"] == "network"
    assert (
        "the keys of an app on Instagram are missing"
        in problem(api.post("/channels/sign-ins", {"network": "instagram"}), 409)["detail"]
    )


def test_identities_are_shown_without_their_credentials(api, world):
    path = f"/channels/sign-ins/{world.ids['state']}"
    shown = api.post(f"{path}/callback", {"returned": {"code": "x"}}).json()
    assert shown["accounts"] == [{"id": f"{MARK}-page", "handle": "senja", "name": MARK, "kind": "page", "url": ""}]
    assert "Select at least one" in problem(api.post(f"{path}/choose", {"accounts": ["other"]}), 422)["detail"]
    made = api.post(f"{path}/choose", {"accounts": [f"{MARK}-page"], "keys": {f"{MARK}-page": "halaman"}})
    assert [c["key"] for c in made.json()["items"]] == ["halaman"]
    problem(api.post(f"{path}/choose", {}), 409)


def test_a_sign_in_is_for_who_began_it(world, member):
    admin = caller_for(member("admin"))
    problem(admin.post(f"/channels/sign-ins/{world.ids['state']}/choose", {}), 409)


def test_networks_their_limits_and_prices(api, world):
    listed = {n["slug"]: n for n in api.get("/networks").json()["items"]}
    assert set(listed) == set(registry.installed_slugs())
    assert listed["linkedin"]["needs_confirmation"]
    assert (listed["facebook"]["ready"], listed["instagram"]["ready"]) == (True, False)
    whole = api.get("/networks/x").json()
    assert whole["capabilities"]["max_length"] == registry.get_connector("x").baseline.max_length
    assert whole["prices"][-1]["prices"] == dict(registry.get_connector("x").price_lists[-1].prices)
    problem(api.get("/networks/myspace"), 404)


def test_a_network_is_asked_without_sending(api, world):
    said = api.post(
        "/check", {"network": "x", "parts": [{"text": "Halo @sari https://example.com #kopi 👨‍👩‍👧‍👦"}]}
    ).json()
    part = said["parts"][0]
    assert {s["kind"] for s in part["spans"]} == {"link", "mention", "tag"}
    assert (part["length"], part["limit"]) == (len("Halo @sari ") + 23 + len(" #kopi ") + 2, 280)
    assert said["charges"][0]["micro"] > 0
    answer = {
        "network": "mastodon",
        "parts": [{"text": "Setuju"}],
        "options": {"reply_to": "110", "visibility": "unlisted"},
    }
    told = api.post("/check", answer).json()
    assert (told["problems"], told["reply_to"], told["options"]["visibility"]) == ([], "110", "unlisted")
    assert "reply_to" in [o["name"] for o in api.get("/networks/mastodon").json()["capabilities"]["options"]]
    five = {"channel": "facebook-kopisenja", "parts": [{"media": [{"medium": world.ids["medium_id"]}]}]}
    assert api.post("/check", five).json()["problems"] == []
    problem(api.post("/check", {"network": "x", "channel": "facebook-kopisenja", "parts": [{"text": "x"}]}), 422)
    problem(api.post("/check", {"network": "myspace", "parts": [{"text": "x"}]}), 422)
