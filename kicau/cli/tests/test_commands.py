"""Every command on a real database: what it does, how it says no, and with which exit code."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from PIL import Image

from kicau.base import clock
from kicau.base.sentences import Sentence
from kicau.channels.actions import register_app
from kicau.channels.channel_session import to_stored
from kicau.channels.models import Channel, ChannelState, NetworkApp
from kicau.connector.session import Credentials
from kicau.costs.models import Charge
from kicau.publishing.models import Attempt, Delivery, Draft
from kicau.sync.models import Comment
from kicau.sync.models import PostMetrics as RemotePost
from kicau.workspaces.actions import actor_for, add_person, create_workspace, set_member_role
from kicau.workspaces.api_tokens import actor_by_token, create_token
from kicau.workspaces.models import ApiToken, Membership, Person

pytestmark = pytest.mark.usefixtures("actor")
NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)  # 10:00 in Jakarta, the workspace's zone


@pytest.fixture
def ana(channel):
    return channel("ana")


@pytest.fixture
def connected(actor):
    """A function that makes a channel of a network, without asking any server."""

    def make(network, key):
        app = register_app(network, "app", "secret", is_sandbox=True)
        return Channel.objects.create(
            workspace=actor.workspace,
            network=network,
            app=app,
            key=key,
            account_id=key,
            handle=key,
            name=key,
            credentials=to_stored(Credentials(access_token="t")),
        )

    return make


@pytest.fixture
def scheduled(kicau, ana):
    """A post that goes to ana tomorrow."""
    return kicau("post", "Selamat pagi", "--to", "ana", "--at", "tomorrow 09:00", "--json").json["deliveries"][0]


# Posting


def test_a_post_is_scheduled_in_words(kicau, ana):
    with clock.freeze_clock(NOW):
        said = kicau("post", "Selamat pagi", "--to", "ana", "--at", "besok 09:00")
    assert said.code == 0
    assert "2026-11-25 09:00:00 Asia/Jakarta" in said.out
    assert Delivery.objects.get().due_at == datetime(2026, 11, 25, 2, 0, tzinfo=UTC)


def test_json_names_what_was_made(kicau, ana):
    said = kicau(
        "post",
        "Halo",
        "--to",
        "ana",
        "--json",
        "--ref",
        "r1",
        "--campaign",
        "panen",
        "--mark-links",
        "--tag",
        "kopi",
        "--language",
        "id",
    )
    delivery = Delivery.objects.get()
    assert said.json["deliveries"][0]["id"] == str(delivery.id)
    assert delivery.draft.extras["mark_links"]
    assert (delivery.draft.ref, delivery.draft.campaign.name, delivery.draft.tags, delivery.draft.language) == (
        "r1",
        "panen",
        ["kopi"],
        "id",
    )


def test_threads_and_standard_input(kicau, ana):
    said = kicau("post", "-", "--thread", "--part", "tiga", "--to", "ana", "--json", stdin="satu\n---\ndua\n")
    assert said.code == 0
    assert [p["text"] for p in Delivery.objects.get().rendered["parts"]] == ["satu", "dua", "tiga"]


def test_media_with_alt_go_into_the_part_that_is_named(kicau, connected, tmp_path):
    connected("x", "x-kopi")
    Image.new("RGB", (80, 80)).save(tmp_path / "a.png")
    said = kicau(
        "post", "satu", "--part", "dua", "--media", f"2:{tmp_path / 'a.png'}", "--alt", "Hitam", "--to", "x-kopi"
    )
    assert said.code == 0, said.err
    parts = Delivery.objects.get().rendered["parts"]
    assert [[m["media"]["alt"] for m in p.get("media", ())] for p in parts] == [[], ["Hitam"]]


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["a" * 5000, "--to", "ana"], 1, "characters"),
        (["halo", "--to", "nobody"], 3, "There is no channel 'nobody'"),
        (["halo", "--to", "ana", "--at", "yesterday"], 1, "Kicau does not understand the time 'yesterday'"),
        (["halo", "--to", "ana", "--at", "2020-01-01 09:00"], 1, "which is in the past"),
        (
            ["halo", "--to", "ana", "--at", "2027-03-28 01:30", "--zone", "Europe/London"],
            1,
            "does not exist in the time zone Europe/London",
        ),
        (["halo", "--to", "ana", "--at", "tomorrow 09:00", "--zone", "Mars/Olympus"], 1, "no time zone 'Mars/Olympus'"),
        (["halo", "--to", "ana", "--at", "next free slot"], 1, "has no regular posting times"),
        (["halo", "--to", "ana", "--media", "/no/such.jpg"], 1, "/no/such.jpg cannot be read"),
        (["halo", "--to", "ana", "--alt", "x"], 2, "Add one --alt for each --media"),
        (["halo", "--to", "ana", "--poll", "only one"], 2, "Write --poll as"),
        (["--to", "ana"], 2, "Enter a text"),
    ],
)
def test_what_cannot_be_posted_is_told_and_nothing_is_kept(kicau, ana, arguments, code, says):
    said = kicau("post", *arguments)
    assert (said.code, says in said.err) == (code, True), said.err
    assert not Draft.objects.exists()
    assert "Traceback" not in said.err


def test_with_json_a_refusal_is_json_too(kicau, ana):
    said = kicau("post", "a" * 5000, "--to", "ana", "--json")
    assert said.code == 1
    assert said.json["problems"][0]["field"] == "channels.ana.parts.0.text"
    assert said.json["problems"][0]["actual"] == 5000


def test_a_dry_run_shows_everything_and_keeps_nothing(kicau, ana):
    good = kicau("post", "Halo #kopi", "--to", "ana", "--dry-run")
    assert good.code == 0
    assert "Halo #kopi" in good.out
    bad = kicau("post", "a" * 5000, "--to", "ana", "--dry-run", "--json")
    assert bad.code == 1
    assert bad.json[0]["problems"]
    assert not Draft.objects.exists()


def test_what_one_network_has_is_said_by_options_and_a_file(kicau, connected, tmp_path):
    captions = "WEBVTT\n\n00:00.000 --> 00:02.000\nAir dituang"
    file = tmp_path / "air.vtt"
    file.write_text(captions)
    connected("bluesky", "langit"), connected("mastodon", "gajah")
    said = (
        "post",
        "Halo",
        "--option",
        f"bluesky.captions=@{file}",
        "--option",
        "mastodon.warning=@kopisenja",
        "--reply-to",
        "mastodon=110",
    )
    shown = kicau(*said, "--to", "langit,gajah", "--dry-run", "--json").json
    assert shown[0]["options"]["captions"] == captions
    assert (shown[0]["reply_to"], shown[1]["reply_to"]) == ("", "110")
    assert shown[1]["options"]["warning"] == "@kopisenja", "no file is called so: it is what stands there"
    people = kicau(*said, "--to", "gajah", "--dry-run").out
    assert "reply_to: 110" in people
    assert "warning: @kopisenja" in people
    assert "visibility" not in people
    assert kicau(*said).code == 0
    assert Draft.objects.get().extras["options"] == {
        "bluesky.captions": captions,
        "mastodon.warning": "@kopisenja",
        "mastodon.reply_to": "110",
    }
    assert "write NETWORK=POST" in kicau("post", "Halo", "--reply-to", "110").err


def test_without_a_channel_it_is_kept_as_a_draft_and_can_be_submitted(kicau):
    assert "Saved as a draft" in kicau("post", "Nanti").out
    assert kicau("post", "Nanti", "--submit", "--json").json["state"] == "submitted"


def test_the_next_free_slot_is_each_channels_own(kicau, channel):
    channel("ana"), channel("budi")
    kicau("channels", "slots", "ana", "--set", "daily 09:00")
    kicau("channels", "slots", "budi", "--set", "mon 10.30, kamis 11:00", "--zone", "Asia/Jakarta")
    with clock.freeze_clock(NOW):
        assert kicau("post", "Halo", "--to", "ana,budi", "--at", "next free slot").code == 0
    assert {d.channel.key: f"{d.due_at:%d %H:%M}" for d in Delivery.objects.all()} == {
        "ana": "25 02:00",
        "budi": "26 04:00",
    }


# Looking and changing


def test_the_calendar_filters(kicau, ana, channel):
    channel("budi")
    with clock.freeze_clock(NOW):
        kicau("post", "Pagi", "--to", "ana", "--at", "tomorrow 09:00", "--tag", "kopi")
        kicau("post", "Sore", "--to", "budi", "--at", "tomorrow 16:00")
        assert "Pagi" in kicau("calendar").out

        def texts(*filters):
            return [row["text"] for row in kicau("calendar", "--json", *filters).json]

        assert texts() == ["Pagi", "Sore"]
        assert texts("--channel", "budi") == ["Sore"]
        assert texts("--tag", "kopi") == ["Pagi"]
        assert texts("--to", "2026-11-25 12:00") == ["Pagi"]
        assert texts("--from", "2026-11-26") == []
        assert texts("--state", "published") == []
        assert texts("--network", "stranger", "--limit", "1") == ["Pagi"]
        assert kicau("calendar", "--channel", "nobody").code == 3


def test_the_times_in_sentences_are_in_the_calendars_zone(kicau, scheduled, ana):
    at = datetime(2031, 3, 1, 20, 5, tzinfo=UTC)  # the next day in Jakarta
    why = Sentence("Stranger asks to wait until {at}.", at=at)
    Delivery.objects.update(reason=str(why))
    row = Delivery.objects.get()
    Attempt.objects.create(delivery=row, did="publish", outcome="limited", sentence=str(why), at=clock.now())
    Channel.objects.update(reason=str(why))
    there = "until 2031-03-02 03:05:00 WIB"
    with clock.freeze_clock(NOW):
        assert there in kicau("calendar").out
        assert "until 2031-03-01 20:05:00 GMT" in kicau("calendar", "--zone", "Europe/London").out
        assert kicau("show", str(row.id)).out.count(there) == 2  # why it waits, and in its story
        assert there in kicau("channels", "list").out
        assert kicau("calendar", "--json").json[0]["reason"] == str(why)  # as the REST API says it


def test_a_delivery_is_shown_by_its_whole_id_or_its_end(kicau, scheduled):
    for said in (scheduled["id"], scheduled["id"][-8:]):
        shown = kicau("show", said)
        assert "Selamat pagi" in shown.out
        assert "scheduled" in shown.out
    assert kicau("show", scheduled["id"], "--json").json["rendered"]["parts"][0]["text"] == "Selamat pagi"
    assert kicau("show", "0" * 8).code == 3
    assert kicau("show", "nonsense").code == 3


def test_what_came_back_of_a_delivery_is_shown_with_it(kicau, scheduled):
    row = Delivery.objects.get()
    RemotePost.objects.create(
        channel=row.channel, delivery=row, remote_id="7", published_at=NOW, values={"likes": 4711}, read_at=NOW
    )
    Comment.objects.create(channel=row.channel, delivery=row, remote_id="8", author="9", text="Enak sekali", at=NOW)
    shown = kicau("show", scheduled["id"]).out
    assert "likes 4711" in shown
    assert "Enak sekali" in shown
    told = kicau("show", scheduled["id"], "--json").json
    assert (told["metrics"][0]["values"], told["comments"][0]["text"]) == ({"likes": 4711}, "Enak sekali")


def test_a_scheduled_post_is_changed_and_published_again_only_after_a_question(kicau, scheduled, channel):
    channel("budi")
    changed = kicau("change", scheduled["id"], "--text", "Selamat sore", "--at", "in 2 hours", "--add", "budi")
    assert changed.code == 0, changed.out
    assert "added" in changed.out
    rows = list(Delivery.objects.all())
    assert {row.rendered["parts"][0]["text"] for row in rows} == {"Selamat sore"}
    assert len({row.due_at for row in rows}) == 1
    assert (
        kicau("change", scheduled["id"][-8:], "--remove", "budi", "--json").json["canceled"][0]["channel"]["key"]
        == "budi"
    )
    Delivery.objects.filter(id=scheduled["id"]).update(state="published")
    assert "publishing has begun" in kicau("change", scheduled["post"], "--text", "Terlambat").out
    assert kicau("change", scheduled["post"], "--at", "in 3 hours").code == 1
    assert kicau("change", scheduled["post"]).code == 1
    assert kicau("change", "0" * 8, "--text", "x").code == 3
    again = ("publish-again", scheduled["post"], "--to", "ana", "--at", "in 5 hours")
    asked = kicau(*again, stdin="n\n")
    assert asked.code == 130
    assert "once more on ana" in asked.err
    assert Delivery.objects.count() == 2
    assert kicau(*again, "--yes").code == 0
    assert Delivery.objects.count() == 3


def test_moving_canceling_and_retrying(kicau, scheduled):
    with clock.freeze_clock(NOW + timedelta(minutes=1)):
        assert kicau("reschedule", scheduled["id"], "lusa", "10:00").code == 0
    row = Delivery.objects.get()
    assert row.due_at == datetime(2026, 11, 26, 3, 0, tzinfo=UTC)
    assert kicau("cancel", scheduled["id"]).code == 0
    assert kicau("reschedule", scheduled["id"], "tomorrow", "09:00").code == 1
    assert kicau("retry", scheduled["id"][-8:]).code == 0
    assert Delivery.objects.get().state == "scheduled"
    assert kicau("confirm", scheduled["id"]).code == 1
    assert kicau("resolve", scheduled["id"], "--published").code == 1
    assert kicau("delete", scheduled["id"], "--yes").code == 1
    assert kicau("delete", scheduled["id"], stdin="n\n").code == 130


def test_what_was_done_before_one_failed_is_told(kicau, scheduled):
    said = kicau("cancel", scheduled["id"], "no-such-id")
    assert said.code == 3
    assert "is canceled" in said.out


def test_a_confirmation_can_be_given_with_the_post_or_later(kicau, connected):
    connected("linkedin", "li")
    held = kicau("post", "Halo", "--to", "li", "--json").json["deliveries"][0]
    assert held["state"] == "held"
    assert kicau("confirm", held["id"]).code == 0
    assert kicau("show", held["id"], "--json").json["confirmed_by"]["name"] == "Sari Wulandari"
    assert kicau("post", "Halo lagi", "--to", "li", "--confirm", "--json").json["deliveries"][0]["state"] == "scheduled"


# Importing


def test_a_table_is_checked_imported_and_imported_again(kicau, ana, tmp_path):
    table = tmp_path / "posts.csv"
    table.write_text("ref;channels;at;text\nr1;ana;+9:00;Satu\nr2;ana;+9:30;Dua\n", "utf-8-sig")
    assert "2 posts are ready" in kicau("import", "posts", table, "--check").out
    assert not Draft.objects.exists()
    assert kicau("import", "posts", table, "--json").json["created"] == {"posts": 2, "deliveries": 2}
    again = kicau("import", "posts", table)
    assert (again.code, "2 rows were imported before" in again.out) == (0, True)
    assert Delivery.objects.count() == 2


def test_a_table_with_problems_creates_nothing_unless_they_are_left_out(kicau, ana, tmp_path):
    table = tmp_path / "posts.csv"
    table.write_text("channels,at,text\nana,+9:00,Satu\nanna,soon,Dua\n", "utf-8")
    said = kicau("import", "posts", table)
    assert said.code == 1
    assert "Row 3, at: Kicau does not understand the time 'soon'" in said.out
    assert not Draft.objects.exists()
    assert kicau("import", "posts", table, "--skip-bad").code == 0
    assert Delivery.objects.count() == 1
    table.write_text("chanels,text\n", "utf-8")
    assert kicau("import", "posts", table).code == 1


# People, tokens, webhooks


def test_people_come_change_and_go(kicau, actor):
    made = kicau("users", "add", "bima@kopisenja.example", "--name", "Bima", "--role", "contributor", "--json").json
    assert Person.objects.get(email=made["email"]).check_password(made["password"])
    assert "contributor" in kicau("users", "list").out
    assert kicau("users", "role", "bima@kopisenja.example", "editor").code == 0
    assert Membership.objects.get(person__email="bima@kopisenja.example").role == "editor"
    kicau("users", "password", "bima@kopisenja.example", "--password-stdin", stdin="kopi-pahit-sekali-77\n")
    assert Person.objects.get(email="bima@kopisenja.example").check_password("kopi-pahit-sekali-77")
    assert kicau("users", "remove", "bima@kopisenja.example").code == 0
    assert kicau("users", "remove", "bima@kopisenja.example").code == 3
    assert kicau("users", "add", "not an address").code == 1
    assert kicau("users", "role", "sari@kopisenja.example", "viewer").code == 1


def test_an_account_that_nobody_proved_is_invited_and_not_added(kicau, actor):
    add_person("budi@lain.example", "Budi", "hujan-di-bandung-41")
    said = kicau("users", "add", "budi@lain.example", "--role", "admin", "--json").json
    assert (said["password"], said["invitation"]["mailed"]) == (None, False)
    assert "/accept-invitation/" in said["invitation"]["link"]
    assert not Membership.objects.filter(person__email="budi@lain.example").exists()
    assert kicau("users", "verify-address", "budi@lain.example").code == 0
    assert kicau("users", "add", "BUDI@lain.example").code == 0
    assert Membership.objects.get(person__email="budi@lain.example").role == "editor"
    assert kicau("--as", "budi@lain.example", "users", "verify-address", "sari@kopisenja.example").code == 3
    assert kicau("users", "verify-address", "nobody@lain.example").code == 3


def test_an_operator_ends_every_way_into_an_account_that_may_be_somebody_elses(kicau, actor):
    person = add_person("budi@lain.example", "Budi", "hujan-di-bandung-41")
    there = create_workspace(person, "Lain")
    token = create_token(actor_for(person, there.id, "page"), "x", ["read"], personal=True)
    made = kicau("users", "verify-address", "budi@lain.example", "--reset", "--json").json
    person.refresh_from_db()
    assert (person.is_proved, made["tokens"], actor_by_token(token.secret, None)) == (True, 1, None)
    assert person.check_password(made["password"])


def test_only_an_operator_gives_others_passwords(kicau, member):
    member("editor")
    assert kicau("--as", "editor@kopisenja.example", "users", "password", "sari@kopisenja.example").code == 3


def test_a_role_binds_the_shell_too(kicau, member, ana):
    member("viewer")
    said = kicau("--as", "viewer@kopisenja.example", "post", "Halo", "--to", "ana")
    assert said.code == 3
    assert "Ask someone with the role" in said.err
    assert kicau("--as", "nobody@kopisenja.example", "calendar").code == 3


def test_several_workspaces_must_be_chosen_among(kicau, owner, ana):
    create_workspace(owner, "Kabar Pagi")
    assert kicau("channels", "list").code == 2
    assert "Kopi Senja, Kabar Pagi" in kicau("channels", "list").err
    assert "ana" in kicau("--workspace", "kopi senja", "channels", "list").out
    assert "No channel yet" in kicau("--workspace", "Kabar Pagi", "channels", "list").out
    assert kicau("--workspace", "Other", "channels", "list").code == 3


def test_what_each_client_cost_needs_no_choice_among_workspaces(kicau, owner, actor):
    create_workspace(owner, "Batik Laut")
    create_workspace(add_person("budi@lain.example", "Budi", "hujan-di-bandung-41"), "Rahasia")
    Charge.objects.create(
        workspace_id=actor.workspace.id,
        network="stranger",
        meter="post",
        units=1,
        micro=600_000,
        currency="USD",
        purpose="publish",
    )
    told = kicau("costs", "clients", "--json").json
    assert [one["workspace"] for one in told] == ["Batik Laut", "Kopi Senja"]
    assert [(c["currency"], c["micro"], c["before_micro"]) for c in told[1]["costs"]] == [("USD", 600_000, 0)]
    assert told[1]["costs"][0]["expected_micro"] >= 600_000
    shown = kicau("costs", "clients").out
    assert "$0.60" in shown
    assert "Rahasia" not in shown
    assert kicau("costs", "clients", "--csv").out.splitlines()[2].startswith("Kopi Senja,")
    assert kicau("costs", "clients", "soon").code == 1


def test_a_currency_is_one_that_there_is_and_a_missing_rate_is_told_at_once(kicau, actor):
    wrong = kicau("costs", "currency", "xxz")
    assert wrong.code == 1
    assert (
        "XXZ is not a valid currency code (ISO 4217). Enter a code of three letters, for example USD or IDR, or leave the field empty."
        in wrong.err
    )
    told = kicau("costs", "currency", "idr")
    assert told.code == 0
    assert "There is no rate from USD yet" in told.out
    assert kicau("costs", "currency", "IDR", "--json").json == {"currency": "IDR", "unrated": ["USD"]}
    assert kicau("costs", "rate", "USD", "IDR", "16250").code == 0
    assert "no rate" not in kicau("costs", "currency", "IDR").out


def test_another_workspaces_objects_are_not_found(kicau, actor, scheduled):
    stranger = add_person("tono@tokocendana.example", "Tono", "hujan-di-bandung-41")
    create_workspace(stranger, "Toko Cendana")
    for command in (
        ["show", scheduled["id"]],
        ["cancel", scheduled["id"]],
        ["show", scheduled["id"][-8:]],
        ["channels", "pause", "ana"],
    ):
        assert kicau("--as", "tono@tokocendana.example", *command).code == 3


def test_tokens_are_made_listed_and_revoked(kicau, actor):
    made = kicau("tokens", "create", "script", "--scope", "read,write", "--days", "7", "--json").json
    assert actor_by_token(made["secret"], None).scopes == {"read", "write"}
    listed = kicau("tokens", "list")
    assert "script" in listed.out
    assert made["secret"] not in listed.out
    assert kicau("tokens", "revoke", made["id"]).code == 0
    assert actor_by_token(made["secret"], None) is None
    assert ApiToken.objects.count() == 1
    assert kicau("tokens", "create", "x", "--scope", "everything").code == 1
    assert kicau("tokens", "revoke", made["id"][:-1] + ("1" if made["id"].endswith("0") else "0")).code == 3


def test_webhooks_come_and_go(kicau):
    made = kicau("webhooks", "add", "https://hooks.example/kicau", "--event", "delivery.published", "--json").json
    assert made["secret"].startswith("whsec_")
    assert "https://hooks.example/kicau" in kicau("webhooks", "list").out
    assert kicau("webhooks", "add", "https://hooks.example", "--event", "coffee").code == 1
    assert kicau("webhooks", "remove", made["id"]).code == 0
    assert kicau("webhooks", "remove", made["id"]).code == 3


# Apps and channels


def test_apps_are_added_listed_and_removed(kicau, stranger):
    said = kicau("apps", "add", "stranger", "--client-id", "id", stdin="hidden-secret\n")
    assert said.code == 0, said.err
    assert "/channels/callback" in said.out
    assert NetworkApp.objects.get().client_secret == "hidden-secret"
    assert "hidden-secret" not in kicau("apps", "list", "--json").out
    assert kicau("apps", "remove", "stranger").code == 0
    assert kicau("apps", "remove", "stranger").code == 3
    open_network = kicau("apps", "add", "mastodon")  # nothing on its input: it asks for nothing
    assert (open_network.code, "is ready" in open_network.out) == (0, True)
    assert kicau("apps", "add", "myspace", "--client-id", "a", "--client-secret", "b").code == 3
    assert (
        kicau("apps", "add", "stranger", "--client-id", "a", "--client-secret", "b", "--endpoint", "nonsense").code == 2
    )
    assert "No sandbox is running" in kicau("apps", "add", "stranger", "--sandbox", "http://127.0.0.1:9").err


def test_an_app_that_channels_came_through_stays(kicau, ana):
    said = kicau("apps", "remove", "stranger", "--name", "default")
    assert (said.code, "these channels and their published posts use the app: ana" in said.err) == (1, True)


def test_channels_are_paused_resumed_and_disconnected(kicau, ana):
    assert kicau("channels", "pause", "ana").code == 0
    assert "paused" in kicau("channels", "list").out
    assert kicau("channels", "resume", "ana", "--json").json["paused"] is False
    assert kicau("channels", "disconnect", "ana").code == 0
    assert Channel.objects.get().state == ChannelState.REMOVED
    assert kicau("post", "Halo", "--to", "ana").code == 1
    assert kicau("channels", "pause", "nobody").code == 3


@pytest.mark.parametrize("said", ["someday 09:00", "mon", "mon 25:00", "mon 9", "09:00"])
def test_slots_that_cannot_be_read(kicau, ana, said):
    answer = kicau("channels", "slots", "ana", "--set", said)
    assert answer.code == 1
    assert "is not a weekly time" in answer.err


def test_slots_are_set_shown_and_cleared(kicau, ana):
    kicau("channels", "slots", "ana", "--set", "weekdays 09:00, sabtu 8.30")
    assert [(s["weekday"], s["time"]) for s in kicau("channels", "slots", "ana", "--json").json] == [
        *((d, "09:00") for d in range(5)),
        (5, "08:30"),
    ]
    assert "has no time slots" in kicau("channels", "slots", "ana", "--clear").out


# The program itself


def test_who_has_no_owner_is_told_how_to_get_one(kicau, db):
    Person.objects.update(is_operator=False)
    said = kicau("calendar")
    assert said.code == 4
    assert "no owner yet" in said.err


def test_control_characters_never_reach_the_terminal(kicau, ana):
    kicau("post", "Halo\x1b[2Jdunia\x07", "--to", "ana", "--at", "tomorrow 09:00")
    assert "\x1b" not in kicau("calendar", "--all").out
    assert "\x07" not in kicau("show", Delivery.objects.get().id).out


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(kicau, shell):
    assert "_KICAU_COMPLETE" in kicau("completion", shell).out
    assert kicau("completion", "tcsh").code == 2


def test_doctor_names_what_is_wrong_and_what_to_do(kicau, actor, ana, monkeypatch):
    Channel.objects.update(state=ChannelState.EXPIRED, reason="Connect it again.")
    monkeypatch.setenv("KICAU_PROT", "9000")
    said = kicau("doctor", "--json")
    assert said.code == 1
    found = {f["what"]: f for f in said.json}
    assert found["database"]["state"] == found["migrations"]["state"] == found["clock"]["state"] == "ok"
    assert found["workers"]["state"] == "wrong"
    assert found["ana"]["do"] == "kicau channels connect stranger"
    assert found["KICAU_PROT"]["state"] == "note"
    assert all(f["do"] for f in said.json if f["state"] == "wrong")
    assert "start one with: kicau up" in kicau("doctor").out


def test_a_channel_that_a_budget_holds_is_noted_and_not_called_broken(kicau, actor, ana):
    Channel.objects.update(state=ChannelState.HELD, renewal_problem="The budget has no room for it.")
    found = {f["what"]: f for f in kicau("doctor", "--json").json}
    assert (found["ana"]["state"], found["ana"]["says"], found["ana"]["do"]) == (
        "note",
        "The budget has no room for it.",
        "kicau costs budgets",
    )


def test_doctor_stops_at_a_setting_that_cannot_be_used(kicau, monkeypatch):
    monkeypatch.setenv("KICAU_PORT", "ninety")
    said = kicau("doctor", "--json")
    assert said.code == 1
    assert [f["what"] for f in said.json if f["state"] == "wrong"] == ["KICAU_PORT"]


def test_the_member_rule_holds_through_the_shell(kicau, workspace, owner):
    admin = add_person("admin@kopisenja.example", "Admin", "hujan-di-bandung-41", proved=True)
    set_member_role(actor_for(owner, workspace.id, "cli"), admin, "admin")
    assert kicau("--as", admin.email, "users", "role", owner.email, "viewer").code == 3
    assert json.loads(kicau("--as", admin.email, "users", "list", "--json").out)[0]["role"] == "owner"
