"""The activity says who did what to what, and leads there."""

from __future__ import annotations

import re
from pathlib import Path

from django.urls import reverse

import kicau
from kicau.archive import record_statements
from kicau.erasure import accounts, workspaces
from kicau.media import actions as media
from kicau.publishing.approval import reviews
from kicau.publishing.content import compositions
from kicau.publishing.scheduling import actions as publishing
from kicau.rights.statements import NewStatement
from kicau.training_sets.actions import create_set, order_version
from kicau.web.core.labels import ACTION_LABELS
from kicau.workspaces import actions


def test_the_activity_names_what_was_done_to_what_and_leads_there(
    page, actor, post, channels, picture, member, django_assert_max_num_queries
):
    made = post("Halo dari Bandung").deliveries[0]
    media.update_medium(actor, picture.id, alt="A cup")
    publishing.cancel(actor, made.id)
    approval_of = compositions.create_draft(
        actor, compositions.Composition(parts=(compositions.PartContent(text="A second one"),))
    )
    reviews.submit(actor, approval_of.id)
    record_statements.add_statements(
        actor,
        [
            NewStatement(
                layer="grant",
                party="author",
                party_name="Teman",
                subject="author",
                key="x:teman",
                says={"train_gen": "deny"},
            )
        ],
    )
    order_version(actor, create_set(actor, name="Our voice", purpose="Replies").id)
    member("viewer")
    with django_assert_max_num_queries(12):
        html = page.get(reverse("activity")).content.decode()
    for words, link in (
        ("“Halo dari Bandung” · Kopi Senja · X", f'href="{reverse("post", args=[made.draft_id])}#d-{made.id}"'),
        ("“A second one”", f'href="{reverse("post", args=[approval_of.id])}"'),
        ("cup.jpg", f'href="{reverse("medium", args=[picture.id])}"'),
        (
            "Permission or refusal that someone gave explicitly · Teman · all content by one author · x:teman",
            f'href="{reverse("rights")}"',
        ),
        ("Our voice", 'href="/training-sets/'),
        ("Viewer · Viewer", ""),
    ):
        assert words in html, words
        assert link in html, link


def test_every_act_that_is_recorded_has_its_words():
    found = set()
    for path in Path(kicau.__file__).parent.rglob("*.py"):
        if "tests" not in path.parts:
            found |= set(re.findall(r'\.record\(\s*"([a-z]+\.[a-z_-]+)"', path.read_text("utf-8")))
    assert len(found) > 60
    assert found - set(ACTION_LABELS) == set()


def test_an_operator_sees_names_and_deleted_workspaces(page, owner, member, actor):
    gone = actions.actor_for(owner, actions.create_workspace(owner, "Warung Lama").id, "page")
    workspaces.delete_workspace(gone, confirmation="Warung Lama")
    editor = member("editor").person
    accounts.close_account(owner, editor, "page")
    body = page.get(reverse("instance-activity")).content.decode()
    assert 'deleted the workspace <span class="strong">Warung Lama</span>' in body
    assert f'closed a Kicau account <span class="strong">{editor}</span>' in body
    accounts.erase_account(owner, editor, "page", confirmation=editor.email)
    body = page.get(reverse("instance-activity")).content.decode()
    assert (
        f'<span class="strong">{owner}</span> deleted a Kicau account <span class="strong">(deleted user)</span>'
        in body
    )
    only = page.get(reverse("instance-activity"), {"act": "workspace.deleted"}).content.decode()
    assert "Warung Lama" in only
    assert "closed a Kicau account" not in only.partition("<ol")[2]
