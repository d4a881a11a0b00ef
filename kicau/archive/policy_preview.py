"""A change of policy, looked at before it is made: what would enter, what would leave, whom it would reach."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from django.db.models import Count, Q, QuerySet

from kicau.archive.models import Item, RightsContext
from kicau.archive.policy_decisions import RightsEvaluator
from kicau.archive.record_statements import get_statement
from kicau.base import clock
from kicau.base.errors import NotFound
from kicau.connector.content import Problem
from kicau.rights import statements
from kicau.rights.decisions import Decision, RightsVerdict, StatementFacts
from kicau.rights.models import USES, Terms, check_ai_use, check_others_ai_use
from kicau.rights.sentences import decision_reason
from kicau.rights.statements import NewStatement, check_values
from kicau.workspaces.actors import Actor, Permission
from kicau.workspaces.models import Workspace

MAX_EXAMPLES = 5  # items of each kind
MAX_REASONS = 20  # of each kind


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipientEffect:
    """Somebody who was given items that would leave."""

    name: str
    of: str  # what they were given: a set's name
    version: int  # and which of its versions
    on: date | None
    items: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasonCount:
    """Items with one and the same reason after the change."""

    reason: Problem
    items: int


#: Each is asked which past recipients hold any of these items: (workspace, use, the items that would leave). Whoever
#: gives items away registers here (in kicau.config).
PAST_RECIPIENT_HOOKS: list[Callable[[Workspace, str, QuerySet[Item]], Sequence[RecipientEffect]]] = []


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyEffect:
    """On one use. Entering: not permitted before, permitted then."""

    use: str
    before: int  # permitted items
    after: int
    entering: int
    leaving: int
    enter: Sequence[Item] = ()  # some of them
    leave: Sequence[Item] = ()
    why_enter: Sequence[ReasonCount] = ()  # what would then be said of those that enter, the most frequent first
    why_leave: Sequence[ReasonCount] = ()
    recipients: Sequence[RecipientEffect] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyChange:
    """What would be said otherwise: the workspace's own rule, statements made or ended, terms read otherwise."""

    policy: Mapping[str, str] | None = None  # for what this workspace wrote
    others: Mapping[str, str] | None = None  # for others' words
    added: Sequence[NewStatement] = ()
    ended: Sequence[UUID | str] = ()  # ids of statements
    terms: Mapping[int, Mapping[str, str]] = field(
        default_factory=dict
    )  # as if reviewed, by id: what they say, {} for as they stand


def simulate_change(actor: Actor, change: PolicyChange, uses: Sequence[str] = USES) -> list[PolicyEffect]:
    """The effect on each use in this workspace; nothing is changed. Raises ValidationFailed and NotFound where the change
    itself could not be made."""
    actor.require(Permission.READ)
    at = clock.now()
    before = RightsEvaluator(actor.workspace, at=at)
    after = RightsEvaluator(
        actor.workspace,
        at=at,
        ended=[str(get_statement(actor, one).id) for one in change.ended],
        added=[statements.preview_statement(actor.workspace.id, one, at) for one in change.added],
        policy=None if change.policy is None else check_ai_use(change.policy),
        others=None if change.others is None else check_others_ai_use(change.others),
        terms=_changed_terms(change.terms),
    )
    return [_effect_on_use(actor, before, after, use) for use in uses]


def _effect_on_use(actor: Actor, before: RightsEvaluator, after: RightsEvaluator, use: str) -> PolicyEffect:
    rows = Item.objects.filter(workspace=actor.workspace)
    singly = Q(said=True) | Q(id__in=after.named)
    for site in {*before.sites, *after.sites}:
        singly |= Q(url__istartswith=site)
    shared = dict(rows.exclude(singly).order_by().values_list("standing_id").annotate(Count("id")))
    standings = {s.id: s.facts() for s in RightsContext.objects.filter(workspace=actor.workspace, id__in=shared)}
    was = {id_: before.decide(use, facts).answer == RightsVerdict.YES for id_, facts in standings.items()}
    then = {id_: after.decide(use, facts) for id_, facts in standings.items()}
    will = {id_: decision.answer == RightsVerdict.YES for id_, decision in then.items()}
    enter = [id_ for id_ in shared if will[id_] and not was[id_]]
    leave = [id_ for id_ in shared if was[id_] and not will[id_]]
    one_by_one = rows.filter(singly).order_by("id")
    was_singly = {id_: d.answer == RightsVerdict.YES for id_, d in before.decide_items(use, one_by_one)}
    then_singly = dict(after.decide_items(use, one_by_one))
    will_singly = {id_: d.answer == RightsVerdict.YES for id_, d in then_singly.items()}
    in_singly = [id_ for id_, yes in will_singly.items() if yes and not was_singly[id_]]
    out_singly = [id_ for id_, yes in was_singly.items() if yes and not will_singly[id_]]
    entering = rows.filter(Q(standing_id__in=enter) & ~singly | Q(id__in=in_singly))
    leaving = rows.filter(Q(standing_id__in=leave) & ~singly | Q(id__in=out_singly))
    gone = sum(shared[i] for i in leave) + len(out_singly)
    come = sum(shared[i] for i in enter) + len(in_singly)
    count = sum(n for i, n in shared.items() if was[i]) + sum(was_singly.values())
    return PolicyEffect(
        use=use,
        before=count,
        after=count + come - gone,
        entering=come,
        leaving=gone,
        enter=_example_items(entering) if come else (),
        leave=_example_items(leaving) if gone else (),
        why_enter=_count_reasons([(then[i], shared[i]) for i in enter] + [(then_singly[i], 1) for i in in_singly]),
        why_leave=_count_reasons([(then[i], shared[i]) for i in leave] + [(then_singly[i], 1) for i in out_singly]),
        recipients=[r for ask in PAST_RECIPIENT_HOOKS for r in ask(actor.workspace, use, leaving)] if gone else (),
    )


def _count_reasons(decided: Iterable[tuple[Decision, int]]) -> list[ReasonCount]:
    """Equal sentences together."""
    reasons: dict[str, Problem] = {}
    counts: Counter[str] = Counter()
    for decision, items in decided:
        told = decision_reason(decision)
        reasons[told.sentence] = told
        counts[told.sentence] += items
    return [ReasonCount(reason=reasons[said], items=n) for said, n in counts.most_common(MAX_REASONS)]


def _example_items(rows: QuerySet[Item]) -> list[Item]:
    return list(rows.select_related("standing").defer("search").order_by("-posted_at", "-id")[:MAX_EXAMPLES])


def _changed_terms(otherwise: Mapping[int, Mapping[str, str]]) -> list[StatementFacts] | None:
    if not otherwise:
        return None
    rows = {row.id: row for row in Terms.objects.all()}
    for id_, says in otherwise.items():
        if id_ not in rows:
            raise NotFound("row of terms", id_)
        rows[id_].says, rows[id_].reviewed_at = check_values(says or rows[id_].says), clock.now()
    return statements.terms_statements(rows.values())
