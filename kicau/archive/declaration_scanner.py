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
from kicau.base.errors import ValidationFailed, validation_failed
from kicau.base.sentences import Sentence
from kicau.connector.transport import ssrf
from kicau.connector.transport.ssrf import guarded_session
from kicau.media.embedded_usage_metadata import build_statement
from kicau.rights.models import Statement, Subject
from kicau.vocabularies import sources, tdmrep
from kicau.vocabularies.sources import SourceDeclarations
from kicau.vocabularies.terms import combine_declarations
from kicau.workspaces.actors import Actor, Permission

log = structlog.get_logger("kicau.archive")
FETCH_ERRORS = (TimeoutError, aiohttp.ClientError, OSError, ValueError)

MAX_FILE_BYTES = 64_000_000  # bytes of a work that are fetched
MAX_SIDE_FILE_BYTES = 2_000_000  # of robots.txt, tdmrep.json and licences
MAX_LICENCES = 4  # documents that are followed
FETCH_TIMEOUT_SECONDS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclarationScan:
    """`key` is the address, or the SHA-256 of a file's content; `says` the strictest of all that was heard."""

    subject: str  # site or file
    key: str
    name: str  # host, or the file's name
    at: datetime
    heard: tuple[SourceDeclarations, ...]
    read: frozenset[str]  # addresses whose word is known, also where they said nothing
    faults: tuple[str, ...] = ()  # beside those of each source

    @property
    def says(self) -> dict[str, str]:
        return combine_declarations(one for source in self.heard for one in source.declarations)


class _ResponseTooLarge(Exception):
    """An answer has more bytes than are read."""


@dataclass(frozen=True, slots=True)
class _FetchedPage:
    url: str
    status: int
    headers: list[tuple[str, str]]
    body: bytes


async def scan_address(actor: Actor, url: str) -> DeclarationScan:
    """Fetch an address, its site's robots.txt and tdmrep.json and the licences that these name; read them all.

    Raises ValidationFailed where the address itself cannot be had."""
    actor.require(Permission.READ)
    if not url.startswith(("http://", "https://")) or len(url) > 500:
        raise validation_failed(
            "url", "Enter a web address that begins with https:// or http:// and has at most 500 characters."
        )
    faults: list[str] = []
    read: set[str] = set()
    async with guarded_session(timeout=FETCH_TIMEOUT_SECONDS) as client:
        try:
            work = await _fetch(client, url, MAX_FILE_BYTES)
        except _ResponseTooLarge as exc:
            raise validation_failed("url", "Kicau could not download {url}: {why}", url=url, why=str(exc)) from exc
        except FETCH_ERRORS as exc:
            log.warning("an address could not be reached", url=url[:200], why=ssrf.failure_reason(exc))
            raise ValidationFailed([ssrf.unreachable_message(url)]) from exc
        if work.status != 200:
            raise validation_failed(
                "url",
                "Kicau could not open {url}, because the website's server returned the error status {status}. Enter the address of a page that anyone can open.",
                url=url,
                status=work.status,
            )
        parts = urlsplit(work.url)
        origin = f"{parts.scheme}://{parts.netloc}"
        robots_at, file_at = f"{origin}/robots.txt", f"{origin}{tdmrep.WELL_KNOWN_PATH}"
        about_robots, about_file = await asyncio.gather(
            _fetch_side_file(client, robots_at, read, faults), _fetch_side_file(client, file_at, read, faults)
        )
        heard = [*sources.scan_headers(work.url, work.headers), *_scan_body(work.url, work.body, work.url)]
        licences = named = list(
            sources.rsl_addresses(work.url, dict(work.headers), work.body if _is_text(work.body) else b"")
        )
        if about_robots:
            told, more = sources.scan_robots(robots_at, about_robots.body, work.url)
            heard.append(told)
            licences = [*named, *more]
        if about_file:
            heard.append(sources.scan_tdmrep(file_at, about_file.body, work.url))
        for licence in list(dict.fromkeys(licences))[:MAX_LICENCES]:
            if answer := await _fetch_side_file(client, licence, read, faults):
                page = work.url if licence in named else ""
                heard.append(sources.scan_rsl(licence, "RSL", answer.body, work.url, page))
    return DeclarationScan(
        subject=Subject.SITE,
        key=url,
        name=parts.hostname or "",
        at=clock.now(),
        heard=tuple(h for h in heard if h.declarations or h.faults),
        read=frozenset({work.url, *read}),
        faults=tuple(faults),
    )


def scan_file(actor: Actor, name: str, data: bytes) -> DeclarationScan:
    """Read a file that somebody has: a picture, a film, a page, a robots.txt, a licence, a record, a Croissant file."""
    actor.require(Permission.READ)
    heard = tuple(h for h in _scan_body(name, data, "") if h.declarations or h.faults)
    return DeclarationScan(
        subject=Subject.FILE,
        key=hashlib.sha256(data).hexdigest(),
        name=name,
        at=clock.now(),
        heard=heard,
        read=frozenset({name}),
    )


@transaction.atomic
def record_declarations(actor: Actor, hearing: DeclarationScan) -> list[Statement]:
    """Write it down as statements, each with its source's address, bytes and time. What was kept before from the same
    source ends where it says otherwise now, and is not written twice where it says the same."""
    given = [
        build_statement(source, one, subject=hearing.subject, key=hearing.key, party_name=hearing.name)
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
    return record_statements.add_statements(actor, fresh) if fresh else []


def _scan_body(uri: str, body: bytes, work: str) -> Iterable[SourceDeclarations]:
    if _is_text(body):
        return list(sources.scan_text(uri, body[:MAX_SIDE_FILE_BYTES], work))
    return list(sources.scan_file(uri, io.BytesIO(body)))


def _is_text(body: bytes) -> bool:
    return b"\x00" not in body[:1000]


async def _fetch(client: aiohttp.ClientSession, url: str, largest: int) -> _FetchedPage:
    async with client.get(url, max_redirects=5) as answer:
        pieces, got = [], 0
        async for piece in answer.content.iter_chunked(1 << 16):
            got += len(piece)
            if got > largest:
                raise _ResponseTooLarge(f"it is larger than {largest // 1_000_000} MB")
            pieces.append(piece)
        return _FetchedPage(str(answer.url), answer.status, list(answer.headers.items()), b"".join(pieces))


async def _fetch_side_file(
    client: aiohttp.ClientSession, url: str, read: set[str], faults: list[str]
) -> _FetchedPage | None:
    """What stands beside a work; None where there is none, which says nothing. One that cannot be had is told."""
    try:
        answer = await _fetch(client, url, MAX_SIDE_FILE_BYTES)
    except _ResponseTooLarge as exc:
        faults.append(Sentence("Kicau could not read the usage rules of {url}: {why}", url=url, why=str(exc)))
        return None
    except FETCH_ERRORS as exc:
        log.warning("an address could not be reached", url=url[:200], why=ssrf.failure_reason(exc))
        faults.append(
            Sentence(
                "Kicau could not reach {url}, so it could not read how the website's content may be used. Try again later.",
                url=url,
            )
        )
        return None
    if answer.status >= 500:
        faults.append(
            Sentence(
                "Kicau could not open {url} to read how its content may be used. The website's server returned the error status {status}.",
                url=url,
                status=answer.status,
            )
        )
        return None
    read.add(url)
    return answer if answer.status == 200 else None
