"""Finding items by their words, and by everything else that is known of them; newest first, a page at a time.

A common word is found by walking back from the newest item, a rare one by the index of words. Which it is shows itself:
the walk ends after WALK items, or goes on to DEEP where what it met by then says that it will be over before; what has
not shown often is rare enough for the index.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.core import signing
from django.db import connection

from kicau.archive.models import Item, RightsContext
from kicau.archive.policy_decisions import PermittedItems, RightsEvaluator, check_use
from kicau.base.errors import validation_failed
from kicau.base.ids import id_among
from kicau.rights.decisions import RightsVerdict
from kicau.workspaces.actors import Actor, Permission

WALK_ITEMS = 3000  # newest items that are looked at before the index of words is asked
DEEP_WALK_ITEMS = 30_000  # items that are walked in the time in which the index leads to 3,000: those lie apart
PHRASE_WALK_ITEMS = 64_000  # as DEEP, for phrases: the index leads to all items that have their words, in a row or not
FACET_USE = "train_gen"  # the use of which facets tell where none is asked for
MAX_COUNTED = 5000  # matches at most of which facets are counted
MAX_RIGHTS_PROFILES = 100  # each of which is walked singly where nothing else is asked
STEMMER_LANGUAGES = ("indonesian", "english", "simple")
_TERM_PATTERN = re.compile(r'-?"[^"]*"|\S+')
_CURSOR_SALT = "kicau.archive.search"


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveQuery:
    """What is looked for; what is left out does not matter. Of several values of one kind any will do.

    `words` as people write them: all must occur, "in quotation marks" as a phrase, -without, either OR other.
    `use` with `answers`: items that may (yes), may not (no) or nobody knows (unknown) be put to that use.
    """

    words: str = ""
    networks: Sequence[str] = ()
    authors: Sequence[str] = ()  # keys ("network:id") or handles
    kinds: Sequence[str] = ()
    acquired: Sequence[str] = ()
    own: bool | None = None
    since: datetime | None = None  # aware
    until: datetime | None = None
    campaign: UUID | None = None
    source: int | None = None
    language: str = ""
    deleted: bool | None = None
    with_media: bool | None = None
    use: str = ""
    answers: Sequence[str] = (RightsVerdict.YES,)
    meets: Sequence[str] = ()
    oldest_first: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchPage:
    items: list[Item]
    following: str  # where the next page begins; "" on the last


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchFacets:
    """Counts of what was found, by what it could be narrowed to; of the first COUNTED matches where there are more."""

    count: int
    more: bool  # whether there are more than were counted
    networks: Mapping[str, int]
    authors: Sequence[tuple[str, str, int]]  # (key, name, count), the most frequent
    kinds: Mapping[str, int]
    acquired: Mapping[str, int]
    years: Mapping[int, int]
    use: str = ""  # Query.use, or what matters most where none is asked
    answers: Mapping[str, int] = field(default_factory=dict)  # whether they may be put to that use


def find_items(actor: Actor, query: ArchiveQuery, *, after: str = "", limit: int = 20) -> SearchPage:
    """One page. `after`: `following` of the page before. Raises ValidationFailed for what cannot be asked."""
    actor.require(Permission.READ)
    asked = _SearchSql(actor, query)
    place = _parse_cursor(after)
    rows = asked.rows(place, limit + 1)
    more, rows = len(rows) > limit, rows[:limit]
    known = {
        i.id: i
        for i in Item.objects.select_related("standing", "campaign").defer("search").filter(id__in=[r[0] for r in rows])
    }
    following = signing.dumps([rows[-1][1].isoformat(), str(rows[-1][0])], salt=_CURSOR_SALT) if more else ""
    return SearchPage(items=[known[id_] for id_, _ in rows if id_ in known], following=following)


def count_facets(actor: Actor, query: ArchiveQuery) -> SearchFacets:
    """By what the result can be narrowed."""
    actor.require(Permission.READ)
    asked = _SearchSql(actor, query)
    counted = asked.counted()
    total = sum(n for *_, n in counted)
    by: dict[str, Counter[Any]] = {name: Counter() for name in ("network", "author", "kind", "acquired", "year")}
    for standing, kind, year, _one, n in counted:
        of = asked.standings[standing]
        by["network"][of.network] += n
        by["author"][of.author] += n
        by["kind"][kind] += n
        by["year"][year] += n
        for way in of.acquired:
            by["acquired"][way] += n
    names = {s.author: s.author_handle or s.author_name or s.author.partition(":")[2] for s in asked.standings.values()}
    return SearchFacets(
        count=min(total, MAX_COUNTED),
        more=total > MAX_COUNTED,
        networks=dict(by["network"].most_common()),
        authors=[(key, names[key], n) for key, n in by["author"].most_common(12)],
        kinds=dict(by["kind"].most_common()),
        acquired=dict(by["acquired"].most_common()),
        years=dict(sorted(by["year"].items(), reverse=True)),
        use=asked.use,
        answers=asked.answers(counted),
    )


def matching_ids(actor: Actor, query: ArchiveQuery) -> Iterable[UUID]:
    """Every item that matches, newest first; for making sets and exports of them."""
    actor.require(Permission.READ)
    asked = _SearchSql(actor, query)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id FROM archive_item i WHERE {asked.where} ORDER BY posted_at DESC, id DESC",  # noqa: S608
            asked.params,
        )
        return [row[0] for row in cursor.fetchall()]


def filter_matching(actor: Actor, query: ArchiveQuery, items: Collection[UUID]) -> set[UUID]:
    """Which of these items a query would find."""
    actor.require(Permission.READ)
    asked = _SearchSql(actor, query)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id FROM archive_item i WHERE i.id = ANY(%(items)s) AND {asked.where}",  # noqa: S608
            asked.params | {"items": list(items)},
        )
        return {row[0] for row in cursor.fetchall()}


class _SearchSql:
    """A query as conditions in SQL."""

    def __init__(self, actor: Actor, query: ArchiveQuery) -> None:
        self._actor, self._query = actor, query
        self.standings = {s.id: s for s in RightsContext.objects.filter(workspace=actor.workspace)}
        self._down = not query.oldest_first
        self.params: dict[str, Any] = {"workspace": actor.workspace.id}
        self._judge: RightsEvaluator | None = None
        self._wide: list[str] = []  # conditions that an index of words does not help with
        self._narrow: list[str] = []  # those that it does
        self.chosen = self._choose()
        self._plainly()
        self._by_words()
        self._by_rights()

    @property
    def where(self) -> str:
        return " AND ".join(["i.workspace_id = %(workspace)s", *self._wide, *self._narrow])

    def rows(self, place: tuple[datetime, UUID] | None, limit: int) -> list[tuple[UUID, datetime]]:
        params = self.params | {"limit": limit, "walk": WALK_ITEMS}
        begin = ""
        if place:
            params |= {"at": place[0], "id": place[1]}
            begin = f"AND (i.posted_at, i.id) {'<' if self._down else '>'} (%(at)s, %(id)s)"
        way = "DESC" if self._down else "ASC"
        order = f"ORDER BY i.posted_at {way}, i.id {way}"
        if self.chosen is not None and not self.chosen:
            return []
        if self.chosen is not None and len(self.chosen) <= MAX_RIGHTS_PROFILES:
            return self._of_standings(begin, order, params)
        walked = f"""
            SELECT i.id, i.posted_at FROM (SELECT * FROM archive_item i WHERE i.workspace_id = %(workspace)s {begin}
                {order} LIMIT %(walk)s) i WHERE {self.where} {order} LIMIT %(limit)s"""  # noqa: S608
        return self._walked(walked, params) or self._fetch(self._by_index(begin, order), params)

    def _walked(self, sql: str, params: dict[str, Any]) -> list[tuple[UUID, datetime]]:
        """A full page that the walk meets; none where it would be too long."""
        limit = params["limit"]
        found = self._fetch(sql, params)
        deep = PHRASE_WALK_ITEMS if "<->" in params.get("wanted", "") else DEEP_WALK_ITEMS
        if 0 < len(found) < limit and (far := WALK_ITEMS * limit // len(found)) <= deep:
            found = self._fetch(sql, params | {"walk": min(deep, far * 3 // 2)})
        return found if len(found) == limit else []

    @property
    def use(self) -> str:
        return self._query.use or FACET_USE

    @property
    def judge(self) -> RightsEvaluator:
        if self._judge is None:
            self._judge = RightsEvaluator(self._actor.workspace)
        return self._judge

    def counted(self) -> list[tuple[int, str, int, UUID | None, int]]:
        """(standing, kind, year, the item itself where somebody speaks of it singly or by a site, count) of at most
        COUNTED + 1 matches."""
        places = {f"place{n}": site for n, site in enumerate(self.judge.sites)}
        singly = " OR ".join(["i.said", *(f"starts_with(i.url, %({name})s)" for name in places)])
        inner = f"SELECT i.standing_id, i.kind, i.posted_at, CASE WHEN {singly} THEN i.id END AS one FROM archive_item i WHERE {self.where} LIMIT {MAX_COUNTED + 1}"  # noqa: S608
        return self._fetch(
            f"SELECT standing_id, kind, extract(year FROM posted_at)::int, one, count(*) FROM ({inner}) m GROUP BY 1, 2, 3, 4",  # noqa: S608
            self.params | places,
        )

    def answers(self, counted: Sequence[tuple[int, str, int, UUID | None, int]]) -> dict[str, int]:
        """How many of these may, may not, or nobody knows, be put to the use."""
        made: Counter[str] = Counter()
        meets = self._query.meets
        shared = {
            standing: str(self.judge.decide(self.use, self.standings[standing].facts(), meets=meets).answer)
            for standing, *_ in counted
        }
        for standing, _, _, one, n in counted:
            if one is None:
                made[shared[standing]] += n
        singly = [one for *_, one, _ in counted if one is not None]
        if singly:
            rows = Item.objects.filter(id__in=id_among(singly))
            made.update(str(decision.answer) for _, decision in self.judge.decide_items(self.use, rows, meets))
        return {answer.value: made[answer.value] for answer in RightsVerdict if made[answer.value]}

    def _of_standings(self, begin: str, order: str, params: dict[str, Any]) -> list[tuple[UUID, datetime]]:
        """Each standing's newest that match within a walk of its own, then, where they are too few, by the index."""
        params = params | {"each": list(self.chosen or ())}
        walked = f"""
            SELECT i.id, i.posted_at FROM unnest(%(each)s::int[]) AS s(one) CROSS JOIN LATERAL (
                SELECT * FROM (SELECT * FROM archive_item i WHERE i.standing_id = s.one {begin} {order}
                    LIMIT %(walk)s) i WHERE {self.where} {order} LIMIT %(limit)s) i {order} LIMIT %(limit)s"""  # noqa: S608
        single = len(params["each"]) == 1
        if not self._narrow and (single or not self._wide_but_standing()):
            return self._fetch(walked.replace("LIMIT %(walk)s", "" if single else "LIMIT %(limit)s"), params)
        found = self._walked(walked, params) if single else []
        return found or self._fetch(self._by_index(begin, order), params)

    def _by_index(self, begin: str, order: str) -> str:
        return f"""
            WITH i AS MATERIALIZED (SELECT i.id, i.posted_at FROM archive_item i WHERE {self.where} {begin})
            SELECT i.id, i.posted_at FROM i {order} LIMIT %(limit)s"""  # noqa: S608

    def _fetch(self, sql: str, params: Mapping[str, Any]) -> list[Any]:
        with connection.cursor() as cursor:
            cursor.execute(sql, dict(params))
            return list(cursor.fetchall())

    def _wide_but_standing(self) -> list[str]:
        return [c for c in self._wide if not c.startswith("i.standing_id")]

    def _choose(self) -> list[int] | None:
        """The standings that are asked for; None where it is all of them."""
        query = self._query
        handles = {a.removeprefix("@").casefold() for a in query.authors}
        chosen = [
            id_
            for id_, s in self.standings.items()
            if (not query.networks or s.network in query.networks)
            and (not query.acquired or set(query.acquired) & set(s.acquired))
            and (query.own is None or s.own == query.own)
            and (not handles or s.author.casefold() in handles or s.author_handle.casefold() in handles)
        ]
        return None if len(chosen) == len(self.standings) else chosen

    def _plainly(self) -> None:
        query = self._query
        if self.chosen is not None:
            self._add("i.standing_id = ANY(%(standings)s)", standings=self.chosen)
        if query.kinds:
            self._add("i.kind = ANY(%(kinds)s)", kinds=list(query.kinds))
        if query.since:
            self._add("i.posted_at >= %(since)s", since=query.since)
        if query.until:
            self._add("i.posted_at < %(until)s", until=query.until)
        if query.campaign:
            self._add("i.campaign_id = %(campaign)s", campaign=query.campaign)
        if query.source:
            self._add("%(source)s = ANY(i.sources)", source=query.source)
        if query.language:
            self._add("i.language = %(language)s", language=query.language)
        if query.deleted is not None:
            self._add(f"i.deleted_at IS {'NOT ' if query.deleted else ''}NULL")
        if query.with_media is not None:
            self._add(f"i.media {'<>' if query.with_media else '='} '[]'")

    def _by_words(self) -> None:
        """A word is looked for as each language stems it, since an item is stemmed by its own."""
        wanted, unwanted = split_terms(self._query.words)
        if wanted:
            self._narrow.append("i.search @@ %(wanted)s::tsquery")
            self.params["wanted"] = _tsquery(wanted)
        for number, one in enumerate(unwanted):
            self._add(f"NOT i.search @@ %(unwanted{number})s::tsquery", **{f"unwanted{number}": _tsquery(one)})

    def _by_rights(self) -> None:
        query = self._query
        if not query.use:
            return
        check_use(query.use)
        if bad := [a for a in query.answers if a not in list(RightsVerdict)]:
            raise validation_failed(
                "answers",
                "To filter the archive by whether a use is allowed, enter yes, no or unknown. {said!r} is not one of these values.",
                said=bad[0],
            )
        permitted: PermittedItems = self.judge.permitted(query.use, query.answers, query.meets)
        plain = ["NOT i.said"]
        if len(permitted.standings) < len(self.standings):
            plain.append("i.standing_id = ANY(%(permitted)s)")
        plain += [f"NOT starts_with(i.url, %(site{n})s)" for n in range(len(permitted.sites))]
        self._add(
            f"({' AND '.join(plain)} OR i.id = ANY(%(singly)s))",
            permitted=list(permitted.standings),
            singly=list(permitted.items),
            **{f"site{n}": site for n, site in enumerate(permitted.sites)},
        )

    def _add(self, condition: str, **params: Any) -> None:
        self._wide.append(condition)
        self.params |= params


def split_terms(words: str) -> tuple[str, list[str]]:
    """What must be there, in PostgreSQL's own notation for people, and each that must not."""
    terms = _TERM_PATTERN.findall(words.replace("\x00", " ")[:1000])
    unwanted = [t[1:] for t in terms if t.startswith("-") and t.strip('-"')]
    return " ".join(t for t in terms if not t.startswith("-")), unwanted


def _tsquery(words: str) -> str:
    """As each language stems it; made once, since within a condition it would be made for every row."""
    made = " || ".join(f"websearch_to_tsquery('{language}', %(words)s)" for language in STEMMER_LANGUAGES)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT ({made})::text", {"words": words})
        return str(cursor.fetchone()[0])


def _parse_cursor(after: str) -> tuple[datetime, UUID] | None:
    if not after:
        return None
    try:
        at, id_ = signing.loads(after, salt=_CURSOR_SALT)
        return datetime.fromisoformat(at), UUID(id_)
    except (signing.BadSignature, ValueError):
        raise validation_failed(
            "after",
            "Kicau cannot find this page of the list. Start again from the first page. In the API, send the `following` value of the previous page unchanged.",
        ) from None
