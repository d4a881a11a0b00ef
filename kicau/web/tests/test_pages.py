"""Every page answers, in both languages, within its budget of statements."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from kicau.base import clock
from kicau.publishing.content import compositions

PLAIN = [
    *["home", "calendar", "drafts", "channels", "library"],
    *["team", "workspace-settings", "activity", "personal-settings"],
]
QUERIES = 12


def test_every_plain_page_answers_within_its_statements(page, post, picture, django_assert_max_num_queries):
    post()
    for name in PLAIN:
        with django_assert_max_num_queries(QUERIES):
            answer = page.get(reverse(name))
        assert answer.status_code == 200, name
        assert b'lang="en"' in answer.content, name


@pytest.mark.parametrize(
    "name",
    [
        *["calendar", "drafts", "compose", "channels", "inbox", "costs", "library", "archive", "rights"],
        *["training-sets", "dataset-audits", "team", "workspace-settings", "activity"],
    ],
)
def test_the_main_menu_marks_the_page_that_is_open(page, name):
    path = reverse(name)
    menu = re.search(r'<nav class="nav".*?</nav>', page.get(path, follow=True).content.decode(), re.DOTALL)
    assert menu is not None
    assert re.findall(r'href="([^"]*)" aria-current="page"', menu[0]) == [path]


@pytest.mark.parametrize("view", ["coming", "week", "month", "past", "attention", "nonsense"])
def test_every_view_of_the_calendar_shows_what_is_its_own(page, post, view, django_assert_max_num_queries):
    post("Opening on Monday", hours=0.02)
    with django_assert_max_num_queries(QUERIES):
        answer = page.get(reverse("calendar"), {"view": view})
    assert answer.status_code == 200
    assert ("Opening on Monday" in answer.content.decode()) == (view not in ("past", "attention"))


def test_pages_with_an_object_answer_within_their_statements(
    page, actor, post, picture, channels, django_assert_max_num_queries
):
    row = post(to=[c.key for c in channels.values() if c.network not in ("instagram",)]).deliveries[0]
    unscheduled = compositions.create_draft(
        actor, compositions.Composition(parts=(compositions.PartContent(text="x"),))
    )
    for name, key in [
        ("post", unscheduled.id),
        ("post", row.draft_id),
        ("compose-draft", row.draft_id),
        ("channel", "x-kopisenja"),
        ("channels-connect", "x"),
        ("medium", picture.id),
    ]:
        with django_assert_max_num_queries(QUERIES):
            answer = page.get(reverse(name, args=[key]))
        assert answer.status_code == 200, name


def test_a_person_reads_in_the_language_that_they_chose_whatever_their_browser_says(page, owner):
    page.post(reverse("choose-language"), {"language": "id", "next": "/drafts"})
    owner.refresh_from_db()
    assert owner.language == "id"
    answer = page.get(reverse("drafts"))
    assert b'lang="id"' in answer.content
    assert "Draf" in answer.content.decode()


def test_the_theme_is_remembered_and_nonsense_is_not(page):
    page.post(reverse("choose-theme"), {"theme": "dark"})
    assert b'data-theme="dark"' in page.get(reverse("drafts")).content
    page.post(reverse("choose-theme"), {"theme": "pink"})
    assert b'data-theme="dark"' in page.get(reverse("drafts")).content


def test_what_does_not_exist_is_a_page_that_says_so_and_belongs_to_nobody_else(page, post, member):
    missing = page.get(reverse("post", args=["018f0000-0000-7000-8000-000000000000"]))
    assert missing.status_code == 404
    assert "Kicau cannot find this item in" in missing.content.decode()


def test_another_workspace_sees_nothing(page, post, picture, db):
    from kicau.workspaces.actions import add_person, create_workspace

    row = post().deliveries[0]
    other = add_person("budi@lain.example", "Budi", "hujan-di-bandung-41")
    create_workspace(other, "Lain")
    stranger = Client()
    stranger.force_login(other)
    for name, key in [
        ("post", row.draft_id),
        ("delivery", row.id),
        ("channel", "x-kopisenja"),
        ("medium", picture.id),
        ("medium-original", picture.sha256),
        ("medium-thumbnail", picture.sha256),
    ]:
        assert stranger.get(reverse(name, args=[key])).status_code == 404, name
    assert "Halo" not in stranger.get(reverse("calendar")).content.decode()


def test_a_viewer_may_read_but_changes_nothing(member, post, workspace):
    row = post().deliveries[0]
    client = Client()
    client.force_login(member("viewer").person)
    assert client.get(reverse("home")).status_code == 200
    assert client.get(reverse("compose-draft", args=[row.draft_id])).status_code == 403
    answer = client.post(reverse("delivery-action", args=[row.id, "cancel"]), follow=True)
    assert "Ask someone with the role editor or higher" in answer.content.decode()
    row.refresh_from_db()
    assert row.state == "scheduled"


def test_no_page_has_anything_inline_or_from_elsewhere(page, post, picture):
    post()
    for name in PLAIN:
        answer = page.get(reverse(name))
        html = answer.content.decode()
        assert "default-src 'none'" in answer["Content-Security-Policy"]
        assert " style=" not in html, name
        assert " onclick=" not in html, name
        assert "<style" not in html, name
        assert "<script>" not in html, name
        assert 'src="http' not in html, name


def test_the_list_goes_on_from_where_the_page_before_ended(page, actor, channels, workspace):
    from kicau.publishing.models import Delivery

    start = clock.now() + timedelta(hours=1)
    draft = compositions.create_draft(actor, compositions.Composition(parts=(compositions.PartContent(text="x"),)))
    rendered = {"parts": [{"text": "Post"}]}
    Delivery.objects.bulk_create(
        Delivery(
            workspace=workspace,
            draft=draft,
            channel=channels["x"],
            network="x",
            due_at=start + timedelta(minutes=n),
            next_at=start,
            rendered=rendered,
        )
        for n in range(250)
    )
    seen, address = 0, reverse("calendar")
    for _ in range(5):
        answer = page.get(address)
        seen += sum(len(cards) for _, cards in answer.context["groups"])
        if not answer.context["following"]:
            break
        address = f"{reverse('calendar')}?{answer.context['request'].GET.urlencode()}&after={answer.context['following'].replace('+', '%2B')}"
    assert seen == 250
