"""What lies ready where somebody writes: saved texts, groups of channels, and who else has the same post open."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from kicau.base import clock
from kicau.base.errors import NotFound, validation_failed
from kicau.base.ids import as_uuid
from kicau.channels.models import Channel
from kicau.publishing.models import ChannelGroup, EditorPresence, SavedText
from kicau.workspaces.actors import Actor, Permission

MAX_SAVED_TEXT_LENGTH = 10_000  # characters of a saved text
MAX_SAVED_ITEMS = 500  # saved texts, and groups, of one workspace
PRESENCE_TIMEOUT = timedelta(seconds=60)  # an open editor says so every 20 seconds


def saved_texts(actor: Actor) -> QuerySet[SavedText]:
    """By kind and name."""
    actor.require(Permission.READ)
    return SavedText.objects.filter(workspace=actor.workspace)


@transaction.atomic
def save_text(actor: Actor, kind: str, name: str, text: str) -> SavedText:
    """Keep a text under a name; the same kind and name again replaces it. Raises NotAllowed, ValidationFailed."""
    actor.require(Permission.WRITE)
    name, text = " ".join(name.split()), text.strip("\n")
    if kind not in SavedText.Kind.values:
        raise validation_failed(
            "content type",
            "Choose one of these types for the saved text: {known}.",
            known=", ".join(SavedText.Kind.values),
        )
    if not name or len(name) > 80:
        raise validation_failed("name", "Enter a name of at most {limit} characters for the saved text.", limit=80)
    if not text.strip() or len(text) > MAX_SAVED_TEXT_LENGTH or "\x00" in text:
        raise validation_failed(
            "text", "Write the text that you want to save, at most {limit} characters.", limit=MAX_SAVED_TEXT_LENGTH
        )
    if SavedText.objects.filter(workspace=actor.workspace).count() >= MAX_SAVED_ITEMS:
        raise validation_failed(
            "name", "You can save at most {limit} texts. Remove a saved text first.", limit=MAX_SAVED_ITEMS
        )
    row, _ = SavedText.objects.update_or_create(
        workspace=actor.workspace, kind=kind, name=name, defaults={"text": text}
    )
    actor.record("text.saved", row.id, kind=kind, name=name)
    return row


@transaction.atomic
def delete_text(actor: Actor, text_id: UUID | str) -> None:
    """Raises NotAllowed, NotFound."""
    actor.require(Permission.WRITE)
    row = SavedText.objects.filter(workspace=actor.workspace, id=as_uuid(text_id)).first()
    if row is None:
        raise NotFound("saved text", text_id)
    actor.record("text.forgotten", row.id, kind=row.kind, name=row.name, text=row.text)
    row.delete()


def channel_groups(actor: Actor) -> QuerySet[ChannelGroup]:
    """By name."""
    actor.require(Permission.READ)
    return ChannelGroup.objects.filter(workspace=actor.workspace)


@transaction.atomic
def save_group(actor: Actor, name: str, keys: Sequence[str]) -> ChannelGroup:
    """Channels under one name; the same name again replaces them. Raises NotAllowed, NotFound, ValidationFailed."""
    actor.require(Permission.WRITE)
    name, keys = " ".join(name.split()), list(dict.fromkeys(keys))
    if not name or len(name) > 80:
        raise validation_failed("name", "Enter a name of at most {limit} characters for the channel group.", limit=80)
    if not keys:
        raise validation_failed("channels", "Choose at least one channel for the channel group.")
    known = set(Channel.objects.filter(workspace=actor.workspace, key__in=keys).values_list("key", flat=True))
    for key in keys:
        if key not in known:
            raise NotFound("channel", key)
    if ChannelGroup.objects.filter(workspace=actor.workspace).count() >= MAX_SAVED_ITEMS:
        raise validation_failed(
            "name", "You can save at most {limit} channel groups. Remove a group first.", limit=MAX_SAVED_ITEMS
        )
    row, _ = ChannelGroup.objects.update_or_create(workspace=actor.workspace, name=name, defaults={"keys": keys})
    actor.record("group.saved", row.id, name=name, channels=keys)
    return row


@transaction.atomic
def delete_group(actor: Actor, group_id: UUID | str) -> None:
    """Its channels stay as they are. Raises NotAllowed, NotFound."""
    actor.require(Permission.WRITE)
    row = ChannelGroup.objects.filter(workspace=actor.workspace, id=as_uuid(group_id)).first()
    if row is None:
        raise NotFound("group", group_id)
    actor.record("group.forgotten", row.id, name=row.name, channels=row.keys)
    row.delete()


def announce_presence(actor: Actor, draft_id: UUID, hand: str) -> list[str]:
    """Say that this editor (`hand`) has the post open, and learn the names of those who have it open elsewhere."""
    actor.require(Permission.READ)
    if actor.person is None:
        return []
    now = clock.now()
    row = EditorPresence(workspace=actor.workspace, draft_id=draft_id, hand=hand[:40], person=actor.person, seen_at=now)
    EditorPresence.objects.bulk_create(
        [row], update_conflicts=True, unique_fields=["draft_id", "hand"], update_fields=["seen_at"]
    )
    EditorPresence.objects.filter(workspace=actor.workspace, seen_at__lt=now - PRESENCE_TIMEOUT).delete()
    others = EditorPresence.objects.filter(workspace=actor.workspace, draft_id=draft_id).exclude(hand=hand[:40])
    return list(dict.fromkeys(others.order_by("seen_at").values_list("person__name", flat=True)))


def end_presence(actor: Actor, draft_id: UUID, hand: str) -> None:
    """This editor is closed."""
    EditorPresence.objects.filter(workspace=actor.workspace, draft_id=draft_id, hand=hand[:40]).delete()
