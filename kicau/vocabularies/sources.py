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
from kicau.vocabularies.terms import Declaration, Reading

HEADERS = ("content-usage", tdmrep.RESERVATION, tdmrep.POLICY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One source: `where` it stood in words, its address, its bytes, and what of it is about the work that was asked for."""

    uri: str
    where: str
    raw: bytes
    declarations: tuple[Declaration, ...] = ()
    faults: tuple[str, ...] = ()


def of_headers(uri: str, headers: Iterable[tuple[str, str]]) -> Iterator[Heard]:
    """Of an answer to a request for the work itself; a header that comes twice is one list (RFC 9110, section 5.3)."""
    told: dict[str, str] = {}
    for name, value in headers:
        if name.lower() in HEADERS:
            told[name.lower()] = f"{told[name.lower()]}, {value}" if name.lower() in told else value
    reading = tdmrep.read_headers(told)
    if "content-usage" in told:
        reading = aipref.read(told["content-usage"].encode("latin-1", "replace")) + reading
    if told:
        raw = "".join(f"{name}: {value}\r\n" for name, value in told.items()).encode("latin-1", "replace")
        yield _heard(uri, "HTTP headers", raw, reading)


def of_page(uri: str, body: bytes) -> Iterator[Heard]:
    """Of an HTML page: its meta elements, and RSL documents that stand in it."""
    page = body.decode("utf-8", "replace")
    reading = tdmrep.read_html(page)
    if reading != Reading():
        yield _heard(uri, "HTML meta", body, reading)
    if (reading := spdx.of_names(named_licences.in_page(page))) != Reading():
        yield _heard(uri, "licence in the page", body, reading)
    for document in rsl.named_in_page(page, uri)[1]:
        yield of_licence(uri, "RSL in the page", document, uri if "://" in uri else "", page=uri)


def of_robots(uri: str, body: bytes, work: str) -> tuple[Heard, tuple[str, ...]]:
    """(what robots.txt says of the work to everybody, addresses of RSL documents that it names)."""
    found = robots.read(body, uri)
    told = found.about(_path(work)) if work else found.reading.declarations
    return Heard(uri=uri, where="robots.txt", raw=body, declarations=told, faults=found.reading.faults), found.licences


def of_reservations(uri: str, body: bytes, work: str) -> Heard:
    """What /.well-known/tdmrep.json says of the work."""
    reading = tdmrep.read_file(body)
    if not work:
        return _heard(uri, "tdmrep.json", body, reading)
    told = tdmrep.about(reading, _path(work))
    return Heard(uri=uri, where="tdmrep.json", raw=body, declarations=(told,) if told else (), faults=reading.faults)


def of_licence(uri: str, where: str, body: bytes, work: str, page: str = "") -> Heard:
    """What an RSL document says of the work; `page`: the one that holds or names it."""
    reading = rsl.read(body, page)
    told = tuple(rsl.about(reading, work, _path(work))) if work else reading.declarations
    return Heard(uri=uri, where=where, raw=body, declarations=told, faults=reading.faults)


def of_file(uri: str, file: BinaryIO) -> Iterator[Heard]:
    """What a picture or film says of itself: XMP, and the newest C2PA manifest."""
    found = containers.look(file)
    if found.xmp and (reading := iptc.read(found.xmp)) != Reading():
        yield _heard(uri, "XMP in the file", found.xmp, reading)
    if found.xmp and (reading := spdx.of_names(iptc.licences_in(found.xmp))) != Reading():
        yield _heard(uri, "licence in the file", found.xmp, reading)
    for assertion in containers.assertions(found.c2pa):
        yield _heard(uri, "C2PA manifest in the file", found.c2pa, cawg.read(assertion))
        break


def of_text(uri: str, body: bytes, work: str) -> Iterator[Heard]:
    """Of a file that is itself a declaration: robots.txt, tdmrep.json, RSL, a record, a Croissant description."""
    start = body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    if start == b"[":
        yield of_reservations(uri, body, work)
    elif start == b"{":
        yield from _of_json(uri, body)
    elif start == b"<" and rsl.NAMESPACE.encode() in body and b"<html" not in body[:2000].lower():
        yield of_licence(uri, "RSL", body, work)
    elif start == b"<" and named_licences.is_feed(body):
        yield _heard(uri, "licence in the feed", body, spdx.of_names(named_licences.in_feed(body, work)))
    elif start == b"<":
        yield from of_page(uri, body)
    else:
        yield of_robots(uri, body, work)[0]


def named(uri: str, headers: Mapping[str, str], body: bytes) -> tuple[str, ...]:
    """Addresses of RSL documents that an answer names in its headers or in its page."""
    link = next((value for name, value in headers.items() if name.lower() == "link"), "")
    return rsl.named_in_header(link, uri) + rsl.named_in_page(body.decode("utf-8", "replace"), uri)[0]


def _of_json(uri: str, body: bytes) -> Iterator[Heard]:
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        yield Heard(uri=uri, where="JSON", raw=body, faults=(Sentence("The file is no JSON."),))
        return
    record = told.get("value", told)
    if isinstance(record, dict) and record.get("$type") == lexicon.NSID:
        yield _heard(uri, "AT protocol record", body, lexicon.read(record))
    offer = told.get("usageInfo") or told.get("http://mlcommons.org/croissant/usageInfo")
    if (
        offer
        or "permission" in told
        or "odrl:permission" in told
        or "prohibition" in told
        or "odrl:prohibition" in told
    ):
        yield _heard(uri, "ODRL policy", body, odrl.read(offer or told))
    if (reading := spdx.of_names(filter(None, [named_licences.in_object(told)]))) != Reading():
        yield _heard(uri, "licence in the description", body, reading)
    if "entries" in told:
        yield _heard(uri, "training and data mining assertion", body, cawg.read(told))


def _heard(uri: str, where: str, raw: bytes, reading: Reading) -> Heard:
    return Heard(uri=uri, where=where, raw=raw, declarations=reading.declarations, faults=reading.faults)


def _path(url: str) -> str:
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
