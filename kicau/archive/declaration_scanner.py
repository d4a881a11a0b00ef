"""What a page, a file or a site declares about the use of its works: fetched, read in every vocabulary, and kept on request.

Nothing is fetched from inside the operator's own network (kicau.connector.transport.ssrf).
"""

from __future__ import annotations

import asyncio
import hashlib
import io
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

import aiohttp
import structlog
from django.db import transaction
from django.db.models import Q

from kicau.archive import record_statements
from kicau.base import clock
from kicau.base.errors import Unacceptable, unacceptable
from kicau.base.sentences import Sentence
from kicau.connector.transport import ssrf
from kicau.connector.transport.ssrf import guarded_session
from kicau.media.embedded_usage_metadata import statement_of
from kicau.rights.models import Statement, Subject
from kicau.vocabularies import sources, tdmrep
from kicau.vocabularies.sources import Heard
from kicau.vocabularies.terms import together
from kicau.workspaces.actors import Actor, Permission

log = structlog.get_logger("kicau.archive")
UNREACHED = (TimeoutError, aiohttp.ClientError, OSError, ValueError)

LARGEST = 64_000_000  # bytes of a work that are fetched
OTHERS = 2_000_000  # of robots.txt, tdmrep.json and licences
LICENCES = 4  # documents that are followed
SECONDS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Hearing:
    """`key` is the address, or the SHA-256 of a file's content; `says` the strictest of all that was heard."""

    subject: str  # site or file
    key: str
    name: str  # host, or the file's name
    at: datetime
    heard: tuple[Heard, ...]
    read: frozenset[str]  # addresses whose word is known, also where they said nothing
    faults: tuple[str, ...] = ()  # beside those of each source

    @property
    def says(self) -> dict[str, str]:
        return together(one for source in self.heard for one in source.declarations)


class _TooLarge(Exception):
    """An answer has more bytes than are read."""


@dataclass(frozen=True, slots=True)
class _Answer:
    url: str
    status: int
    headers: list[tuple[str, str]]
    body: bytes


async def hear(actor: Actor, url: str) -> Hearing:
    """Fetch an address, its site's robots.txt and tdmrep.json and the licences that these name; read them all.

    Raises Unacceptable where the address itself cannot be had."""
    actor.require(Permission.READ)
    if not url.startswith(("http://", "https://")) or len(url) > 500:
        raise unacceptable("url", "An address begins with https:// or http:// and has at most 500 characters.")
    faults: list[str] = []
    read: set[str] = set()
    async with guarded_session(timeout=SECONDS) as client:
        try:
            work = await _get(client, url, LARGEST)
        except _TooLarge as exc:
            raise unacceptable("url", "{url} could not be fetched: {why}", url=url, why=str(exc)) from exc
        except UNREACHED as exc:
            log.warning("an address could not be reached", url=url[:200], why=ssrf.reason(exc))
            raise Unacceptable([ssrf.unreachable(url)]) from exc
        if work.status != 200:
            raise unacceptable(
                "url",
                "{url} answered {status}; give an address from which the page can be had.",
                url=url,
                status=work.status,
            )
        parts = urlsplit(work.url)
        origin = f"{parts.scheme}://{parts.netloc}"
        robots_at, file_at = f"{origin}/robots.txt", f"{origin}{tdmrep.WHERE_FILE}"
        about_robots, about_file = await asyncio.gather(
            _beside(client, robots_at, read, faults), _beside(client, file_at, read, faults)
        )
        heard = [*sources.of_headers(work.url, work.headers), *_of_body(work.url, work.body, work.url)]
        licences = named = list(sources.named(work.url, dict(work.headers), work.body if _is_text(work.body) else b""))
        if about_robots:
            told, more = sources.of_robots(robots_at, about_robots.body, work.url)
            heard.append(told)
            licences = [*named, *more]
        if about_file:
            heard.append(sources.of_reservations(file_at, about_file.body, work.url))
        for licence in list(dict.fromkeys(licences))[:LICENCES]:
            if answer := await _beside(client, licence, read, faults):
                page = work.url if licence in named else ""
                heard.append(sources.of_licence(licence, "RSL", answer.body, work.url, page))
    return Hearing(
        subject=Subject.SITE,
        key=url,
        name=parts.hostname or "",
        at=clock.now(),
        heard=tuple(h for h in heard if h.declarations or h.faults),
        read=frozenset({work.url, *read}),
        faults=tuple(faults),
    )


def hear_file(actor: Actor, name: str, data: bytes) -> Hearing:
    """Read a file that somebody has: a picture, a film, a page, a robots.txt, a licence, a record, a Croissant file."""
    actor.require(Permission.READ)
    heard = tuple(h for h in _of_body(name, data, "") if h.declarations or h.faults)
    return Hearing(
        subject=Subject.FILE,
        key=hashlib.sha256(data).hexdigest(),
        name=name,
        at=clock.now(),
        heard=heard,
        read=frozenset({name}),
    )


@transaction.atomic
def keep(actor: Actor, hearing: Hearing) -> list[Statement]:
    """Write it down as statements, each with its source's address, bytes and time. What was kept before from the same
    source ends where it says otherwise now, and is not written twice where it says the same."""
    given = [
        statement_of(source, one, subject=hearing.subject, key=hearing.key, party_name=hearing.name)
        for source in hearing.heard
        for one in source.declarations
        if one.says
    ]
    now = clock.now()
    before = {
        (row.source, row.parser.split(" ")[0]): row
        for row in Statement.objects.defer("raw").filter(
            Q(valid_until=None) | Q(valid_until__gt=now),
            workspace_id=actor.workspace.id,
            subject=hearing.subject,
            key=hearing.key,
        )
        if row.parser
    }
    fresh = []
    for one in given:
        old = before.pop((one.source, one.parser.split(" ")[0]), None)
        if old is not None and old.says == dict(one.says) and old.conditions == dict(one.conditions):
            continue
        if old is not None:
            record_statements.end_statement(actor, old.id)
        fresh.append(one)
    for old in before.values():
        if old.source in hearing.read or not hearing.faults:  # it says nothing any more, or nobody names it any more
            record_statements.end_statement(actor, old.id)
    return record_statements.say(actor, fresh) if fresh else []


def _of_body(uri: str, body: bytes, work: str) -> Iterable[Heard]:
    if _is_text(body):
        return list(sources.of_text(uri, body[:OTHERS], work))
    return list(sources.of_file(uri, io.BytesIO(body)))


def _is_text(body: bytes) -> bool:
    return b"\x00" not in body[:1000]


async def _get(client: aiohttp.ClientSession, url: str, largest: int) -> _Answer:
    async with client.get(url, max_redirects=5) as answer:
        pieces, got = [], 0
        async for piece in answer.content.iter_chunked(1 << 16):
            got += len(piece)
            if got > largest:
                raise _TooLarge(f"it is larger than {largest // 1_000_000} MB")
            pieces.append(piece)
        return _Answer(str(answer.url), answer.status, list(answer.headers.items()), b"".join(pieces))


async def _beside(client: aiohttp.ClientSession, url: str, read: set[str], faults: list[str]) -> _Answer | None:
    """What stands beside a work; None where there is none, which says nothing. One that cannot be had is told."""
    try:
        answer = await _get(client, url, OTHERS)
    except _TooLarge as exc:
        faults.append(
            Sentence("{url} could not be fetched, so what it says is not known: {why}", url=url, why=str(exc))
        )
        return None
    except UNREACHED as exc:
        log.warning("an address could not be reached", url=url[:200], why=ssrf.reason(exc))
        faults.append(Sentence("{url} could not be reached, so what it says is not known.", url=url))
        return None
    if answer.status >= 500:
        faults.append(Sentence("{url} answered {status}, so what it says is not known.", url=url, status=answer.status))
        return None
    read.add(url)
    return answer if answer.status == 200 else None
