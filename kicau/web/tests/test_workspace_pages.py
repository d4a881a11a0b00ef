"""Channels, library, team, settings and activity: what is changed there is changed, and refusals are told."""

from __future__ import annotations

import json
import re
from html import unescape
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import AsyncRequestFactory
from django.urls import reverse

import kicau
from kicau.channels import actions
from kicau.channels.models import NetworkApp, PendingSignIn
from kicau.connector import registry
from kicau.connector.protocol import ClientMetadataRole
from kicau.media import library
from kicau.media.actions import add_medium
from kicau.web.core import files
from kicau.workspaces.actions import create_workspace
from kicau.workspaces.api_tokens import actor_by_token


def test_pausing_resuming_and_disconnecting_a_channel(page, channels):
    channel = channels["x"]
    for verb, shown in [
        ("pause", "The channel is paused. Posts in its queue wait until you resume the channel."),
        ("resume", "The channel is active again. Kicau now publishes the posts in the"),
        ("disconnect", "The channel was disconnected."),
    ]:
        assert shown in page.post(reverse("channel-action", args=[channel.key, verb]), follow=True).content.decode()
    channel.refresh_from_db()
    assert channel.state == "removed"


def test_slots_are_times_as_people_write_them(page, channels):
    address = reverse("channel-action", args=["x-kopisenja", "slots"])
    page.post(address, {"day-0": "9:00, 17.30", "day-6": "", "timezone": "Asia/Jakarta"})
    assert [(s.weekday, str(s.time)) for s in channels["x"].slots.all()] == [(0, "09:00:00"), (0, "17:30:00")]
    assert (
        "is not a valid posting time. Separate posting times"
        in page.post(address, {"day-1": "noonish", "timezone": "Asia/Jakarta"}, follow=True).content.decode()
    )
    assert channels["x"].slots.count() == 2


def test_connecting_leads_out_by_a_page_of_ours_and_not_by_a_redirect(page, channels):
    answer = page.post(reverse("channels-connect", args=["x"]))
    assert answer.status_code == 200
    assert 'http-equiv="refresh"' in answer.content.decode()
    assert PendingSignIn.objects.count() == 1


def test_a_network_without_keys_says_what_the_operator_does(page, workspace):
    answer = page.post(reverse("channels-connect", args=["x"]))
    assert answer.status_code == 422
    assert "the keys of an app on X are missing" in answer.content.decode()


def test_missing_keys_are_said_before_anything_is_typed(page, workspace):
    answer = page.get(reverse("channels-connect", args=["x"]))
    html = answer.content.decode()
    assert answer.status_code == 422
    assert "the keys of an app on X are missing" in html
    assert 'type="password"' not in html
    assert "Go to X" not in html


def test_a_network_that_needs_no_keys_is_connected_on_a_fresh_instance(page, workspace):
    for slug, connector in registry.installed_connectors().items():
        if not connector.auth.needs_keys:
            answer = page.get(reverse("channels-connect", args=[slug]))
            assert answer.status_code == 200
            assert "<form" in answer.content.decode()
    assert not NetworkApp.objects.exists(), "looking makes nothing"


def test_the_description_of_an_app_that_nobody_registered_is_open_to_its_network(client, page, workspace, settings):
    settings.KICAU_PUBLIC_URL = "https://kicau.kopisenja.example"
    addresses = {slug: reverse("client", args=[slug]) for slug in [*registry.installed_slugs(), "nobody"]}
    assert {client.get(address).status_code for address in addresses.values()} == {404}
    described = [
        slug for slug, one in registry.installed_connectors().items() if isinstance(one.auth, ClientMetadataRole)
    ]
    for slug in described:
        app = actions.app_for(slug)
        answer = client.get(addresses[slug])
        document = answer.json()
        assert document["client_id"] == f"https://kicau.kopisenja.example{addresses[slug]}"
        assert document["redirect_uris"] == ["https://kicau.kopisenja.example/channels/callback"]
        assert json.loads(app.client_secret)["d"] not in answer.content.decode()
        settings.KICAU_PUBLIC_URL = "http://127.0.0.1:8000"
        assert client.get(addresses[slug]).status_code == 404
    assert described


def _fields(html: str) -> dict[str, str]:
    """Each question of a form, by the name under which it is sent."""
    labels = re.findall(r'<label class="field">.*?</label>', html, re.DOTALL)
    return {named[1]: label for label in labels if (named := re.search(r'name="([^"]+)"', label))}


WRONG_ANSWERS = [
    (
        {"login": "app-password", "handle": "sari_kopi", "password": "abcd-efgh"},
        "handle",
        "has no account named sari_kopi.bsky.social",
        "tidak punya akun bernama sari_kopi.bsky.social",
    ),
    (
        {"login": "app-password", "handle": "", "password": "abcd-efgh"},
        "handle",
        "with an app password, also enter the account's handle.",
        "dengan kata sandi aplikasi, isikan juga nama akunnya. Misalnya:",
    ),
    (
        {"login": "app-password", "handle": "sari.example", "password": ""},
        "password",
        "You chose to sign in with an app password.",
        "Anda memilih masuk dengan kata sandi aplikasi. Buat kata",
    ),
    (
        {"login": "oauth", "handle": "sari.example", "server": "http://127.0.0.1:9"},
        "server",
        "is not the address of a public Bluesky server",
        "bukan alamat server Bluesky yang terbuka untuk umum",
    ),
]


@pytest.mark.parametrize("language", ["en", "id"])
@pytest.mark.parametrize(("answers", "field", "english", "indonesian"), WRONG_ANSWERS)
def test_a_wrong_answer_is_told_beside_its_question_and_the_others_are_kept(
    page, owner, channels, answers, field, english, indonesian, language
):
    owner.language = language
    owner.save()
    answer = page.post(reverse("channels-connect", args=["bluesky"]), answers)
    html = unescape(answer.content.decode())
    fields = _fields(html)
    assert answer.status_code == 422
    assert list(fields) == ["login", "handle", "password", "server"]
    assert [name for name in fields if 'class="wrong"' in fields[name]] == [field]
    assert (english if language == "en" else indonesian) in fields[field]
    assert 'aria-invalid="true"' in fields[field]
    assert not re.search(r'role="alert"(?! hidden)', html)  # what tells that Kicau is away is always there, hidden
    assert f'value="{answers["login"]}" selected' in fields["login"]
    for name in ("handle", "server"):
        assert f'value="{answers.get(name, "")}"' in fields[name]
    assert 'value=""' in fields["password"]
    assert "abcd-efgh" not in html


@pytest.mark.parametrize(
    ("language", "promise"), [("en", "never sees your password"), ("id", "tidak pernah melihat kata sandi")]
)
def test_only_a_network_that_asks_for_no_secret_is_promised_to_see_none(page, owner, channels, language, promise):
    owner.language = language
    owner.save()
    promised = {
        slug: promise in page.get(reverse("channels-connect", args=[slug])).content.decode() for slug in channels
    }
    secret = {slug: any(q.secret for q in registry.get_connector(slug).auth.questions) for slug in channels}
    assert promised == {slug: not asks for slug, asks in secret.items()}
    assert promised["x"]
    assert not promised["bluesky"]


def test_a_callback_that_nobody_waits_for_is_told(page):
    answer = page.get(reverse("channels-callback"), {"state": "made-up", "code": "x"})
    assert answer.status_code == 422
    assert "Your sign-in to the social network has expired or" in answer.content.decode()


def test_a_callback_goes_on_in_the_workspace_in_which_it_was_begun(page, owner, workspace, channels):
    other = create_workspace(owner, "Kabar")
    PendingSignIn.objects.create(state="s1", workspace=other, person=owner, app=channels["x"].app, memory={}, found=[])
    assert page.get(reverse("channels-callback"), {"state": "s1"}).status_code == 200
    assert page.session["workspace"] == str(other.id)


def test_a_sign_in_of_somebody_else_cannot_be_finished(page, member, workspace, channels):
    PendingSignIn.objects.create(
        state="s2", workspace=workspace, person=member("admin").person, app=channels["x"].app, memory={}, found=[]
    )
    assert page.get(reverse("channels-callback"), {"state": "s2"}).status_code == 422


def test_uploading_describing_and_serving_a_file(page, picture):
    data = library.original_path(picture.ref).read_bytes()
    answer = page.post(
        reverse("library-upload"),
        {"file": [SimpleUploadedFile("again.jpg", data), SimpleUploadedFile("no.txt", b"plain")]},
        follow=True,
    )
    assert "1 file was added to the library." in answer.content.decode()
    assert "no.txt" in answer.content.decode()
    page.post(reverse("medium-change", args=[picture.id]), {"alt": "Two cups", "title": "", "tags": "cup, shop"})
    picture.refresh_from_db()
    assert (picture.alt, picture.tags) == ("Two cups", ["cup", "shop"])
    assert b"Two cups" in page.get(reverse("library"), {"words": "two cups"}).content
    assert b"".join(page.get(reverse("medium-original", args=[picture.sha256])).streaming_content) == data
    part = page.get(reverse("medium-original", args=[picture.sha256]), headers={"Range": "bytes=10-19"})
    assert (part.status_code, b"".join(part.streaming_content)) == (206, data[10:20])
    assert part["Content-Range"] == f"bytes 10-19/{len(data)}"
    assert (
        page.get(
            reverse("medium-original", args=[picture.sha256]), headers={"Range": f"bytes={len(data)}-"}
        ).status_code
        == 416
    )
    small = page.get(reverse("medium-thumbnail", args=[picture.sha256]))
    assert small["Content-Type"] == "image/jpeg"
    small.close()


def test_a_document_is_drawn_as_one_where_pictures_stand(page, actor):
    paper = Path(kicau.__file__).parent / "demo" / "media"
    file = next(f for f in sorted(paper.iterdir()) if f.suffix == ".pdf")
    row = add_medium(actor, file, file.name)
    answer = page.get(reverse("medium-thumbnail", args=[row.sha256]))
    assert (answer.status_code, answer["Location"].endswith("paper.svg")) == (302, True)


def test_inviting_joining_changing_and_removing_members(page, guest, workspace):
    asked = {"email": "budi@kopisenja.example", "role": "editor"}
    assert page.post(reverse("team-invite"), {**asked, "email": "budi"}).status_code == 422
    answer = page.post(reverse("team-invite"), asked)
    link = answer.context["made"].link
    assert link in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]
    html = page.get(reverse("team")).content.decode()
    assert "budi@kopisenja.example" in html
    assert link not in html
    way = link[link.index("/accept-invitation/") :]
    assert "Sari Wulandari invites you to join this workspace as Editor." in guest.get(way).content.decode()
    assert guest.post(way, {"name": "Budi", "password": "x"}).status_code == 422
    assert guest.post(way, {"name": "Budi", "password": "hujan-di-bandung-41"})["Location"] == "/"
    assert guest.get("/").status_code == 200
    assert guest.get(way).status_code == 410
    budi = workspace.memberships.get(person__name="Budi")
    assert budi.role == "editor"
    page.post(reverse("team-change", args=[budi.person_id]), {"role": "viewer"})
    budi.refresh_from_db()
    assert budi.role == "viewer"
    page.post(reverse("team-change", args=[budi.person_id]), {"role": "remove"})
    assert not workspace.memberships.filter(person__name="Budi").exists()
    again = page.post(reverse("team-invite"), asked).context["made"].link
    way = again[again.index("/accept-invitation/") :]
    assert "You are not a member of any workspace" in guest.get("/", follow=True).content.decode()
    assert "signed in as budi@kopisenja.example" in guest.get(way).content.decode()
    guest.post(way)
    assert workspace.memberships.get(person__name="Budi").role == "editor"
    page.post(reverse("team-owner", args=[budi.person_id]))
    assert workspace.memberships.get(person__name="Budi").role == "owner"


def test_the_last_owner_stays(page, owner, workspace):
    answer = page.post(reverse("team-change", args=[owner.id]), {"role": "viewer"}, follow=True)
    assert "A workspace needs at least one owner. Make another" in answer.content.decode()


def test_who_may_not_invite_makes_no_invitation(guest, member, workspace):
    guest.force_login(member("editor").person)
    assert guest.post(reverse("team-invite"), {"email": "eve@example.org", "role": "viewer"}).status_code == 422
    assert not workspace.invitations.exists()


def test_a_token_is_shown_once_works_and_can_be_revoked(page, owner):
    answer = page.post(reverse("token-create"), {"name": "ci", "scope": ["read"], "days": "30"})
    secret = answer.context["made"].secret
    assert secret in answer.content.decode()
    assert answer["Cache-Control"] == "no-store"
    assert secret not in page.get(reverse("workspace-settings")).content.decode()
    assert actor_by_token(secret, None).scopes == {"read"}
    page.post(reverse("token-revoke", args=[answer.context["made"].token.id]))
    assert actor_by_token(secret, None) is None


def test_a_webhook_with_a_bad_address_is_refused_beside_its_field(page, workspace):
    assert page.post(reverse("webhook-add"), {"url": "ftp://example.org"}).status_code == 422
    page.post(reverse("webhook-add"), {"url": "https://example.org/hook", "event": ["delivery.published"]})
    hook = workspace.webhooks.get()
    page.post(reverse("webhook-remove", args=[hook.id]))
    assert not workspace.webhooks.exists()


def test_changing_oneself_and_ones_password(page, owner):
    page.post(reverse("personal-settings"), {"name": "Sari W.", "language": "id", "timezone": "Asia/Makassar"})
    owner.refresh_from_db()
    assert (owner.name, owner.language, owner.timezone) == ("Sari W.", "id", "Asia/Makassar")
    change = reverse("password-change")
    assert page.post(change, {"before": "wrong", "password": "kopi-sore-di-braga-7"}).status_code == 422
    assert page.post(change, {"before": "hujan-di-bandung-41", "password": "kopi-sore-di-braga-7"}).status_code == 302
    owner.refresh_from_db()
    assert owner.check_password("kopi-sore-di-braga-7")
    assert page.get("/").status_code == 200


def test_switching_to_a_workspace_of_ones_own_only(page, owner, db):
    from kicau.workspaces.actions import add_person

    mine = create_workspace(owner, "Kabar Pagi")
    theirs = create_workspace(add_person("eve@example.org", "Eve"), "Theirs")
    page.post(reverse("switch-workspace"), {"workspace": str(mine.id)})
    assert page.session["workspace"] == str(mine.id)
    assert page.post(reverse("switch-workspace"), {"workspace": str(theirs.id)}).status_code == 404
    assert page.session["workspace"] == str(mine.id)


def test_activity_tells_who_did_what(page, post):
    post()
    html = page.get(reverse("activity")).content.decode()
    assert "scheduled a post" in html
    assert "Sari Wulandari" in html
    assert "scheduled a post" not in page.get(reverse("activity"), {"act": "channel"}).content.decode()


async def test_an_asynchronous_server_sends_a_file_in_pieces_and_in_part(tmp_path):
    file = tmp_path / "film.mp4"
    file.write_bytes(bytes(range(256)) * 2048)  # two pieces
    answer = files.send_file(AsyncRequestFactory().get("/"), file, "video/mp4", {})
    assert b"".join([piece async for piece in answer.streaming_content]) == file.read_bytes()
    part = files.send_file(AsyncRequestFactory().get("/", headers={"Range": "bytes=-5"}), file, "video/mp4", {})
    assert b"".join([piece async for piece in part.streaming_content]) == bytes([251, 252, 253, 254, 255])
