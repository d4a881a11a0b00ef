"""Which texts of an archive carry their prohibition into copies, and which posts are such copies.

- What was withdrawn, refused, or denied by its author or licence may not be used in any copy, whoever repeats it.
- What only the terms or the site of one copy deny, what was written for a few, and what nobody has permitted, binds that
  copy: the same author's words may be free elsewhere. Our own posts that quote such words of others are asked about.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from kicau.archive.models import UNKNOWN_DATE, Item, RightsContext
from kicau.archive.policy_decisions import RightsEvaluator
from kicau.base.sentences import Sentence
from kicau.rights.decisions import LIMITED_AUDIENCE_KEY, OWN_POSTS_KEY, Decision, RightsVerdict
from kicau.rights.models import Layer, Subject
from kicau.training_sets.models import TrainingSet
from kicau.training_sets.reasons import (
    COPIES_PROHIBITED,
    OWN_POST_COPIES_PROHIBITED,
    PRIVATE_MESSAGE,
    decision_sentence,
)

if TYPE_CHECKING:
    from kicau.training_sets.prohibited_copies import TextCopy

TEXT_LAYERS = (Layer.WITHDRAWAL, Layer.GRANT, Layer.AUTHOR, Layer.LICENCE)
MESSAGE_KIND = "message"


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveText:
    """A text of the archive, as copies are looked for."""

    id: UUID
    text: str
    author: str
    is_own: bool
    posted_at: datetime
    kind: str
    decision: Decision


@dataclass(frozen=True, slots=True, kw_only=True)
class ProhibitedCopy:
    """Post `item` holds the words of `original`. `is_question`: it is our own, so somebody decides."""

    item: UUID
    original: UUID
    is_question: bool
    why: Sentence


def prohibited_originals(
    of: TrainingSet, judge: RightsEvaluator, only: Iterable[UUID] | None = None
) -> list[ArchiveText]:
    """All texts of the workspace that may not be put to the set's use (of these items alone)."""
    rows = Item.objects.filter(workspace=of.workspace).exclude(text="")
    if only is not None:
        rows = rows.filter(id__in=list(only))
    standings = {s.id: s for s in RightsContext.objects.filter(workspace=of.workspace)}
    decisions = dict(judge.decide_items(of.use, rows.order_by("id"), of.meets))
    found = []
    for id_, text, standing, posted_at, kind in rows.order_by("id").values_list(
        "id", "text", "standing_id", "posted_at", "kind"
    ):
        shared, decision = standings[standing], decisions.get(id_)
        if decision is None or (decision.words_answer == RightsVerdict.YES and (kind != MESSAGE_KIND or shared.own)):
            continue  # what a file alone forbids, its words do not carry along
        one = ArchiveText(
            id=id_,
            text=text,
            author=shared.author,
            is_own=shared.own,
            posted_at=posted_at,
            kind=kind,
            decision=decision,
        )
        if _binds_text(one) or not one.is_own:
            found.append(one)
    return found


def find_prohibited(texts: Sequence[ArchiveText], forbidden: Sequence[ArchiveText]) -> Mapping[UUID, ProhibitedCopy]:
    """Those of the permitted `texts` that hold the words of a forbidden one, each with one reason."""
    from kicau.training_sets import prohibited_copies  # brings what compiles the search, which no other process needs

    found: dict[UUID, ProhibitedCopy] = {}
    refused: set[UUID] = set()  # a no tells more than that nobody has permitted it
    for copy in prohibited_copies.find_copies([one.text for one in texts], [one.text for one in forbidden]):
        post, original = texts[copy.text], forbidden[copy.original]
        if post.id == original.id or (post.is_own and is_granted(post)) or not _may_be_copy(post, original, copy):
            continue
        is_no = original.decision.answer == RightsVerdict.NO
        if post.id not in found or (is_no and post.id not in refused):
            refused |= {post.id} if is_no else set()
            reason = (
                PRIVATE_MESSAGE
                if original.decision.answer == RightsVerdict.YES
                else decision_sentence(original.decision)
            )
            found[post.id] = ProhibitedCopy(
                item=post.id,
                original=original.id,
                is_question=post.is_own,
                why=(OWN_POST_COPIES_PROHIBITED if post.is_own else COPIES_PROHIBITED) + reason,
            )
    return found


def is_granted(post: ArchiveText) -> bool:
    """Whether somebody has granted the use of this very post, so knowing what it holds."""
    return post.decision.layer == Layer.GRANT and any(
        link.decided and link.said.subject == Subject.ITEM for link in post.decision.chain
    )


def _may_be_copy(post: ArchiveText, original: ArchiveText, copy: TextCopy) -> bool:
    from kicau.training_sets import prohibited_copies

    same_author = (post.is_own and original.is_own) or post.author == original.author
    if copy.is_whole and not same_author and not prohibited_copies.is_distinctive(original.text):
        return False  # a greeting is anybody's
    if _binds_text(original):
        return not (post.is_own and original.is_own and _is_exempt(post, original))
    if same_author or not post.is_own:
        return False
    if original.kind == MESSAGE_KIND or original.decision.words_answer == RightsVerdict.NO:
        return True
    return original.posted_at == UNKNOWN_DATE or post.posted_at == UNKNOWN_DATE or original.posted_at <= post.posted_at


def _binds_text(one: ArchiveText) -> bool:
    decision = one.decision
    if decision.words_answer != RightsVerdict.NO or decision.layer not in TEXT_LAYERS:
        return False
    return not any(link.decided and link.said.key == LIMITED_AUDIENCE_KEY for link in decision.chain)


def _is_exempt(post: ArchiveText, original: ArchiveText) -> bool:
    """Whether the original is denied by the rule for all our words, and this post permitted by what was said of it."""
    general = all(link.said.key == OWN_POSTS_KEY for link in original.decision.chain if link.decided)
    return general and any(link.decided and link.said.subject == Subject.ITEM for link in post.decision.chain)
