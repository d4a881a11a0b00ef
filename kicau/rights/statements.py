"""Statements on disk: keeping them as they were read, ending them, and handing them to decisions."""

from __future__ import annotations

import hashlib
import operator
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import JSONField, Q
from psycopg.types.json import Jsonb

from kicau.base import clock
from kicau.base.errors import validation_failed
from kicau.base.ids import NO_ID, id_among
from kicau.connector.terms import TermsProposal
from kicau.rights import licences
from kicau.rights.decisions import OTHERS_POSTS_KEY, OWN_POSTS_KEY, StatementFacts, normalize_site
from kicau.rights.models import CONDITIONS, USE_VALUES, USES, Layer, Origin, Party, Statement, Subject, Terms

COPY_THRESHOLD = 200  # statements from which they are copied in
MAX_RAW_BYTES = 65_536  # bytes of a source that are kept beside its hash
STATEMENT_VALUES = ("unknown", *USE_VALUES)
#: What a statement and `StatementFacts` have by the same name, but for the ids.
COPIED_FIELDS = (
    "layer",
    "party",
    "party_name",
    "subject",
    "key",
    "network",
    "acquired",
    "says",
    "conditions",
    "source",
    "raw_sha256",
    "observed_at",
    "valid_from",
    "valid_until",
)
LAYER_VALUES, PARTY_VALUES, SUBJECT_VALUES, ORIGIN_VALUES = (
    tuple(Layer.values),
    tuple(Party.values),
    tuple(Subject.values),
    ("", *Origin.values),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewStatement:
    """What is to be kept; see rights.models.Statement for each field. `raw`: the bytes in which it was read."""

    layer: str
    party: str
    subject: str
    says: Mapping[str, str]
    party_name: str = ""
    key: str = ""
    item: UUID | None = None
    network: str = ""
    acquired: str = ""
    conditions: Mapping[str, str] = field(default_factory=dict)
    source: str = ""
    raw: bytes = b""
    parser: str = ""
    observed_at: datetime | None = None
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    note: str = ""


def record_statements(workspace_id: UUID, given: Iterable[NewStatement], *, by: UUID | None = None) -> list[Statement]:
    """Write statements down, in one go. Raises ValidationFailed for the first that cannot be; then none is kept.

    Permission and audit trail are the caller's (kicau.archive.record_statements, for what people say).
    """
    now = clock.now()
    rows = [_statement_row(workspace_id, one, by, now) for one in given]
    return _copy_rows(rows) if len(rows) > COPY_THRESHOLD else Statement.objects.bulk_create(rows)


def _copy_rows(rows: list[Statement]) -> list[Statement]:
    """As bulk_create: parameters by the hundred thousand cost a minute that COPY does not. Values go as they are, but for
    JSON."""
    fields = Statement._meta.concrete_fields
    names = ", ".join(f'"{field.column}"' for field in fields)
    plain = operator.attrgetter(*(field.attname for field in fields))
    as_json = [at for at, field in enumerate(fields) if isinstance(field, JSONField)]
    with connection.cursor() as cursor, cursor.copy(f"COPY {Statement._meta.db_table} ({names}) FROM STDIN") as copy:
        for row in rows:
            values = list(plain(row))
            for at in as_json:
                values[at] = Jsonb(values[at])
            copy.write_row(values)
    return rows


def preview_statement(workspace_id: UUID, one: NewStatement, at: datetime) -> StatementFacts:
    """What it would say from `at` on, were it kept; nothing is written. Raises ValidationFailed as `record_statements` does."""
    check_validity_end(one, at)
    return statement_facts(_statement_row(workspace_id, one, None, at))


def check_validity_end(one: NewStatement, at: datetime) -> None:
    """Whoever says something now means it to be valid. Raises ValidationFailed where it would have ended before `at`."""
    if one.valid_until and one.valid_until <= at:
        raise validation_failed(
            "valid_until",
            "The end date of the rights statement has already passed. Enter a future date, or leave the field empty for a statement without an end.",
        )


def has_validity_change(workspace_id: UUID, since: datetime, until: datetime) -> bool:
    """Whether a statement or a network's terms began or ended to hold after `since` and up to `until`."""
    days = {"gt": since.astimezone(UTC).date(), "lte": until.astimezone(UTC).date()}
    return (
        Statement.objects.filter(
            Q(valid_from__gt=since, valid_from__lte=until) | Q(valid_until__gt=since, valid_until__lte=until),
            workspace_id=workspace_id,
        ).exists()
        or Terms.objects.filter(
            Q(since__gt=days["gt"], since__lte=days["lte"])
            | Q(until__gt=days["gt"], until__lte=days["lte"])
            | Q(reviewed_at__gt=since, reviewed_at__lte=until)
        ).exists()
    )


def end_of_day(day: date, zone: str) -> datetime:
    """When a statement that is valid until `day` ends: that day belongs to it, in the IANA zone given."""
    return datetime.combine(day + timedelta(days=1), time(), ZoneInfo(zone))


def end_statements(workspace_id: UUID, statement_ids: Sequence[UUID], at: datetime | None = None) -> int:
    """From `at` (now) on they say nothing any more; returns how many were still valid."""
    when = at or clock.now()
    found = Statement.objects.filter(workspace_id=workspace_id, id__in=id_among(statement_ids))
    return found.filter(Q(valid_until=None) | Q(valid_until__gt=when)).update(valid_until=when)


def general_statements(workspace_id: UUID) -> list[StatementFacts]:
    """All that is said of more than one item, whether valid now or not."""
    return [statement_facts(row) for row in Statement.objects.defer("raw").filter(workspace_id=workspace_id, item=None)]


def item_statements(workspace_id: UUID, items: Sequence[UUID]) -> dict[UUID, list[StatementFacts]]:
    """What is said of these items themselves; items of which nothing is said are left out."""
    found: dict[UUID, list[StatementFacts]] = {}
    rows = Statement.objects.filter(workspace_id=workspace_id, item__in=id_among(items))
    for id_, item, *rest in rows.values_list("id", "item", *COPIED_FIELDS):  # rows of models would take twice as long
        found.setdefault(item or NO_ID, []).append(
            StatementFacts(id=str(id_), item=item, **dict(zip(COPIED_FIELDS, rest, strict=True)))
        )
    return found


def policy_statements(own: Mapping[str, str], others: Mapping[str, str]) -> list[StatementFacts]:
    """What a workspace says by its own settings: the author's word on its own posts, the default on others' words."""
    rules = []
    if own:
        rules.append(
            StatementFacts(
                id="policy:own",
                layer=Layer.AUTHOR,
                party=Party.AUTHOR,
                subject=Subject.AUTHOR,
                key=OWN_POSTS_KEY,
                says=own,
            )
        )
    if others:
        rules.append(
            StatementFacts(
                id="policy:default",
                layer=Layer.DEFAULT,
                party=Party.WORKSPACE,
                subject=Subject.AUTHOR,
                key=OTHERS_POSTS_KEY,
                says=others,
            )
        )
    return rules


def terms_statements(rows: Iterable[Terms] | None = None) -> list[StatementFacts]:
    """The networks' terms as statements; what nobody has reviewed says "unknown", which leaves the answer open."""
    return [_terms_facts(row) for row in (Terms.objects.all() if rows is None else rows)]


def propose_terms(network: str, proposals: Iterable[TermsProposal]) -> int:
    """Enter terms that are not in the table yet, unreviewed; what is there is left as it is. Returns how many."""
    known = set(Terms.objects.filter(network=network).values_list("acquired", "since"))
    rows = [
        Terms(
            network=network,
            acquired=one.acquired,
            since=one.since,
            says=check_values(one.says),
            conditions=check_conditions(one.conditions),
            summary=one.summary,
            source=one.source,
            seen_on=one.seen_on,
        )
        for one in proposals
        if (one.acquired, one.since) not in known
    ]
    return len(Terms.objects.bulk_create(rows, ignore_conflicts=True))


def statement_facts(row: Statement) -> StatementFacts:
    return StatementFacts(id=str(row.id), item=row.item, **{name: getattr(row, name) for name in COPIED_FIELDS})


def check_values(says: Mapping[str, str]) -> dict[str, str]:
    """Each use and value known, at least one. Raises ValidationFailed."""
    if not says:
        raise validation_failed(
            "says",
            "This rights statement does not cover any use of the content. Choose at least one use, for example AI training.",
        )
    for use, value in says.items():
        if use not in USES:
            raise validation_failed(
                "says",
                "Kicau does not know the purpose {use!r}. Choose what the content may be used for: {uses}.",
                use=use,
                uses=", ".join(USES),
            )
        if value not in STATEMENT_VALUES:
            raise validation_failed(
                "says",
                "{said!r} is not a valid value. For each use of the content, for example AI training, choose allow, deny, conditional or unknown.",
                said=value,
            )
    return dict(says)


def check_conditions(conditions: Mapping[str, str]) -> dict[str, str]:
    for name in conditions:
        if name not in CONDITIONS:
            raise validation_failed(
                "conditions",
                "Kicau does not know the condition {name!r}. Choose which conditions people must meet to use the content: {known}.",
                name=name,
                known=", ".join(CONDITIONS),
            )
    return dict(conditions)


def _statement_row(workspace_id: UUID, one: NewStatement, by: UUID | None, now: datetime) -> Statement:
    for name, value, known in (
        ("layer", one.layer, LAYER_VALUES),
        ("party", one.party, PARTY_VALUES),
        ("subject", one.subject, SUBJECT_VALUES),
        ("acquired", one.acquired, ORIGIN_VALUES),
    ):
        if value not in known:
            raise validation_failed(
                name,
                "{value!r} is not a valid value in the field “{name}” of a rights statement. Choose one of these values: {known}.",
                name=name,
                value=value,
                known=", ".join(filter(None, known)),
            )
    if (one.subject == Subject.ITEM) != (one.item is not None):
        raise validation_failed(
            "item",
            "Choose a post or file from the archive only if the rights statement is about that one post or file. Otherwise, leave this field empty.",
        )
    if one.subject not in (Subject.ITEM, Subject.EVERYTHING) and not one.key:
        raise validation_failed(
            "key",
            "Choose which content this rights statement covers: for example, all content by one author, under one licence or at one web address.",
        )
    if one.valid_until and one.valid_from and one.valid_until <= one.valid_from:
        raise validation_failed(
            "valid_until", "The end date of the rights statement must be after its start date. Enter a later end date."
        )
    if one.layer == Layer.WITHDRAWAL and set(one.says.values()) - {"deny"}:
        raise validation_failed(
            "says",
            "A withdrawal of permission can only forbid uses of the content, not allow them. To allow a use again, end the withdrawal on the page “Content rights”.",
        )
    key = one.key
    if one.subject == Subject.SITE and not (key := normalize_site(one.key)):
        raise validation_failed(
            "key",
            "{said!r} is not a valid web address. Enter a complete address, for example https://example.org/folder.",
            said=one.key[:80],
        )
    if one.subject == Subject.LICENCE:
        try:
            key = str(licences.parse_expression(one.key))
        except licences.InvalidExpression as exc:
            raise validation_failed(
                "key",
                "{said!r} is not a valid licence: {why}. Enter a standard licence code (SPDX), for example CC-BY-4.0.",
                said=one.key[:80],
                why=str(exc),
            ) from exc
    return Statement(
        workspace_id=workspace_id,
        layer=one.layer,
        party=one.party,
        party_name=one.party_name[:300],
        subject=one.subject,
        key=key[:500],
        item=one.item,
        network=one.network,
        acquired=one.acquired,
        says=check_values(one.says),
        conditions=check_conditions(one.conditions),
        source=one.source[:2000],
        raw=one.raw if one.raw and len(one.raw) <= MAX_RAW_BYTES else None,
        raw_sha256=hashlib.sha256(one.raw).hexdigest() if one.raw else "",
        parser=one.parser[:80],
        observed_at=one.observed_at or now,
        valid_from=one.valid_from or now,
        valid_until=one.valid_until,
        note=one.note,
        recorded_by=by,
        recorded_at=now,
    )


def _terms_facts(row: Terms) -> StatementFacts:
    says = row.says if row.reviewed_at else dict.fromkeys(row.says, "unknown")
    return StatementFacts(
        id=f"terms:{row.id}",
        layer=Layer.CONTRACT,
        party=Party.NETWORK,
        party_name=row.network,
        subject=Subject.NETWORK,
        key=row.network,
        acquired=row.acquired,
        says=says,
        conditions=row.conditions,
        source=row.source,
        observed_at=_start_of_day(row.seen_on),
        valid_from=_start_of_day(row.since),
        valid_until=_start_of_day(row.until) if row.until else None,
        is_unreviewed=row.reviewed_at is None,
    )


def _start_of_day(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
