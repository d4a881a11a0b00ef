"""Licences that pages, feeds and descriptions name in fields of their own."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from typing import Any

from kicau.connector.archives import licences
from kicau.vocabularies.markup import MalformedXml, parse_xml

LICENCE_META_NAMES = ("license", "licence", "dcterms.license", "dc.rights", "dcterms.rights", "rights")
LICENCE_TAGS = ("license", "licence")  # of Creative Commons' modules, in any namespace
RIGHTS_TAGS = ("rights", "copyright")


def licences_in_page(page: str) -> list[str]:
    """Of an HTML page: links and meta elements that name the licence of the page."""
    reader = _LicencePageParser()
    reader.feed(page)
    return list(dict.fromkeys(reader.found))


def is_feed(body: bytes) -> bool:
    head = body[:4000].lower()
    return b"<html" not in head and any(mark in head for mark in (b"<rss", b"<feed", b"<rdf:rdf"))


def licences_in_feed(body: bytes, work: str = "") -> list[str]:
    """Of RSS, RSS 1.0 or Atom: the licence of the entry with the address `work`, else that of the feed."""
    try:
        root = parse_xml(body)
    except MalformedXml:
        return []
    entries = [one for one in root.iter() if _local_name(one) in ("item", "entry")]
    inside = {id(part) for entry in entries for part in entry.iter()}
    for entry in entries:
        if work and work in _entry_urls(entry) and (found := _choose_names(entry.iter())):
            return found
    return _choose_names(one for one in root.iter() if id(one) not in inside)


def licence_in_object(described: Mapping[str, Any]) -> str:
    """Of a description in JSON, such as Croissant or a data package; "" where it names none."""
    return licences.licence_of_entry({str(key).lower().removeprefix("sc:"): value for key, value in described.items()})


def _choose_names(parts: Iterator[ET.Element]) -> list[str]:
    exact: list[str] = []
    notices: list[str] = []
    for part in parts:
        name = _local_name(part)
        text = " ".join("".join(part.itertext()).split())
        resource = next((value for key, value in part.attrib.items() if key.rpartition("}")[2] == "resource"), "")
        if name in LICENCE_TAGS and (resource or text):
            exact.append(resource or text)
        elif name == "link" and "license" in part.attrib.get("rel", "").split() and part.attrib.get("href"):
            exact.append(part.attrib["href"])
        elif name in RIGHTS_TAGS and text:
            notices.append(text)
    return list(dict.fromkeys(exact or notices))


def _entry_urls(entry: ET.Element) -> set[str]:
    found = set()
    for part in entry.iter():
        if _local_name(part) in ("link", "guid", "id"):
            found |= {part.attrib.get("href", ""), (part.text or "").strip()}
    return found - {""}


def _local_name(element: ET.Element) -> str:
    return str(element.tag).rpartition("}")[2]


class _LicencePageParser(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        if tag in ("a", "link", "area") and "license" in told.get("rel", "").lower().split() and told.get("href"):
            self.found.append(told["href"])
        elif (
            tag == "meta"
            and told.get("name", told.get("property", "")).lower() in LICENCE_META_NAMES
            and told.get("content")
        ):
            self.found.append(told["content"])
