"""The optional role of changing what is published: absent where a network has no such thing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Protocol, runtime_checkable

from kicau.connector.capabilities import Ability, Capabilities
from kicau.connector.content import JSON, AttemptNote, Draft, Part, Problem, Rendered, RenderedPart
from kicau.connector.errors import Rejected, Uncertain
from kicau.connector.session import Session

# What `Capabilities.editable` may name, beside "options.NAME" for each of the network's options.
TEXT_FIELD, ALT_TEXT_FIELD, LANGUAGE_FIELD = "text", "alt", "language"


class RemoteContentState(StrEnum):
    """How a published post reads on its network now."""

    BEFORE = "before"
    AFTER = "after"
    OTHER = "other"  # somebody changed it there
    GONE = "gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class PartRevision:
    """One part of a published post, and how it is to read."""

    post_id: str  # the network's
    part: int
    before: Rendered
    after: Rendered
    doubt: bool = False  # an earlier try may have been carried out


@runtime_checkable
class EditRole(Protocol):
    def written(self, part: RenderedPart, /) -> str:
        """What an author writes to have `part` shown: its text, with each mention as this network's `render` reads it."""

    async def reads(self, session: Session, revision: PartRevision, /) -> RemoteContentState:
        """Raises Uncertain where the network lets nobody read it."""

    async def revise(self, session: Session, revision: PartRevision, /) -> Mapping[str, JSON]:
        """Change it; what is kept of the answer. To send the same twice does no harm, but a change that somebody else
        made in between would be lost, so a lost answer is Uncertain."""


async def apply_revision(role: EditRole, session: Session, revision: PartRevision, label: str) -> Mapping[str, JSON]:
    """Make a part read as wanted, looking before anything is sent; {} where it reads so already.

    Raises Rejected where it is gone or was changed there, Uncertain where an answer was lost and a look does not show
    that it was carried out, and the other errors as any call; after those nothing was changed by this try.
    """
    match await _look_before_change(role, session, revision):
        case RemoteContentState.AFTER:
            return {}
        case RemoteContentState.GONE:
            raise Rejected(
                _problem(
                    "gone",
                    "Kicau cannot change this published post, because it no longer exists on {network}. You do not need to do anything.",
                    label,
                )
            )
        case RemoteContentState.OTHER:
            raise Rejected(
                _problem(
                    "changed-there",
                    "Someone edited this published post directly on {network}, so Kicau did not apply your change. Look at the published post before you edit it again.",
                    label,
                )
            )
    try:
        return await role.revise(session, revision)
    except Uncertain as lost:
        try:
            if await role.reads(session, revision) is RemoteContentState.AFTER:
                return {}
        except Exception:  # noqa: S110 (a look that fails tells nothing: the answer stays lost)
            pass
        raise lost from None


async def _look_before_change(role: EditRole, session: Session, revision: PartRevision) -> RemoteContentState:
    """Where a network cannot tell, a first try is made all the same; after one whose answer was lost, a person is asked,
    as where it refuses to show the post: it may have been changed."""
    try:
        found = await role.reads(session, revision)
    except Uncertain:
        if revision.doubt:
            raise
        return RemoteContentState.BEFORE
    except Rejected as refused:
        if revision.doubt:
            raise Uncertain(refused.detail) from refused
        raise
    if found is RemoteContentState.GONE and revision.doubt:
        raise Uncertain(AttemptNote("Kicau cannot find the post on the network."))
    return found


def _problem(code: str, message: str, label: str, **params: str) -> Problem:
    return Problem(code=code, message=message, params={"network": label, **params})


def draft_from_rendered(role: EditRole, post: Rendered) -> Draft:
    """A draft that renders as `post` does, to be changed and rendered again."""
    return Draft(
        parts=tuple(Part(text=role.written(part), media=tuple(one.media for one in part.media)) for part in post.parts),
        link=post.link,
        poll=post.poll,
        first_comment=post.first_comment.text if post.first_comment else "",
        reply_to=post.reply_to,
        answers_own=post.answers_own,
        language=post.language,
        options=post.options,
    )


def with_unchanged_parts(before: Rendered, after: Rendered) -> Rendered:
    """`after` with everything from `before` that no edit touches: copies that were made, the card, the comment."""
    parts = [_same_files(old, new) for old, new in zip(before.parts, after.parts, strict=False)]
    return replace(
        after,
        parts=tuple(parts),
        link=before.link,
        poll=before.poll,
        first_comment=before.first_comment,
        charges=before.charges,
        lead=before.lead,
        notices=(),
    )


def _same_files(before: RenderedPart, after: RenderedPart) -> RenderedPart:
    media = tuple(
        replace(old, media=replace(old.media, alt=new.media.alt))
        for old, new in zip(before.media, after.media, strict=False)
    )
    if before.text == after.text:
        return replace(before, media=media)
    return replace(after, media=media)


def changed_parts(before: Rendered, after: Rendered) -> tuple[int, ...]:
    """The parts that have to be changed on the network: all of them where what differs holds for the whole post."""
    whole = before.language != after.language or dict(before.options) != dict(after.options)
    return tuple(
        n
        for n, (old, new) in enumerate(zip(before.parts, after.parts, strict=False))
        if whole or _editable_content(old) != _editable_content(new)
    )


def _editable_content(part: RenderedPart) -> tuple[str, tuple[str, ...], tuple[object, ...]]:
    return part.text, tuple(one.media.alt for one in part.media), part.spans


def check_editable(before: Rendered, after: Rendered, can: Capabilities, label: str) -> tuple[Problem, ...]:
    """A problem for each thing that differs and that this network lets nobody change once it is published."""
    if not can.can(Ability.EDIT):
        return (
            _problem(
                "no-edit",
                "{network} does not allow changes to published posts. Delete the published post, then publish a corrected post.",
                label,
            ),
        )
    found = []
    for n, (old, new) in enumerate(zip(before.parts, after.parts, strict=True)):
        if old.text != new.text:
            found.append((TEXT_FIELD, f"parts.{n}.text", "the text"))
        for m, (one, other) in enumerate(zip(old.media, new.media, strict=True)):
            if one.media.alt != other.media.alt:
                found.append((ALT_TEXT_FIELD, f"parts.{n}.media.{m}.alt", "an alt text"))
    if before.language != after.language:
        found.append((LANGUAGE_FIELD, "language", "the language"))
    labels = {option.name: option.label for option in can.options}
    for name in {*before.options, *after.options}:
        if before.options.get(name, "") != after.options.get(name, ""):
            found.append((f"options.{name}", f"options.{name}", f"“{labels.get(name, name)}”"))
    message = "On {network}, you cannot change {what} of a published post. Undo the change, or delete the post and publish it again."
    return tuple(
        replace(_problem("cannot-change", message, label, what=what), field=field)
        for name, field, what in found
        if name not in can.editable
    )
