"""What lies ready for a writer, within their workspace alone; and a campaign in the links of preview and delivery."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest

from kicau.base import clock
from kicau.base.errors import NotAllowed, NotFound, ValidationFailed
from kicau.channels.actions import register_app
from kicau.channels.channel_session import to_stored
from kicau.channels.models import Channel
from kicau.connector import registry
from kicau.connector.session import Credentials
from kicau.publishing.content import autosave, compositions, snippets
from kicau.publishing.models import ChannelGroup, EditorPresence, SavedText
from kicau.publishing.scheduling import schedule


@pytest.fixture
def channel(workspace):
    """On a network that takes text alone."""
    slug = next(s for s in registry.installed_slugs() if not registry.get_connector(s).baseline.needs_media)
    return Channel.objects.create(
        workspace=workspace,
        network=slug,
        app=register_app(slug, "id", "secret"),
        key="kopi",
        account_id="1",
        handle="kopi",
        name="Kopi",
        credentials=to_stored(Credentials(access_token="none")),
    )


def test_texts_and_groups_are_kept_replaced_and_forgotten(actor, member, channel):
    first = snippets.save_text(actor, "hashtags", " Coffee  tags ", "#kopi #gayo")
    again = snippets.save_text(actor, "hashtags", "Coffee tags", "#kopi")
    assert (first.id, again.text) == (again.id, "#kopi")
    group = snippets.save_group(actor, "All of ours", ["kopi", "kopi"])
    assert group.keys == ["kopi"]
    for bad in (("", "x"), ("Name", " "), ("Name", "a\0b"), ("N" * 81, "x")):
        with pytest.raises(ValidationFailed):
            snippets.save_text(actor, "signature", *bad)
    with pytest.raises(ValidationFailed):
        snippets.save_text(actor, "poem", "Name", "x")
    with pytest.raises(NotFound):
        snippets.save_group(actor, "Theirs", ["somebody-elses"])
    viewer = member("viewer")
    assert [t.name for t in snippets.saved_texts(viewer)] == ["Coffee tags"]
    with pytest.raises(NotAllowed):
        snippets.delete_text(viewer, first.id)
    snippets.delete_text(actor, first.id)
    snippets.delete_group(actor, group.id)
    assert not SavedText.objects.exists()
    assert not ChannelGroup.objects.exists()


def test_two_writers_learn_of_each_other_until_one_leaves_or_falls_silent(actor, member):
    draft, other = uuid4(), member("editor")
    assert snippets.announce_presence(actor, draft, "h1") == []
    assert snippets.announce_presence(other, draft, "h2") == ["Sari Wulandari"]
    assert snippets.announce_presence(actor, draft, "h1") == ["Editor"]
    assert snippets.announce_presence(other, uuid4(), "h3") == []
    snippets.end_presence(other, draft, "h2")
    assert snippets.announce_presence(actor, draft, "h1") == []
    EditorPresence.objects.update(seen_at=clock.now() - timedelta(minutes=2))
    assert snippets.announce_presence(other, draft, "h4") == []


def test_the_preview_and_the_delivery_carry_the_campaign_alike(actor, channel):
    given = compositions.Composition(
        parts=(compositions.PartContent(text="Menu: https://kopi.example/menu"),), campaign="Lembang", mark_links=True
    )
    seen = schedule.render(autosave.build_unsaved_draft(actor, given), channel)
    draft = compositions.one_draft(actor, compositions.create_draft(actor, given).id)
    sent = schedule.schedule(actor, draft, ["kopi"], clock.now() + timedelta(hours=1)).deliveries[0]
    assert f"utm_source={channel.network}&utm_medium=social&utm_campaign=lembang" in seen.parts[0].text
    assert sent.rendered["parts"][0]["text"] == seen.parts[0].text
    sent.refresh_from_db()
    assert sent.head == seen.parts[0].text[:160]
    assert compositions.composition_of(draft).mark_links
