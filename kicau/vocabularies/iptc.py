"""The Data Mining property of IPTC and PLUS, in the XMP packet of a picture or a film.

https://iptc.org/standards/photo-metadata/iptc-standard/ (2023.1 and later; looked up 2026-11-26): one value of a closed list.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Mapping

from kicau.base.sentences import Sentence
from kicau.vocabularies.markup import MalformedXml, parse_xml
from kicau.vocabularies.terms import MACHINE_USES, Declaration, ParsedDeclarations, quote_source

SLUG = "iptc"
PLUS_NAMESPACE = "http://ns.useplus.org/ldf/xmp/1.0/"
VALUE_PREFIX = "http://ns.useplus.org/ldf/vocab/DMI-"
RDF_NAMESPACE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
META_NAMESPACE = "adobe:ns:meta/"
MINING_USES = ("train_gen", "train_other", "embed")  # what is mining beyond doubt
USES_WITHOUT_SEARCH = tuple(use for use in MACHINE_USES if use != "search")
VALUES_BY_TERM: dict[str, dict[str, str]] = {
    "UNSPECIFIED": {},
    "ALLOWED": dict.fromkeys((*MINING_USES, "search"), "allow"),
    "PROHIBITED-AIMLTRAINING": dict.fromkeys(("train_gen", "train_other"), "deny"),
    "PROHIBITED-GENAIMLTRAINING": {"train_gen": "deny"},
    "PROHIBITED-EXCEPTSEARCHENGINEINDEXING": {**dict.fromkeys(USES_WITHOUT_SEARCH, "deny"), "search": "allow"},
    "PROHIBITED": dict.fromkeys(MACHINE_USES, "deny"),
    "PROHIBITED-SEECONSTRAINT": dict.fromkeys(MACHINE_USES, "conditional"),
    "PROHIBITED-SEEEMBEDDEDRIGHTSEXPR": dict.fromkeys(MACHINE_USES, "conditional"),
    "PROHIBITED-SEELINKEDRIGHTSEXPR": dict.fromkeys(MACHINE_USES, "conditional"),
}
NAMESPACES = {
    "x": META_NAMESPACE,
    "rdf": RDF_NAMESPACE,
    "plus": PLUS_NAMESPACE,
    "dc": "http://purl.org/dc/elements/1.1/",
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "xmpRights": "http://ns.adobe.com/xap/1.0/rights/",
    "xmpMM": "http://ns.adobe.com/xap/1.0/mm/",
    "photoshop": "http://ns.adobe.com/photoshop/1.0/",
    "Iptc4xmpCore": "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/",
    "Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
    "tiff": "http://ns.adobe.com/tiff/1.0/",
    "exif": "http://ns.adobe.com/exif/1.0/",
}
CC_NAMESPACE = "http://creativecommons.org/ns#"
#: Where a licence may be named. Each binds: a page of terms that nobody can read must not hide a licence beside it.
LICENCE_FIELDS = (
    (CC_NAMESPACE, "license"),
    (NAMESPACES["xmpRights"], "WebStatement"),
    (NAMESPACES["xmpRights"], "UsageTerms"),
    (PLUS_NAMESPACE, "LicensorURL"),
    (NAMESPACES["dc"], "rights"),
    (NAMESPACES["photoshop"], "Copyright"),
    (NAMESPACES["tiff"], "Copyright"),
)
PACKET_HEAD, PACKET_TAIL = b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>', b'<?xpacket end="w"?>'


def read_packet(packet: bytes) -> ParsedDeclarations:
    """An XMP packet. A value that is not of the list is told, and says nothing."""
    try:
        root = parse_xml(_strip_packet(packet))
    except MalformedXml as exc:
        return ParsedDeclarations(
            faults=(
                Sentence(
                    "Kicau cannot read the description and rights information stored inside the file (XMP metadata): {why}.",
                    why=str(exc),
                ),
            )
        )
    values = _property_values(root, "DataMining")
    constraint = next(iter(_property_values(root, "OtherConstraints")), "")
    if not values:
        return ParsedDeclarations()
    name = values[0].removeprefix(VALUE_PREFIX)
    if not values[0].startswith(VALUE_PREFIX) or name not in VALUES_BY_TERM:
        return ParsedDeclarations(
            faults=(
                Sentence(
                    "The usage rule for data mining in this file (plus:DataMining) has the value {said}, which Kicau does not know. Kicau ignores the rule.",
                    said=quote_source(values[0]),
                ),
            )
        )
    says = VALUES_BY_TERM[name]
    conditions = {"consent": constraint or values[0]} if "conditional" in says.values() else {}
    return ParsedDeclarations(
        declarations=(Declaration(vocabulary=SLUG, says=says, conditions=conditions),) if says else ()
    )


def mining_term(says: Mapping[str, str]) -> str:
    """The value that refuses all the mining that is refused here, and no more where the list has one; "" for nothing.

    Whether answers may be grounded on the work or its manner imitated is not mining, and decides nothing here.
    """
    about = {use: says.get(use, "") for use in (*MINING_USES, "search")}
    refused = {use for use, value in about.items() if value in ("deny", "conditional")}
    if not refused:
        return "ALLOWED" if all(value == "allow" for value in about.values()) else ""
    if refused == {"train_gen"}:
        return "PROHIBITED-GENAIMLTRAINING"
    if refused <= {"train_gen", "train_other"}:
        return "PROHIBITED-AIMLTRAINING"
    if refused >= set(MINING_USES) and {about[use] for use in refused} == {"conditional"} and "search" in refused:
        return "PROHIBITED-SEECONSTRAINT"
    return "PROHIBITED-EXCEPTSEARCHENGINEINDEXING" if about["search"] == "allow" else "PROHIBITED"


def write_packet(says: Mapping[str, str], *, into: bytes = b"", constraint: str = "") -> bytes:
    """An XMP packet that says it, with all that `into` held beside; b"" where nothing is said. Raises MalformedXml for an
    `into` that is none."""
    name = mining_term(says)
    if not name:
        return b""
    for prefix, namespace in NAMESPACES.items():
        ET.register_namespace(prefix, namespace)
    root = (
        parse_xml(_strip_packet(into))
        if into
        else ET.fromstring(f'<x:xmpmeta xmlns:x="{META_NAMESPACE}"><rdf:RDF xmlns:rdf="{RDF_NAMESPACE}"/></x:xmpmeta>')  # noqa: S314
    )
    rdf = root if root.tag == f"{{{RDF_NAMESPACE}}}RDF" else root.find(f".//{{{RDF_NAMESPACE}}}RDF")
    if rdf is None:
        raise MalformedXml("it holds no rdf:RDF")
    for described in rdf.findall(f"{{{RDF_NAMESPACE}}}Description"):
        described.attrib.pop(f"{{{PLUS_NAMESPACE}}}DataMining", None)
        for old in described.findall(f"{{{PLUS_NAMESPACE}}}DataMining"):
            described.remove(old)
        if not len(described) and set(described.attrib) <= {f"{{{RDF_NAMESPACE}}}about"}:
            rdf.remove(described)
    mine = ET.SubElement(rdf, f"{{{RDF_NAMESPACE}}}Description", {f"{{{RDF_NAMESPACE}}}about": ""})
    ET.SubElement(mine, f"{{{PLUS_NAMESPACE}}}DataMining").text = VALUE_PREFIX + name
    if name == "PROHIBITED-SEECONSTRAINT" and constraint:
        texts = ET.SubElement(ET.SubElement(mine, f"{{{PLUS_NAMESPACE}}}OtherConstraints"), f"{{{RDF_NAMESPACE}}}Alt")
        ET.SubElement(
            texts, f"{{{RDF_NAMESPACE}}}li", {"{http://www.w3.org/XML/1998/namespace}lang": "x-default"}
        ).text = constraint
    return b"\n".join([PACKET_HEAD, ET.tostring(root, encoding="unicode").encode(), PACKET_TAIL])


def _strip_packet(packet: bytes) -> bytes:
    """Without the xpacket instructions and the padding around."""
    body = packet.strip(b"\x00 \t\r\n\xef\xbb\xbf")
    if body.startswith(b"<?xpacket"):
        body = body.partition(b"?>")[2]
    end = body.rfind(b"<?xpacket")
    return (body[:end] if end >= 0 else body).strip()


def licences_in(packet: bytes) -> list[str]:
    """Every text of an XMP packet that may name a licence, in the order of the fields."""
    try:
        root = parse_xml(_strip_packet(packet))
    except MalformedXml:
        return []
    found = [one for namespace, name in LICENCE_FIELDS for one in _property_values(root, name, namespace)]
    return [one for one in dict.fromkeys(" ".join(text.split()) for text in found) if one]


def _property_values(root: ET.Element, name: str, namespace: str = PLUS_NAMESPACE) -> list[str]:
    """Of one property, written as attribute or element, with a text, a resource or a list in it."""
    tag, found = f"{{{namespace}}}{name}", []
    for element in root.iter():
        if tag in element.attrib:
            found.append(element.attrib[tag].strip())
        if element.tag == tag:
            resource = element.attrib.get(f"{{{RDF_NAMESPACE}}}resource", "")
            parts = list(element.iter(f"{{{RDF_NAMESPACE}}}li")) or [element]  # the same in several languages
            found += [resource] if resource else ["".join(part.itertext()).strip() for part in parts]
    return found
