"""Changing what is published: proposed, shown, then made to read so on its network, one part after the other.

A lost answer, and a process that died, leave a revision open: the next step of it looks before anything is sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from uuid import UUID

import aiohttp
from asgiref.sync import sync_to_async
from django.db import IntegrityError, transaction

from kicau.base import clock
from kicau.base.errors import Conflict, ValidationFailed, validation_failed
from kicau.base.sentences import Sentence, of_problems
from kicau.channels.channel_session import ChannelSession, capabilities_of, new_client
from kicau.channels.metered_session import metered_session
from kicau.connector import registry
from kicau.connector.content import Part, Problem, Rendered
from kicau.connector.errors import ConnectorError, Rejected, Uncertain
from kicau.connector.roles import edits
from kicau.connector.serialization import from_json, to_json
from kicau.costs import call_budgets
from kicau.costs.models import Purpose
from kicau.events.catalogue import DeliveryEdited
from kicau.events.dispatch import emit
from kicau.publishing import transitions
from kicau.publishing.budget import budget_checks
from kicau.publishing.models import RENDERED_COLUMNS, Delivery, Revision
from kicau.publishing.scheduling import actions
from kicau.publishing.transitions import Verb
from kicau.workspaces.actors import Actor, Permission


@dataclass(frozen=True, slots=True, kw_only=True)
class PostEditInput:
    """What is to read otherwise; what is not named stays. Texts by part, alt texts by part and place, options by name."""

    texts: Mapping[int, str] = field(default_factory=dict)
    alts: Mapping[tuple[int, int], str] = field(default_factory=dict)
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class PostEditPreview:
    """How a published post would read."""

    row: Delivery
    before: Rendered
    after: Rendered
    problems: tuple[Problem, ...]  # empty: it can be changed so
    parts: tuple[int, ...]  # that are sent; empty: nothing differs
    written: tuple[str, ...]  # what its author wrote, or would have, for each part


def preview_edit(actor: Actor, delivery_id: UUID | str, change: PostEditInput) -> PostEditPreview:
    """The preview of a change, by the same `render` as any other; nothing is changed. Raises NotFound, Conflict."""
    actor.require(Permission.PUBLISH)
    return _build_preview(actions.one_delivery(actor, delivery_id), change)


def _build_preview(row: Delivery, change: PostEditInput) -> PostEditPreview:
    transitions.require(row, Verb.EDIT)
    role, before, can = (
        registry.get_connector(row.network),
        from_json(Rendered, row.rendered),
        capabilities_of(row.channel),
    )
    assert isinstance(role, edits.EditRole)
    draft = edits.draft_from_rendered(role, before)
    parts = [_edited_part(n, part, change) for n, part in enumerate(draft.parts)]
    for part in {*change.texts, *(n for n, _ in change.alts)} - set(range(len(parts))):
        raise validation_failed(
            f"parts.{part}",
            "This post has no part {part}. Number of parts in this post: {count}. Choose one of them.",
            count=len(parts),
            part=part + 1,
        )
    wanted = replace(draft, parts=tuple(parts), options={**draft.options, **change.options})
    rendered = role.render(wanted, can)
    after = edits.with_unchanged_parts(before, rendered)
    problems = (*rendered.problems, *edits.check_editable(before, after, can, role.label))
    return PostEditPreview(
        row=row,
        before=before,
        after=after,
        problems=problems,
        parts=edits.changed_parts(before, after),
        written=tuple(one.text for one in parts),
    )


def _edited_part(n: int, part: Part, change: PostEditInput) -> Part:
    media = tuple(replace(one, alt=change.alts.get((n, m), one.alt)) for m, one in enumerate(part.media))
    return replace(part, text=change.texts.get(n, part.text), media=media)


def _unfinished_edit(actor: Actor, delivery_id: UUID | str) -> tuple[Delivery, Revision]:
    """The change of which it is not known what became. Raises NotAllowed, NotFound, Conflict."""
    actor.require(Permission.PUBLISH)
    row = actions.one_delivery(actor, delivery_id)
    transitions.require(row, Verb.RESOLVE_EDIT)
    return row, row.revisions.get(state__in=transitions.UNFINISHED_EDIT_STATES)


async def apply_edit(
    actor: Actor, delivery_id: UUID | str, change: PostEditInput, *, client: aiohttp.ClientSession | None = None
) -> Delivery:
    """Make a published post read otherwise. Raises NotAllowed, NotFound, ValidationFailed (what cannot be changed, or the
    network's reason), Conflict (not published, nothing differs, a hard budget without room, a change that has not ended, the network away, or an
    answer that was lost: then `resolve_edit` it).
    """
    row, revision = await sync_to_async(_begin_edit)(actor, delivery_id, change)
    return await _carry_out_edit(actor, row, revision, doubt=False, client=client)


@transaction.atomic
def _begin_edit(actor: Actor, delivery_id: UUID | str, change: PostEditInput) -> tuple[Delivery, Revision]:
    proposed = preview_edit(actor, delivery_id, change)
    if capabilities_of(proposed.row.channel).needs_confirmation and actor.person is None:
        raise Conflict(
            "On this network, only a person who is signed in to Kicau can edit a published post, not an API token. Sign in to Kicau to edit this post."
        )
    if proposed.problems:
        raise ValidationFailed(proposed.problems)
    if not proposed.parts:
        raise Conflict(
            "You have not changed anything: this post is the same as the published post. Make a change first."
        )
    try:
        with transaction.atomic():
            made = Revision.objects.create(
                delivery=proposed.row,
                person=actor.person,
                before=to_json(proposed.before),
                after=to_json(proposed.after),
            )
    except IntegrityError:
        raise Conflict(
            "Kicau does not know yet whether an earlier edit of this published post succeeded. Check the result of that edit first."
        ) from None
    return proposed.row, made


async def resolve_edit(
    actor: Actor, delivery_id: UUID | str, *, reads: str = "", client: aiohttp.ClientSession | None = None
) -> Delivery:
    """What became of a change that did not report: the network is asked, and what it lacks is sent. Where it cannot
    tell, a person says how the post reads there: `reads` "after" (changed) or "before" (not: it is sent again).

    Raises as `apply_edit` does; Conflict where there is no such change.
    """
    row, revision = await sync_to_async(_unfinished_edit)(actor, delivery_id)
    if reads not in ("", "after", "before"):
        raise validation_failed(
            "reads",
            "Look at the post on the network. Then choose “before” (the network shows the old post) or “after” (the network shows the edited post).",
        )
    if reads == "after":
        revision.done = [n for n, _ in enumerate(row.remote_ids)]
        await sync_to_async(_finish_edit)(
            actor,
            row,
            revision,
            Revision.State.DONE,
            Sentence("{who} checked the published post and confirmed that the network shows the edit.", who=actor.name),
        )
        return row
    return await _carry_out_edit(actor, row, revision, doubt=not reads, client=client)


async def _carry_out_edit(
    actor: Actor, row: Delivery, revision: Revision, *, doubt: bool, client: aiohttp.ClientSession | None
) -> Delivery:
    session, work = client or new_client(), budget_checks.charge_context_for_actor(actor, row, Purpose.EDIT)
    label = registry.get_connector(row.network).label
    try:
        async with metered_session(row.channel, session, work) as live:
            await _edit_parts(live, row, revision, doubt)
    except call_budgets.BudgetExceeded as exc:
        await sync_to_async(_finish_edit)(
            actor, row, revision, Revision.State.UNKNOWN if doubt else Revision.State.REFUSED, exc.sentence
        )
        raise
    except Rejected as exc:
        await sync_to_async(_finish_edit)(actor, row, revision, Revision.State.REFUSED, of_problems(exc.problems))
        raise ValidationFailed(exc.problems) from exc
    except Uncertain as exc:
        lost = Sentence(
            "{network} did not confirm whether it changed the published post. Look at the post on the network, or let Kicau check the post.",
            network=label,
        )
        await sync_to_async(_finish_edit)(actor, row, revision, Revision.State.UNKNOWN, lost + exc.detail[:200])
        raise Conflict(str(lost)) from exc
    except ConnectorError as exc:
        told = Sentence(
            "Kicau could not send your edit of the post to {network}: {why}. Try again later.",
            network=label,
            why=str(exc)[:200],
        )
        await sync_to_async(_finish_edit)(
            actor, row, revision, Revision.State.UNKNOWN if doubt else Revision.State.REFUSED, told
        )
        raise Conflict(str(told)) from exc
    finally:
        if client is None:
            await session.close()
    await sync_to_async(_finish_edit)(
        actor,
        row,
        revision,
        Revision.State.DONE,
        Sentence("{who} edited the published post on {network} from Kicau.", who=actor.name, network=label),
    )
    return row


async def _edit_parts(live: ChannelSession, row: Delivery, revision: Revision, doubt: bool) -> None:
    role = live.connector
    assert isinstance(role, edits.EditRole)
    before, after = from_json(Rendered, revision.before), from_json(Rendered, revision.after)
    for part in edits.changed_parts(before, after):
        if part in revision.done:
            continue
        wanted = edits.PartRevision(post_id=row.remote_ids[part], part=part, before=before, after=after, doubt=doubt)
        revision.raw[str(part)] = dict(await edits.apply_revision(role, live, wanted, live.connector.label))
        revision.done.append(part)
        await sync_to_async(revision.save)(update_fields=["done", "raw"])


@transaction.atomic
def _finish_edit(actor: Actor, row: Delivery, revision: Revision, state: Revision.State, said: str) -> None:
    """What is known of it is kept: the parts that read otherwise now, and a line of the story."""
    revision.state = state
    revision.ended_at = None if state in transitions.UNFINISHED_EDIT_STATES else clock.now()
    revision.save()
    if revision.done and state not in transitions.UNFINISHED_EDIT_STATES:
        before, after = from_json(Rendered, revision.before), from_json(Rendered, revision.after)
        parts = [
            new if n in revision.done else old
            for n, (old, new) in enumerate(zip(before.parts, after.parts, strict=True))
        ]
        kept = replace(after, parts=tuple(parts))
        row.show(kept)
    row.changed_at = clock.now()
    row.save(update_fields=[*RENDERED_COLUMNS, "changed_at"])
    outcome = {Revision.State.DONE: "edited", Revision.State.UNKNOWN: "edit-unknown"}.get(state, "edit-refused")
    transitions.log_attempt(row, outcome, said)
    if state == Revision.State.DONE:
        emit(DeliveryEdited(workspace_id=row.workspace_id, object_id=row.id, actor=actor, parts=tuple(revision.done)))
