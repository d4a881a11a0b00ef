"""Really Simple Licensing 1.0: the XML document, and where pages, headers and feeds name or hold one.

https://rslstandard.org/rsl (Recommendation of 2025-11-06, looked up 2026-11-26). What a licence does not name is neither
permitted nor prohibited here: readers of the standard differ on it, so we write both out.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator, Mapping
from html.parser import HTMLParser
from urllib.parse import urljoin

from kicau.base.sentences import Sentence
from kicau.rights.uses import USES
from kicau.vocabularies.markup import MalformedXml, parse_xml
from kicau.vocabularies.terms import (
    MACHINE_USES,
    Declaration,
    ParsedDeclarations,
    Term,
    quote_source,
    stricter_value,
    term_value,
)

SLUG = "rsl"
NAMESPACE = "https://rslstandard.org/rsl"
RSL_MIME = "application/rsl+xml"
TERMS = (
    Term(token="ai-train", grants=("train_gen", "train_other")),  # noqa: S106
    Term(token="ai-input", grants=("ground",), refuses=("ground", "synthesise")),  # noqa: S106
    Term(token="ai-index", grants=("embed",)),  # noqa: S106
    Term(token="search", grants=("search",)),  # noqa: S106
)
#: Umbrellas are read, not written.
UMBRELLA_TERMS = (
    Term(token="all", grants=MACHINE_USES),  # noqa: S106
    Term(
        token="ai-all",  # noqa: S106
        grants=("train_gen", "train_other", "ground", "embed"),
        refuses=("train_gen", "train_other", "ground", "embed", "synthesise"),
    ),
)
TERMS_BY_NAME = {term.token: term for term in (*TERMS, *UMBRELLA_TERMS)}
PAYMENT_TYPES = ("purchase", "subscription", "training", "crawl", "use", "inference", "contribution")
KNOWN_ELEMENTS = {"permits", "prohibits", "payment", "legal", "standard", "custom", "amount"}


def read_document(data: bytes, page: str = "") -> ParsedDeclarations:
    """One declaration for each `content`, its `url` as its scope; also from a feed with RSL's elements in it. An empty
    url is that of the `page` which holds or names the document (section 3.3)."""
    try:
        root = parse_xml(data)
    except MalformedXml as exc:
        return ParsedDeclarations(
            faults=(
                Sentence(
                    "Kicau cannot read the RSL licence file (usage rules for AI and other programs): {why}.",
                    why=str(exc),
                ),
            )
        )
    contents = list(root.iter(f"{{{NAMESPACE}}}content"))
    if not contents:
        return ParsedDeclarations(
            faults=(
                Sentence(
                    "Kicau found no licence terms in the RSL licence file. The file begins with <{root}>, but has no “content” element of the RSL format ({namespace}).",
                    root=_local_name(root),
                    namespace=NAMESPACE,
                ),
            )
        )
    found = ParsedDeclarations()
    for content in contents:
        found += _read_content(content, page)
    return found


def write_document(
    says: Mapping[str, str],
    *,
    url: str = "/",
    conditions: Mapping[str, str] | None = None,
    terms: str = "",
    owner: str = "",
    contact: str = "",
) -> str:
    """A document about `url`. What is allowed against payment, by attribution or for no money only is a licence of its
    own with that; any other condition is a prohibition, and `terms` says whom to ask. "" where the vocabulary has no word
    for any of it: a licence without words might be heard as one without limits."""
    values = {term.token: value for term in TERMS if (value := term_value(term, says))}
    if not values:
        return ""
    ET.register_namespace("", NAMESPACE)
    root = ET.Element(f"{{{NAMESPACE}}}rsl")
    content = _add_element(root, "content", url=url)
    kept = set(conditions or {})
    sayable = bool(kept) and kept <= {"payment", "attribution", "non-commercial"}
    bound = [token for token, value in values.items() if value == "conditional" and sayable]
    licence = _add_element(content, "license")
    for word, tokens in (
        ("permits", [token for token, value in values.items() if value == "allow"]),
        (
            "prohibits",
            [t for t, value in values.items() if value == "deny" or (value == "conditional" and not sayable)],
        ),
    ):
        if tokens:
            _add_element(licence, word, " ".join(tokens), type="usage")
    if any(value == "allow" for value in values.values()):
        _add_element(licence, "payment", type="free")
    if bound:
        if len(licence):  # there are readers who hear the first licence only, so none that is empty stands there
            licence = _add_element(content, "license")
        _add_element(licence, "permits", " ".join(bound), type="usage")
        if "non-commercial" in kept:
            _add_element(licence, "permits", "non-commercial", type="user")
        payment = _add_element(
            licence,
            "payment",
            type="purchase" if "payment" in kept else "attribution" if "attribution" in kept else "free",
        )
        if "payment" in kept and terms:
            _add_element(payment, "custom", terms)
        if {"payment", "attribution"} <= kept:
            _add_element(licence, "payment", type="attribution")
    if owner:
        _add_element(content, "copyright", owner, type="organization", **({"contactUrl": contact} if contact else {}))
    if terms:
        _add_element(content, "terms", terms)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def named_in_header(link: str, base: str = "") -> tuple[str, ...]:
    """Addresses of RSL documents in a Link header (RFC 8288)."""
    found = []
    for target, parameters in re.findall(
        r"<([^>]*)>((?:\s*;\s*[\w!#$&+.^`|~*-]+\s*=?\s*(?:\"[^\"]*\"|[^\s,;\"]*))*)", link
    ):
        told = {
            name.lower(): value.strip('"')
            for name, value in re.findall(r";\s*([\w*-]+)\s*=\s*(\"[^\"]*\"|[^\s,;]*)", parameters)
        }
        if "license" in told.get("rel", "").lower().split() and told.get("type", RSL_MIME).lower() == RSL_MIME:
            found.append(urljoin(base, target))
    return tuple(found)


def named_in_page(page: str, base: str = "") -> tuple[tuple[str, ...], tuple[bytes, ...]]:
    """(addresses of RSL documents that a page links to, documents that stand in it)."""
    found = _RslPageParser()
    found.feed(page)
    found.close()
    return tuple(urljoin(base, one) for one in found.links), tuple(one.encode() for one in found.documents)


def _read_content(content: ET.Element, page: str) -> ParsedDeclarations:
    faults: list[str] = []
    kept: list[tuple[str, str]] = []
    merged: dict[str, str] = {}
    conditions: dict[str, str] = {}
    server = content.get("server", "")
    freedom = ("deny", "conditional", "allow")
    for licence in content.iter(f"{{{NAMESPACE}}}license"):
        values, bound, unknown, wrong = _read_licence(licence)
        kept += unknown
        faults += wrong
        if server:  # whoever wants this asks there for a licence first, a free one too (section 3.3)
            bound = bound | {"consent": server}
        for use, value in values.items():
            if value == "allow" and bound:
                value = "conditional"
                conditions |= bound
            merged[use] = max(merged.get(use, value), value, key=freedom.index)  # one licence is chosen among several
    url = content.get("url", "") or (page if "url" in content.attrib else "")
    if not url:
        return ParsedDeclarations(
            faults=(
                Sentence(
                    "One entry in the RSL licence file (usage rules for AI and other programs) has no web address (url). The entry therefore applies to no content."
                ),
                *faults,
            )
        )
    declared = Declaration(
        vocabulary=SLUG,
        says={use: merged[use] for use in USES if use in merged},
        conditions=conditions,
        scope=url,
        policy=_child_text(content, "terms") or server,
        declared_by=_child_text(content, "copyright"),
        kept=tuple(kept),
    )
    return ParsedDeclarations(declarations=(declared,), faults=tuple(faults))


def _read_licence(licence: ET.Element) -> tuple[dict[str, str], dict[str, str], list[tuple[str, str]], list[str]]:
    """(values by use, conditions of what is allowed, words not known, faults). A prohibition goes before a permission."""
    values: dict[str, str] = {}
    bound: dict[str, str] = {}
    kept: list[tuple[str, str]] = []
    faults: list[str] = []
    users: set[str] = set()
    for child in licence:
        name, kind = _local_name(child), child.get("type", "")
        words = [word for word in re.split(r"[\s,]+", child.text or "") if word]
        if name in ("permits", "prohibits"):
            permits = name == "permits"
            if kind == "usage":
                for word in words:
                    if word in TERMS_BY_NAME:
                        value = "allow" if permits else "deny"
                        for use in TERMS_BY_NAME[word].grants if permits else TERMS_BY_NAME[word].covers:
                            values[use] = stricter_value(values.get(use, value), value)
                    else:
                        kept.append((f"{name} usage", word))
            elif kind == "user" and permits:
                users |= set(words)
            elif kind == "user" and words == ["commercial"]:
                bound["non-commercial"] = ""
            elif kind == "geo":
                bound["geography"] = ("" if permits else "not ") + " ".join(words)
            else:  # a limit that we do not understand may be any limit
                kept.append((f"{name} {kind}".strip(), " ".join(words)))
                bound["consent"] = f"{name} {kind}: {' '.join(words)}"
        elif name == "payment":
            bound |= _read_payment(child, kind, faults)
        elif name not in KNOWN_ELEMENTS:
            kept.append((name, (child.text or "").strip()))
    if users and "commercial" not in users:
        bound["non-commercial" if "non-commercial" in users else "consent"] = ", ".join(sorted(users))
    return values, bound, kept, faults


def _read_payment(element: ET.Element, kind: str, faults: list[str]) -> dict[str, str]:
    amount = next((e for e in element.iter() if _local_name(e) == "amount"), None)
    detail = " ".join(
        filter(
            None,
            [
                kind,
                (amount.text or "").strip() if amount is not None else "",
                amount.get("currency", "") if amount is not None else "",
            ],
        )
    )
    if not kind and (terms := _child_text(element, "standard") or _child_text(element, "custom") or detail):
        return {"payment": terms}  # as the RSL Collective's own guide has it: what is to be paid stands at that address
    if kind == "attribution":
        return {"attribution": ""}
    if kind == "free":
        return {}
    if kind not in PAYMENT_TYPES:
        faults.append(
            Sentence(
                "The RSL licence file (usage rules for AI and other programs) requires a kind of payment that Kicau does not know: {said}.",
                said=quote_source(kind),
            )
        )
        return {"consent": detail}
    return {"payment": detail}


def _add_element(parent: ET.Element, name: str, text: str = "", **attributes: str) -> ET.Element:
    made = ET.SubElement(parent, f"{{{NAMESPACE}}}{name}", attributes)
    made.text = text or None
    return made


def _local_name(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]


def _child_text(parent: ET.Element, name: str) -> str:
    found = parent.find(f"{{{NAMESPACE}}}{name}")
    return (found.text or "").strip() if found is not None else ""


def declarations_about(reading: ParsedDeclarations, url: str, path: str) -> Iterator[Declaration]:
    """Those whose scope, a full address or a path pattern, covers an address; the longest of them."""
    from kicau.vocabularies.robots import matches_pattern

    mine = [one for one in reading.declarations if matches_pattern(one.scope, url if "://" in one.scope else path)]
    longest = max((len(one.scope) for one in mine), default=0)
    return (one for one in mine if len(one.scope) == longest)


class _RslPageParser(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.links: list[str] = []
        self.documents: list[str] = []
        self._inside = False

    def handle_starttag(self, tag: str, attrs: Iterable[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        of_rsl = told.get("type", "").strip().lower() == RSL_MIME
        if tag == "link" and of_rsl and "license" in told.get("rel", "").lower().split():
            self.links.append(told.get("href", ""))
        if tag == "script" and of_rsl:
            self._inside = True
            self.documents.append("")

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.documents[-1] += data

    def handle_endtag(self, tag: str) -> None:
        self._inside = self._inside and tag != "script"
