"""What was fetched or opened, searched for declarations in every vocabulary that can stand in it, with the very bytes.

`work` is the address that is asked about, or "" for all that a source says of whatever it is about.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO
from urllib.parse import urlsplit

from kicau.base.sentences import Sentence
from kicau.vocabularies import aipref, cawg, containers, iptc, lexicon, named_licences, odrl, robots, rsl, spdx, tdmrep
from kicau.vocabularies.terms import Declaration, ParsedDeclarations

DECLARATION_HEADERS = ("content-usage", tdmrep.RESERVATION_HEADER, tdmrep.POLICY_HEADER)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceDeclarations:
    """One source: `where` it stood in words, its address, its bytes, and what of it is about the work that was asked for."""

    uri: str
    where: str
    raw: bytes
    declarations: tuple[Declaration, ...] = ()
    faults: tuple[str, ...] = ()


def scan_headers(uri: str, headers: Iterable[tuple[str, str]]) -> Iterator[SourceDeclarations]:
    """Of an answer to a request for the work itself; a header that comes twice is one list (RFC 9110, section 5.3)."""
    told: dict[str, str] = {}
    for name, value in headers:
        if name.lower() in DECLARATION_HEADERS:
            told[name.lower()] = f"{told[name.lower()]}, {value}" if name.lower() in told else value
    reading = tdmrep.read_headers(told)
    if "content-usage" in told:
        reading = aipref.read_preference(told["content-usage"].encode("latin-1", "replace")) + reading
    if told:
        raw = "".join(f"{name}: {value}\r\n" for name, value in told.items()).encode("latin-1", "replace")
        yield _source_declarations(uri, "HTTP headers", raw, reading)


def scan_page(uri: str, body: bytes) -> Iterator[SourceDeclarations]:
    """Of an HTML page: its meta elements, and RSL documents that stand in it."""
    page = body.decode("utf-8", "replace")
    reading = tdmrep.read_html(page)
    if reading != ParsedDeclarations():
        yield _source_declarations(uri, "HTML meta", body, reading)
    if (reading := spdx.read_names(named_licences.licences_in_page(page))) != ParsedDeclarations():
        yield _source_declarations(uri, "licence in the page", body, reading)
    for document in rsl.named_in_page(page, uri)[1]:
        yield scan_rsl(uri, "RSL in the page", document, uri if "://" in uri else "", page=uri)


def scan_robots(uri: str, body: bytes, work: str) -> tuple[SourceDeclarations, tuple[str, ...]]:
    """(what robots.txt says of the work to everybody, addresses of RSL documents that it names)."""
    found = robots.read_robots(body, uri)
    told = found.about(_url_path(work)) if work else found.reading.declarations
    return SourceDeclarations(
        uri=uri, where="robots.txt", raw=body, declarations=told, faults=found.reading.faults
    ), found.licences


def scan_tdmrep(uri: str, body: bytes, work: str) -> SourceDeclarations:
    """What /.well-known/tdmrep.json says of the work."""
    reading = tdmrep.read_file(body)
    if not work:
        return _source_declarations(uri, "tdmrep.json", body, reading)
    told = tdmrep.rule_about(reading, _url_path(work))
    return SourceDeclarations(
        uri=uri, where="tdmrep.json", raw=body, declarations=(told,) if told else (), faults=reading.faults
    )


def scan_rsl(uri: str, where: str, body: bytes, work: str, page: str = "") -> SourceDeclarations:
    """What an RSL document says of the work; `page`: the one that holds or names it."""
    reading = rsl.read_document(body, page)
    told = tuple(rsl.declarations_about(reading, work, _url_path(work))) if work else reading.declarations
    return SourceDeclarations(uri=uri, where=where, raw=body, declarations=told, faults=reading.faults)


def scan_file(uri: str, file: BinaryIO) -> Iterator[SourceDeclarations]:
    """What a picture, film or document says of itself: XMP, its notices, and the newest C2PA manifest."""
    found = containers.find_metadata(file)
    if found.xmp and (reading := iptc.read_packet(found.xmp)) != ParsedDeclarations():
        yield _source_declarations(uri, "XMP in the file", found.xmp, reading)
    texts = [*(iptc.licences_in(found.xmp) if found.xmp else ()), *found.notices]
    if (reading := spdx.read_notices(texts)) != ParsedDeclarations():
        raw = b"\n".join([*filter(None, [found.xmp]), *(notice.encode() for notice in found.notices)])
        yield _source_declarations(uri, "licence in the file", raw, reading)
    for assertion in containers.mining_assertions(found.c2pa):
        yield _source_declarations(uri, "C2PA manifest in the file", found.c2pa, cawg.read_assertion(assertion))
        break


def scan_text(uri: str, body: bytes, work: str) -> Iterator[SourceDeclarations]:
    """Of a file that is itself a declaration: robots.txt, tdmrep.json, RSL, a record, a Croissant description."""
    start = body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    if start == b"[":
        yield scan_tdmrep(uri, body, work)
    elif start == b"{":
        yield from _scan_json(uri, body)
    elif start == b"<" and rsl.NAMESPACE.encode() in body and b"<html" not in body[:2000].lower():
        yield scan_rsl(uri, "RSL", body, work)
    elif start == b"<" and named_licences.is_feed(body):
        yield _source_declarations(
            uri, "licence in the feed", body, spdx.read_names(named_licences.licences_in_feed(body, work))
        )
    elif start == b"<":
        yield from scan_page(uri, body)
    else:
        yield scan_robots(uri, body, work)[0]


def rsl_addresses(uri: str, headers: Mapping[str, str], body: bytes) -> tuple[str, ...]:
    """Addresses of RSL documents that an answer names in its headers or in its page."""
    link = next((value for name, value in headers.items() if name.lower() == "link"), "")
    return rsl.named_in_header(link, uri) + rsl.named_in_page(body.decode("utf-8", "replace"), uri)[0]


def _scan_json(uri: str, body: bytes) -> Iterator[SourceDeclarations]:
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        yield SourceDeclarations(
            uri=uri,
            where="JSON",
            raw=body,
            faults=(
                Sentence(
                    "Kicau cannot read this file because its content is not valid JSON. Check the file, or create it again."
                ),
            ),
        )
        return
    record = told.get("value", told)
    if isinstance(record, dict) and record.get("$type") == lexicon.NSID:
        yield _source_declarations(uri, "AT protocol record", body, lexicon.read_record(record))
    offer = told.get("usageInfo") or told.get("http://mlcommons.org/croissant/usageInfo")
    if (
        offer
        or "permission" in told
        or "odrl:permission" in told
        or "prohibition" in told
        or "odrl:prohibition" in told
    ):
        yield _source_declarations(uri, "ODRL policy", body, odrl.read_offer(offer or told))
    if (reading := spdx.read_names(filter(None, [named_licences.licence_in_object(told)]))) != ParsedDeclarations():
        yield _source_declarations(uri, "licence in the description", body, reading)
    if "entries" in told:
        yield _source_declarations(uri, "training and data mining assertion", body, cawg.read_assertion(told))


def _source_declarations(uri: str, where: str, raw: bytes, reading: ParsedDeclarations) -> SourceDeclarations:
    return SourceDeclarations(uri=uri, where=where, raw=raw, declarations=reading.declarations, faults=reading.faults)


def _url_path(url: str) -> str:
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
