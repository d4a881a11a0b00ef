"""A post's page: what a person can do with a delivery, and what they are told."""

from __future__ import annotations

import re
from datetime import timedelta

from django.urls import reverse

from kicau.archive import record_statements
from kicau.archive.imports.own_posts import archive_published
from kicau.archive.models import Item
from kicau.base import clock
from kicau.channels.models import NetworkApp
from kicau.publishing.content import compositions
from kicau.publishing.models import Attempt, Delivery, DeliveryState, Draft, Revision
from kicau.rights.statements import NewStatement
from kicau.sync.models import Comment
from kicau.workspaces.actions import update_person


def act(page, row, verb, **fields):
    return page.post(reverse("delivery-action", args=[row.id, verb]), fields, follow=True).content.decode()


def test_the_page_shows_what_the_network_gets_and_its_story(page, post):
    row = post("Selamat pagi #kopi").deliveries[0]
    Attempt.objects.create(delivery=row, did="find", outcome="nothing", sentence="Nothing was found there.")
    html = page.get(reverse("post", args=[row.draft_id])).content.decode()
    assert '<span class="span-tag">#kopi</span>' in html
    assert "Nothing was found there." in html


def test_what_became_of_a_post_is_told_by_its_deliveries_and_not_by_its_draft(page, post):
    row = post().deliveries[0]
    Delivery.objects.filter(id=row.id).update(state="failed", reason="The link is not allowed.")
    head = page.get(reverse("post", args=[row.draft_id])).content.decode().split('<div class="head">')[1]
    assert "Failed" in head
    assert "Scheduled" not in head


def test_cancel_then_retry(page, post):
    row = post().deliveries[0]
    assert "The post is canceled. It will not be published." in act(page, row, "cancel")
    row.refresh_from_db()
    assert row.state == "canceled"
    assert "Kicau is trying to publish the post again." in act(page, row, "retry")
    row.refresh_from_db()
    assert row.state == "scheduled"


def test_moving_by_the_form_and_by_a_drop_on_another_day(page, post):
    row = post().deliveries[0]
    day = (clock.now() + timedelta(days=3)).date()
    act(page, row, "reschedule", date=str(day), time="07:15", timezone="Asia/Jakarta")
    row.refresh_from_db()
    assert (row.due_at.hour, row.due_at.minute) == (0, 15)
    act(page, row, "reschedule", date=str(day + timedelta(days=1)))
    row.refresh_from_db()
    assert (row.due_at.hour, row.due_at.minute) == (0, 15)
    assert row.due_at.date() == day + timedelta(days=1)
    assert "is in the past" in act(page, row, "reschedule", date="2020-01-01", time="07:15")


def test_confirming_is_in_the_persons_name(page, post):
    row = post(to=["linkedin-kopisenja"]).deliveries[0]
    assert "publish it in my name" in page.get(reverse("post", args=[row.draft_id])).content.decode()
    assert "You confirmed that Kicau may publish this post." in act(page, row, "confirm")
    row.refresh_from_db()
    assert row.confirmed_by.name == "Sari Wulandari"


def test_an_unknown_outcome_is_resolved_by_saying_what_is_there(page, post):
    row = post().deliveries[0]
    Delivery.objects.update(state=DeliveryState.UNKNOWN, broken_at=clock.now())
    assert "Look for the post on the network, then choose whether it was published there." in act(page, row, "resolve")
    act(page, row, "resolve", published="yes", url="https://x.example/1")
    row.refresh_from_db()
    assert (row.state, row.url) == ("published", "https://x.example/1")


def test_what_cannot_be_done_now_says_why(page, post):
    row = post().deliveries[0]
    assert "so you cannot confirm it" in act(page, row, "confirm")
    assert page.post(reverse("delivery-action", args=[row.id, "explode"])).status_code == 404


def test_the_live_piece_comes_only_when_something_changed(page, post):
    row = post().deliveries[0]
    address = reverse("post", args=[row.draft_id])
    stamp = page.get(address).context["stamp"]
    htmx = {"HX-Request": "true"}
    assert page.get(address, {"seen": stamp}, headers=htmx).status_code == 204
    act(page, row, "cancel")
    piece = page.get(address, {"seen": stamp}, headers=htmx)
    assert piece.status_code == 200
    assert b"<html" not in piece.content
    assert b"Canceled" in piece.content
    calendar = page.get(reverse("calendar"))
    assert page.get(reverse("calendar"), {"seen": calendar.context["stamp"]}, headers=htmx).status_code == 204


def test_duplicating_and_putting_away(page, post):
    row = post("Again").deliveries[0]
    answer = page.post(reverse("duplicate", args=[row.draft_id]))
    copy = Draft.objects.exclude(id=row.draft_id).get()
    assert answer["Location"] == reverse("compose-draft", args=[copy.id])
    page.post(reverse("archive-post", args=[copy.id]))
    copy.refresh_from_db()
    assert copy.state == "archived"
    refused = page.post(reverse("archive-post", args=[row.draft_id]), follow=True).content.decode()
    assert "This post is still scheduled on some channels. Cancel" in refused


def test_a_delivery_has_an_address_of_its_own(page, post):
    row = post().deliveries[0]
    assert (
        page.get(reverse("delivery", args=[row.id]))["Location"] == f"{reverse('post', args=[row.draft_id])}#d-{row.id}"
    )


def test_a_published_post_is_edited_beside_how_it_would_read(page, post):
    row = post("Selamat pgai", to=["mastodon-kopisenja"]).deliveries[0]
    here = reverse("delivery-edit", args=[row.id])
    assert page.get(here).status_code == 409  # not published
    Delivery.objects.filter(id=row.id).update(state=DeliveryState.PUBLISHED, remote_ids=["1"], published_at=clock.now())
    assert "Edit the post on the network" in page.get(reverse("post", args=[row.draft_id])).content.decode()
    form = page.get(here).content.decode()
    assert ">Selamat pgai</textarea>" in form
    assert "This is the text that is currently published on the network." in form
    seen = page.post(here, {"text:0": "Selamat pagi #kopi"}, headers={"hx-request": "true"}).content.decode()
    assert '<span class="span-tag">#kopi</span>' in seen
    assert "<textarea" not in seen
    assert page.post(here, {"text:0": "x" * 501}).status_code == 422
    NetworkApp.objects.filter(network="mastodon").update(endpoints={"server": "http://127.0.0.1:9"})
    refused = page.post(here, {"text:0": "Selamat pagi"})
    assert (
        refused.status_code,
        "Kicau could not send your edit of the post to Mastodon" in refused.content.decode(),
    ) == (422, True)
    assert ">Selamat pagi</textarea>" in refused.content.decode()

    Revision.objects.update(state="unknown")
    assert (
        "Kicau does not know whether Mastodon changed this post"
        in page.get(reverse("post", args=[row.draft_id])).content.decode()
    )
    page.post(reverse("delivery-edit-resolve", args=[row.id]), {"reads": "after"})
    row.refresh_from_db()
    assert row.head == "Selamat pagi"


def test_an_address_of_a_network_that_is_no_page_is_no_link(page, post, channels):
    """Rows of before such addresses were left out; what a person says is refused."""
    row = post().deliveries[0]
    bad = "javascript:alert(1)"
    Delivery.objects.filter(id=row.id).update(state=DeliveryState.PUBLISHED, url=bad, published_at=clock.now())
    row.channel.url = bad
    row.channel.save()
    Comment.objects.create(channel=row.channel, remote_id="7", author="9", text="Halo", url=bad, at=clock.now())
    for address in (
        reverse("post", args=[row.draft_id]),
        reverse("channel", args=[row.channel.key]),
        reverse("inbox"),
    ):
        assert "javascript:" not in page.get(address).content.decode()
    Delivery.objects.filter(id=row.id).update(state=DeliveryState.UNKNOWN, url="")
    page.post(reverse("delivery-action", args=[row.id, "resolve"]), {"published": "yes", "url": bad})
    row.refresh_from_db()
    assert (row.state, row.url) == (DeliveryState.UNKNOWN, "")


def test_a_posts_page_says_its_rights_and_leads_to_them(page, actor, workspace, post):
    workspace.ai_use = {"train_gen": "allow", "search": "allow", "ground": "deny"}
    workspace.save()
    actor.workspace.refresh_from_db()
    draft = compositions.create_draft(
        actor, compositions.Composition(parts=(compositions.PartContent(text="Nanti"),), ai_use={"train_gen": "deny"})
    )
    shown = page.get(reverse("post", args=[draft.id])).content.decode()
    said = re.sub(r"<[^>]+>", "", shown.split("Content rights</summary>")[1].split("</details>")[0])
    assert "not allowed: Train a generative AI model" in said
    assert f'href="{reverse("rights")}"' in shown

    (row,) = post("Sudah terbit").deliveries
    shown = page.get(reverse("post", args=[row.draft_id])).content.decode()
    assert "See and change the content rights of this post" not in shown
    assert f'href="{reverse("rights")}"' in shown.split("<dt>Content rights</dt>")[1].split("</dd>")[0]

    row.state, row.remote_ids, row.published_at = DeliveryState.PUBLISHED, ["991", "992"], row.due_at
    row.save()
    archive_published(workspace)
    first, second = Item.objects.order_by("id")
    record_statements.add_statements(
        actor, [NewStatement(subject="item", item=second.id, layer="author", party="author", says={"search": "deny"})]
    )
    shown = page.get(reverse("post", args=[row.draft_id])).content.decode()
    rights = shown.split("<dt>Content rights</dt>")[1].split("</dd>")[0]
    words = re.sub(r"<[^>]+>", "\n", rights)
    words = re.sub(r"\n+: *", ": ", words)
    assert "Yes: Train a generative AI model" in words
    assert (
        "No: Use the content as a source for AI answers, Show the content in search" in words
    )  # what one part forbids, the post forbids
    for item in (first, second):
        address = reverse("archive-item", args=[item.id])
        assert f'href="{address}"' in rights
        assert "Permitted uses" in page.get(address).content.decode()

    update_person(actor.person, language="id")
    translated = page.get(reverse("post", args=[row.draft_id])).content.decode()
    assert "<dt>Hak konten</dt>" in translated
    assert "Hak konten bagian 1 dari postingan ini" in translated
