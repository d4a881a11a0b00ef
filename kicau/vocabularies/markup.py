"""XML from strangers: no document type, hence no entities; bounded in size and depth."""

from __future__ import annotations

import xml.etree.ElementTree as ET

MAX_BYTES = 2_000_000  # bytes of one document
MAX_DEPTH = 60


class MalformedXml(ValueError):
    """It is no XML that is read here. The message says why."""


def parse_xml(data: bytes) -> ET.Element:
    """Raises MalformedXml."""
    if len(data) > MAX_BYTES:
        raise MalformedXml(f"it has {len(data)} bytes, more than {MAX_BYTES}")
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data or b"<\x00!" in data:
        raise MalformedXml("it has a document type, which is not read")
    builder = _BoundedTreeBuilder()
    try:
        parser = ET.XMLParser(target=builder)  # noqa: S314 (a document type, and with it entities, is refused above and in the builder)
        parser.feed(data)
        return parser.close()
    except (ET.ParseError, ValueError, LookupError, AssertionError) as exc:
        raise MalformedXml(str(exc) or "it is empty") from None


class _BoundedTreeBuilder(ET.TreeBuilder):
    depth = 0

    def start(self, tag: str, attrs: dict[str, str], /) -> ET.Element:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise MalformedXml("it is nested too deeply")
        return super().start(tag, attrs)

    def end(self, tag: str, /) -> ET.Element:
        self.depth -= 1
        return super().end(tag)

    def doctype(self, name: str, pubid: str | None, system: str | None, /) -> None:
        raise MalformedXml("it has a document type, which is not read")
