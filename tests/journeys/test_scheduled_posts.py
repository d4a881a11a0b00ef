"""A scheduled post in the browser: its real time, one meaning for saving, another act for publishing again; and an editor
whose answers come late."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.sync_api import Page, Route, expect

from kicau.base import clock
from kicau.publishing.content import compositions
from kicau.publishing.models import Delivery
from kicau.publishing.scheduling import actions, schedule
from kicau.workspaces.actions import update_person
from tests.journeys.agreement import connect_all
from tests.journeys.conftest import come_in, fits

WORDS = {
    "en": {
        "text": "Text",
        "save": "Save changes",
        "saved": "New publishing time of the post:",
        "confirm": "I have read the changed post: confirm and save",
        "again": "Publish again…",
        "continue": "Continue",
        "yes": "Yes, publish this post again",
        "question": "Create 1 more post with the same content?",
        "keep": "Keep the current publishing times of the post",
    },
    "id": {
        "text": "Teks",
        "save": "Simpan perubahan",
        "saved": "Waktu terbit postingan yang baru:",
        "confirm": "Saya sudah membaca postingan yang diubah: konfirmasi dan simpan",
        "again": "Terbitkan lagi…",
        "continue": "Lanjut",
        "yes": "Ya, terbitkan lagi",
        "question": "Buat 1 postingan lagi dengan isi yang sama?",
        "keep": "Pertahankan waktu terbit postingan saat ini",
    },
}


@pytest.mark.parametrize(("language", "width"), [("en", 1360), ("id", 360)])
def test_a_scheduled_post_is_changed_confirmed_and_published_again(
    page: Page, site, networks, owner, actor, language, width
):
    words = WORDS[language]
    come_in(page.context, site, owner)
    update_person(owner, language=language, timezone="Asia/Jakarta")
    page.set_viewport_size({"width": width, "height": 800})
    connect_all(actor, networks, "x", "linkedin")
    keys = sorted({c.key for c in actor.workspace.channels.filter(network__in=("x", "linkedin"))})
    one, asks = keys[-1], next(k for k in keys if k.startswith("linkedin"))
    draft = compositions.create_draft(
        actor, compositions.Composition(parts=(compositions.PartContent(text="Kopi Gayo"),))
    )
    rows = schedule.schedule(
        actor, compositions.one_draft(actor, draft.id), [one, asks], clock.now() + timedelta(days=2), confirm=True
    ).deliveries
    local = (
        (clock.now() + timedelta(days=4)).astimezone(clock.find_zone("Asia/Jakarta")).replace(second=0, microsecond=0)
    )
    for row in rows:  # as the calendar does when it is dragged
        actions.reschedule(actor, row.id, local, "Asia/Jakarta")

    page.goto(f"/compose/{draft.id}")
    expect(page.locator("[name=date]")).to_have_value(f"{local:%Y-%m-%d}")
    expect(page.locator("[name=time]")).to_have_value(f"{local:%H:%M}")
    assert fits(page)
    later = local + timedelta(days=2)
    page.locator("#at").fill(f"{later:%Y-%m-%d %H:%M}")
    page.get_by_role("button", name=words["save"]).click()
    page.wait_for_url("**/posts/*")
    expect(page.get_by_text(words["saved"])).to_be_visible()
    assert {row.due_at for row in Delivery.objects.all()} == {later}
    assert Delivery.objects.filter(state="scheduled").count() == 2
    assert Delivery.objects.get(channel__key=asks).confirmed_at, "another time is no other content"

    page.goto(f"/compose/{draft.id}")
    page.get_by_label(words["text"], exact=True).fill("Teh melati")
    expect(page.locator("#confirm")).to_be_visible()
    page.get_by_role("button", name=words["save"]).click()
    expect(page.locator("#confirm-again")).to_be_visible()
    assert fits(page)
    expect(page.get_by_label(words["text"], exact=True)).to_have_value("Teh melati")
    page.get_by_role("button", name=words["confirm"]).click()
    page.wait_for_url("**/posts/*")
    assert {(r.head, r.state) for r in Delivery.objects.all()} == {("Teh melati", "scheduled")}

    actions.reschedule(actor, rows[0].id, later + timedelta(days=1))
    page.goto(f"/compose/{draft.id}")
    expect(page.get_by_role("radio", name=words["keep"])).to_be_checked()
    expect(page.locator("#when-note .times li")).to_have_count(2)
    assert fits(page)

    page.get_by_role("link", name=words["again"]).click()
    page.locator(f".pick:has([value='{asks}'])").click()
    page.locator("[name=date]").last.fill(f"{later + timedelta(days=5):%Y-%m-%d}")
    assert fits(page)
    page.get_by_role("button", name=words["continue"]).click()
    expect(page.get_by_text(words["question"])).to_be_visible()
    assert Delivery.objects.count() == 2
    assert fits(page)
    page.get_by_role("button", name=words["yes"]).click()
    page.wait_for_url("**/posts/*")
    assert Delivery.objects.filter(channel__key=one).count() == 2
    assert Delivery.objects.filter(channel__key=asks).count() == 1


def test_an_answer_that_comes_late_undoes_nothing(page: Page, site, networks, owner, actor):
    come_in(page.context, site, owner)
    connect_all(actor, networks, "x", "mastodon")
    page.goto("/compose")
    for box in page.locator("[name=channel]").all():
        box.set_checked(True)
    page.locator("[data-act='own:x']").wait_for()
    late: list[Route] = []

    def hold_the_first(route: Route) -> None:
        if late:
            route.continue_()
        else:
            late.append(route)

    page.route("**/compose/form", hold_the_first)
    page.locator("[data-act='add-part:']").first.click()
    page.locator(".say").first.fill("Written while an answer is late")
    page.locator("[data-act='own:x']").click()
    page.locator(".say").first.fill("Written while two answers are late")
    expect(page.locator("#look .look").first).to_contain_text("two answers are late")
    assert len(late) == 1
    late[0].continue_()
    expect(page.locator(".group.own .say")).to_have_count(2)
    expect(page.locator(".group").first.locator(".say")).to_have_count(2)
    expect(page.locator(".say").first).to_have_value("Written while two answers are late")
    expect(page.locator("#kept")).to_contain_text("Saved")
    page.reload()
    expect(page.locator(".say").first).to_have_value("Written while two answers are late")
