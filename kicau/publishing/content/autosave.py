"""A post while somebody writes it: shown before it is saved, and kept as one types."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Model

from kicau.base import clock
from kicau.base.errors import Conflict, NotFound
from kicau.base.sentences import Sentence
from kicau.media.models import Medium
from kicau.publishing.content import compositions
from kicau.publishing.models import Campaign, Draft, DraftState, Part, Variant
from kicau.rights.models import ActivityEntry
from kicau.workspaces.actors import Actor, Permission

AUDIT_INTERVAL = timedelta(minutes=30)  # somebody who goes on writing leaves one line in the audit trail for so long


def build_unsaved_draft(
    actor: Actor,
    composition: compositions.Composition,
    *,
    book: compositions._LookupCache | None = None,
    media: Mapping[UUID, Medium] | None = None,
) -> Draft:
    """The draft that saving would make, whole, for a preview. Nothing is written. Raises as `create_draft` does.

    `book`: what the composition names, where it was looked up for many at once. `media`: the workspace's media that
    are at hand already.
    """
    actor.require(Permission.READ)
    name, composition = composition.campaign, replace(composition, campaign="")  # it is made when the draft is saved
    book = book or compositions._LookupCache(actor, [composition], media)
    draft = compositions._build_draft(actor, composition, book)
    draft.campaign = Campaign(workspace=actor.workspace, name=name) if name else None
    parts: list[Part] = []
    variants: list[Variant] = []
    _add_parts(parts, draft, None, composition.parts, book)
    for given in composition.variants:
        variant = compositions._build_variant(draft, given, book)
        variants.append(variant)
        _add_parts(parts, draft, variant, given.parts or (), book)
    _set_prefetched(draft, parts=parts, variants=variants)
    return draft


def _add_parts(
    parts: list[Part],
    draft: Draft,
    variant: Variant | None,
    inputs: Iterable[compositions.PartContent],
    book: compositions._LookupCache,
) -> None:
    for position, given in enumerate(inputs):
        part = Part(draft=draft, variant=variant, position=position, text=given.text)
        uses = [compositions._build_part_medium(part, n, use, book) for n, use in enumerate(given.media)]
        _set_prefetched(part, uses=uses)
        parts.append(part)


def _set_prefetched(owner: Model, **related: list[Any]) -> None:
    """As if its related rows had been fetched with it."""
    cache = owner.__dict__.setdefault("_prefetched_objects_cache", {})
    for name, rows in related.items():
        found = getattr(owner, name).none()
        found._result_cache = rows
        cache[name] = found


def autosave(
    actor: Actor,
    draft_id: UUID,
    composition: compositions.Composition,
    *,
    version: int | None = None,
    desk: Mapping[str, Any] | None = None,
) -> Draft:
    """Save what is being written under an id that the writer chose beforehand, so that saving twice makes one draft.

    `desk` is what the author chose beside the post (channels, time); it comes back with the draft. Its "hand" names one
    open editor. Raises Conflict where another hand changed the draft since `version`, or where it is scheduled.
    """
    actor.require(Permission.WRITE)
    kept = dict(desk or {})
    with transaction.atomic():
        draft = _lock_draft(actor, draft_id) or _create_empty_draft(actor, draft_id, composition)
        if draft.state not in (DraftState.DRAFT, DraftState.SUBMITTED, DraftState.APPROVED):
            raise Conflict(
                Sentence(
                    "The status of this post is “{state}”, so Kicau does not save your changes automatically. Choose “Save changes”.",
                    state=draft.get_state_display(),
                )
            )
        another_hand = (
            version is not None
            and version != draft.version
            and draft.extras.get("desk", {}).get("hand") != kept.get("hand")
        )
        if another_hand and not has_same_content(draft, composition):
            raise Conflict(
                "Someone else changed this post after you opened it. Open the post again to see the change, then repeat your own change."
            )
        draft = compositions.replace_content(actor, draft, composition)
        draft.extras = {**draft.extras, "desk": kept}
        draft.save(update_fields=["extras"])
        if not ActivityEntry.objects.filter(
            subject=str(draft.id),
            actor_id=actor.person_id,
            act__in=("draft.created", "draft.edited"),
            at__gte=clock.now() - AUDIT_INTERVAL,
        ).exists():
            actor.record("draft.edited", draft.id)
    return draft


def has_same_content(draft: Draft, composition: compositions.Composition) -> bool:
    """Whether the draft holds these very words already: a last save that came late is no other's change."""
    parts = [*composition.parts, *(part for v in composition.variants for part in v.parts or ())]
    return sorted(part.text for part in parts) == sorted(draft.parts.values_list("text", flat=True))


def _lock_draft(actor: Actor, draft_id: UUID) -> Draft | None:
    return Draft.objects.select_for_update().filter(workspace=actor.workspace, id=draft_id).first()


def _create_empty_draft(actor: Actor, draft_id: UUID, composition: compositions.Composition) -> Draft:
    """An empty draft with that id; the row that another request has just made where that was faster."""
    draft = compositions._build_draft(
        actor, replace(composition, campaign=""), compositions._LookupCache(actor, [replace(composition, campaign="")])
    )
    draft.id, draft.version = draft_id, 0
    Draft.objects.bulk_create([draft], ignore_conflicts=True)
    found = _lock_draft(actor, draft_id)
    if found is None:  # the id belongs to another workspace
        raise NotFound("post", draft_id)
    if found.version == 0:
        actor.record("draft.created", draft_id)
    return found


def save_pending_form(actor: Actor, draft_id: UUID, form: str, hand: str) -> None:
    """Keep what is typed into a scheduled post beside it: nothing that goes out changes before its author says so.
    Raises NotAllowed, NotFound. `compose.rewrite` forgets it, since then it was said."""
    actor.require(Permission.WRITE)
    with transaction.atomic():
        draft = _lock_draft(actor, draft_id)
        if draft is None:
            raise NotFound("post", draft_id)
        pending = {
            "form": form,
            "hand": hand,
            "version": draft.version,
            "by": actor.name,
            "at": clock.now().isoformat(),
        }
        draft.extras = {**draft.extras, "pending": pending}
        draft.save(update_fields=["extras"])


def discard_pending_form(actor: Actor, draft_id: UUID) -> None:
    """Go back to the post as it is scheduled."""
    actor.require(Permission.WRITE)
    with transaction.atomic():
        if draft := _lock_draft(actor, draft_id):
            draft.extras = {k: v for k, v in draft.extras.items() if k != "pending"}
            draft.save(update_fields=["extras"])
