"""Bluesky's rules for texts against Bluesky's own library, `@atproto/api`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from kicau.networks.bluesky import text as rules
from tests.oracles import Oracle
from tests.oracles.comparison import Comparison, have_newer_marks

ORACLE = Oracle("bluesky")
CLASSES = {
    "trailing-punctuation": "A link ends before all punctuation, quotes and brackets that close a sentence; the library"
    " takes off one sign, and no quote.",
    "ends-with-domain": "A domain without a protocol goes on with a port, a path, a query or a fragment alone; the library"
    " takes all to the next space into the address, whose host is none then (kopi.idさん, kopi.id,dan).",
    "joined-domain": "A domain that @, _ or - follows is an e-mail address, a file or half a name, and no link; the"
    " library makes one that leads elsewhere (https://kopi.id@x).",
    "no-host": "A protocol without a host is no link.",
    "capitals": "Capitals in a protocol or a top-level domain; the library compares as written, and finds nothing.",
    "domain-name": "A domain with a hyphen, or one that begins with a digit, is a link; the library knows neither.",
    "httpish-domain": "A domain that begins with http is an address only with https:// before it; the library leaves it out.",
    "other-network": "A name with a second @ is an account of another network; the library mentions whoever has its first"
    " half as a handle.",
    "no-handle": "What no account can have as its handle (a hyphen at a label's edge, an empty label, more than 63"
    " characters) is no mention; the library sends one that nobody answers to.",
    "newer-marks": "A combining mark of a newer Unicode than the library's belongs to the letter before it.",
    "in-brackets": "What a bracket opens is looked at, also behind a word in which the library first looked for a domain.",
}

_TRAILING = re.compile("[.,;:!?'\"’”»…)]+")
_BARE = re.compile("[a-zA-Z0-9][a-zA-Z0-9.-]*")


@dataclass(frozen=True, slots=True)
class Facet:
    """Offsets in bytes; `text` is what stands there."""

    kind: str
    start: int
    end: int
    target: str
    text: str


def ours(text: str) -> list[Facet]:
    spans = rules.find_spans(text)
    offsets = iter(rules.byte_offsets(text, [place for span in spans for place in (span.start, span.end)]))
    return [Facet(one.kind.value, next(offsets), next(offsets), one.target, one.text) for one in spans]


def compare(texts: Sequence[str]) -> Comparison:
    """Graphemes, and the facets with their kinds, byte offsets and targets."""
    differences: list[str] = []
    classes: Counter[str] = Counter()
    miscounted: list[str] = []
    for text, official in zip(texts, ORACLE.answers(texts), strict=True):
        if rules.count_graphemes(text) != official["graphemes"]:
            miscounted.append(text)
        raw = text.encode()
        theirs = [Facet(kind, a, b, target, raw[a:b].decode()) for kind, a, b, target in official["facets"]]
        found = list(_classified(raw, ours(text), theirs))
        classes.update({name for name, _ in found if name})
        if unexplained := [pair for name, pair in found if not name]:
            differences.append(f"facets of {text!r}: {unexplained}")
    for text, explained in zip(
        miscounted, have_newer_marks(miscounted, rules.count_graphemes, _official_lengths), strict=True
    ):
        if explained:
            classes["newer-marks"] += 1
        else:
            differences.append(f"graphemes of {text!r}: {rules.count_graphemes(text)} by our rules")
    return Comparison(texts=len(texts), differences=differences, classes=classes)


def _official_lengths(texts: Sequence[str]) -> list[int]:
    return [answer["graphemes"] for answer in ORACLE.answers(texts)]


type Pair = tuple[Facet | None, Facet | None]


def _classified(raw: bytes, mine: list[Facet], theirs: list[Facet]) -> Iterator[tuple[str, Pair]]:
    """Each pair of facets that differs (ours, theirs: of the same start), with the class that explains it or ""."""
    by_start = {one.start: one for one in theirs}
    pairs: list[Pair] = [(one, by_start.pop(one.start, None)) for one in mine]
    pairs += [(None, one) for one in by_start.values()]
    explained: tuple[list[Facet], list[Facet]] = ([], [])  # what differs hides what begins within it on the other side
    for own, other in sorted(pairs, key=lambda pair: next(one.start for one in pair if one)):
        if own and other and _same(own, other):
            continue
        if (own and not other and _within(own, explained[1])) or (other and not own and _within(other, explained[0])):
            continue
        name = _reason(raw, own, other)
        for one, side in zip((own, other), explained, strict=True):
            if name and one:
                side.append(one)
        yield name, (own, other)


def _within(one: Facet, others: list[Facet]) -> bool:
    return any(other.start < one.start < other.end for other in others)


def _same(own: Facet, other: Facet) -> bool:
    targets = (own.target, other.target.lower() if other.kind == "mention" else other.target)
    return (own.kind, own.end) == (other.kind, other.end) and targets[0] == targets[1]


def _reason(raw: bytes, own: Facet | None, other: Facet | None) -> str:
    if own and other:
        return _of_both(own, other) if own.kind == other.kind == "link" else ""
    if other:
        return _of_theirs(raw, other)
    return _of_ours(raw, own) if own else ""


def _of_both(own: Facet, other: Facet) -> str:
    rest = other.text.removeprefix(own.text)
    bare = not re.match("https?://", own.text, re.IGNORECASE)
    if not rest:
        httpish = (
            bare and own.text.startswith("http") and (own.target, other.target) == (f"https://{own.text}", own.text)
        )
        return "httpish-domain" if httpish else ""
    if len(rest) == len(other.text):
        return ""
    if _TRAILING.fullmatch(rest):
        return "trailing-punctuation"
    # Ours is a domain with a port at most, and what follows begins no path, query or fragment.
    domain = bare and re.fullmatch(r"[a-zA-Z0-9.-]+(:[0-9]+)?", own.text)
    if domain and not re.match("[/?#]" if domain[1] else "[/?#@_a-zA-Z0-9-]", rest):
        return "ends-with-domain"
    return ""


def _of_theirs(raw: bytes, other: Facet) -> str:
    following = raw[other.end :].decode()[:1]
    if other.kind == "mention":
        if following == "@":
            return "other-network"
        return "" if rules.is_handle(other.text[1:]) else "no-handle"
    if other.kind != "link":
        return ""
    if re.match("https?://", other.text):
        return "no-host" if re.fullmatch(r"https?://([/?#].*)?", other.text) else ""
    domain = _BARE.match(other.text)
    rest = other.text[domain.end() :] if domain else ""
    return "joined-domain" if rest[:1] in ("@", "_") or (domain and domain[0].endswith("-")) else ""


def _of_ours(raw: bytes, own: Facet) -> str:
    before = raw[: own.start].decode()
    word = re.split(r"\s", before)[-1]
    if word.endswith("(") and re.match("[a-zA-Z]", re.split(r"\(", word)[-2][:1] or ""):
        return "in-brackets"
    if own.kind == "link":
        name = re.sub("[:/?#].*", "", re.sub("^https?://", "", own.text, flags=re.IGNORECASE))
        if re.match("https?://", own.text, re.IGNORECASE):
            return "" if own.text.startswith("http") else "capitals"
        if "-" in name or name[0].isdigit():
            return "domain-name"
    if own.kind != "tag":
        top = (name if own.kind == "link" else own.text).rsplit(".", 1)[-1]
        return "capitals" if top != top.lower() else ""
    return ""
