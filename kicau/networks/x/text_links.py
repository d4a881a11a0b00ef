"""Where X finds links in a text: the rules of twitter-text 3.1.0, 2020-03-27.

X links whatever stands before a known top-level domain, with or without a protocol. Its own rule is one long
expression that takes time in the square of a hostile text; here each run of host characters is cut at its dots once,
so the time grows with the text alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files

from kicau.networks.x.text_characters import (
    ACCENTED,
    ACCENTED_TWINS,
    CYRILLIC,
    CYRILLIC_TWINS,
    SPACES,
    UNSENDABLE,
)

MAX_URL_LENGTH = 4096  # UTF-16 units; the protocol counts twice where it is written, as X counts it
MAX_LABEL_LENGTH = 63  # characters of one part of a host in punycode (RFC 1035)
MAX_TCO_SLUG_LENGTH = 40

_MARKS = "\u202a-\u202e\u061c\u200e\u200f\u2066-\u2069"  # they turn the direction of writing
_NO_HOST = rf"!'#%&()*+,\\/:;<=>?@\[\]^{{|}}~${SPACES}{UNSENDABLE}{_MARKS}"
_LAST_OF_PATH = rf"+\-a-zA-Z0-9{CYRILLIC}{CYRILLIC_TWINS}=_#/{ACCENTED}{ACCENTED_TWINS}"
_NOT_LAST_OF_PATH = r"!*';:,.$%\[\]\u2013~@|&"
_PATH = _LAST_OF_PATH + _NOT_LAST_OF_PATH
_NOT_LAST_OF_QUERY = "!?*'@();:+$%[].,~|"
_ASCII = rf"\-a-zA-Z0-9{ACCENTED}{ACCENTED_TWINS}"  # what X calls an ASCII host, accents included

_DOT_PATTERN = re.compile(r"\.(?=[a-zA-Z\u0080-\U0010ffff])")
_HOST_PATTERN = re.compile(rf"[^{_NO_HOST}]+")  # a run of labels, dots, hyphens and underscores
# X reads UTF-16: to it the first half of an astral character (most emoji) may stand before a link that starts with the
# second half, so such a character may start a link wherever it stands.
_ASTRAL = "\U00010000-\U0010ffff"
_START_PATTERN = re.compile(rf"(?<=[^A-Za-z0-9@＠$#＃{UNSENDABLE}])[^_\-]|[{_ASTRAL}]")
_BEFORE_PATTERN = re.compile(rf"[^A-Za-z0-9@＠$#＃{UNSENDABLE}]")
_PARENS = rf"\((?:[{_PATH}]++\)|[{_PATH}]*+\([{_PATH}]++\)[{_PATH}]*+\))"
_PORT_PATTERN = re.compile(r":[0-9]+")
_PATH_PATTERN = re.compile(rf"/(?:(?:[{_NOT_LAST_OF_PATH}]|{_PARENS})*+[{_LAST_OF_PATH}]++)*+(?:{_PARENS})*+")
_QUERY_PATTERN = re.compile(r"\?[a-zA-Z0-9!?*'@();:&=+$/%#\[\]\-_.,~|]+")
_TCO_PATTERN = re.compile(r"https?://t\.co/([a-z0-9]+)", re.IGNORECASE | re.ASCII)
_PLAIN_HOST_PATTERN = re.compile(r"[a-zA-Z0-9.-]+")
_ASCII_HOST_PATTERN = re.compile(rf"[{_ASCII}][{_ASCII}.]*")
_LETTERS_PATTERN = re.compile(r"[a-zA-Z]+")
_IDEOGRAPHIC_DOTS_PATTERN = re.compile("[\u3002\uff0e\uff61]")  # punycode takes them for dots


@dataclass(frozen=True, slots=True, kw_only=True)
class TextLink:
    """A link as X sees it; offsets in code points, end exclusive."""

    start: int
    end: int
    url: str


@lru_cache(maxsize=8)
def find_links(text: str) -> tuple[TextLink, ...]:
    """Every link in the order of the text. The last few texts are remembered: they are counted, then marked."""
    if not any(_domain_end(text, dot.end()) for dot in _DOT_PATTERN.finditer(text)):
        return ()
    return tuple(_find_links(text))


def _find_links(text: str) -> Iterator[TextLink]:
    done = 0  # nothing before this is looked at again
    for run in _HOST_PATTERN.finditer(text):
        begin, end = run.span()
        if end <= done or text.find(".", begin, end) < 0:
            continue
        host = _HostCandidate(text, begin, end)
        if host.domain_ends is None:
            continue
        if begin >= done and (found := _link_with_protocol(text, host, begin, done)):
            link, done = found
            if link:
                yield link
        for label in range(host.dots):
            start, last = host.leftmost(label, done)
            if start < 0:
                continue
            rest = _UrlRest(text, host.domain_ends[last])
            if start == done or text[start - 1] not in "-_./":
                yield from _links_without_protocol(text, start, host.domain_ends[last], rest)
            done = rest.end


class _HostCandidate:
    """One run of host characters, cut at its dots. `domain_ends[i]`: where the domain ends that follows dot i, or 0."""

    __slots__ = ("_further", "_text", "domain_ends", "dots", "ends", "starts")

    def __init__(self, text: str, begin: int, end: int) -> None:
        self._text = text
        self.starts, self.ends = _cut_at_dots(text, begin, end)
        self.dots = len(self.starts) - 1
        ends = [_domain_end(text, start) for start in self.starts[1:]]
        self.domain_ends = ends if any(ends) else None
        self._further = self._furthest() if self.domain_ends else []

    def _furthest(self) -> list[int]:
        """For each label the last later one that a domain may follow, with sound labels between; or -1."""
        further = [-1] * self.dots
        for label in range(self.dots - 2, -1, -1):
            following = label + 1
            if not self._sound(following):
                continue
            further[label] = further[following]
            if further[label] < 0 and self._names(following):
                further[label] = following
        return further

    def _sound(self, label: int) -> bool:
        start, end = self.starts[label], self.ends[label]
        return start < end and self._text[start] not in "_-" and self._text[end - 1] not in "_-"

    def _names(self, label: int) -> bool:
        """Whether a domain follows and this label may name it: underscores are for subdomains."""
        assert self.domain_ends is not None
        return bool(self.domain_ends[label]) and self._text.find("_", self.starts[label], self.ends[label]) < 0

    def last_from_first(self) -> int:
        """The label before the domain when the host starts with the run; -1 when there's no such host."""
        if not self.dots or not self._sound(0):
            return -1
        if self._further[0] >= 0:
            return self._further[0]
        return 0 if self._names(0) else -1

    def leftmost(self, label: int, done: int) -> tuple[int, int]:
        """The first place in this label where a link without protocol may start, and its last label; or (-1, -1)."""
        assert self.domain_ends is not None
        start, end = self.starts[label], self.ends[label]
        if end <= done or start == end or self._text[end - 1] in "_-":
            return -1, -1
        last = self._further[label]
        if last < 0:
            if not self.domain_ends[label]:
                return -1, -1
            last = label
            start = max(start, self._text.rfind("_", start, end) + 1)
        return self._first_start(start, end, done), last

    def _first_start(self, start: int, end: int, done: int) -> int:
        if start <= done < end and self._text[done] > "\uffff":
            return done
        found = _START_PATTERN.search(self._text, max(start, done + 1), end)
        if start == 0 == done and not (found and found.start() == 1) and self._text[0] not in "_-":
            return 0  # the text's own beginning, which X tries after its second character
        return found.start() if found else -1


def _cut_at_dots(text: str, begin: int, end: int) -> tuple[list[int], list[int]]:
    starts, ends, dot = [begin], [], text.find(".", begin, end)
    while dot >= 0:
        ends.append(dot)
        starts.append(dot + 1)
        dot = text.find(".", dot + 1, end)
    ends.append(end)
    return starts, ends


class _UrlRest:
    """What follows a host: port, path and query. `end` is where all of it ends."""

    __slots__ = ("end", "path")

    def __init__(self, text: str, at: int) -> None:
        if port := _PORT_PATTERN.match(text, at):
            at = port.end()
        path = _PATH_PATTERN.match(text, at)
        self.path = path is not None
        self.end = _query_end(text, path.end() if path else at)


def _query_end(text: str, at: int) -> int:
    query = _QUERY_PATTERN.match(text, at)
    kept = len(query[0].rstrip(_NOT_LAST_OF_QUERY)) if query else 0
    return at + kept if kept > 1 else at


def _link_with_protocol(text: str, host: _HostCandidate, begin: int, done: int) -> tuple[TextLink | None, int] | None:
    """The link whose host starts with this run after "://", and where X reads on; None when there's none to read."""
    start = _protocol_start(text, begin)
    if start < done or not ((start == 0 == done) or (start > done and _BEFORE_PATTERN.match(text, start - 1))):
        return None
    last = host.last_from_first()
    if last < 0 or host.domain_ends is None:
        return None
    domain_end = host.domain_ends[last]
    end = read_on = _UrlRest(text, domain_end).end
    if not _is_acceptable(text[begin:domain_end], text[start:end], begin - start):
        return None, read_on
    if tco := _TCO_PATTERN.match(text, start, end):
        if len(tco[1]) > MAX_TCO_SLUG_LENGTH:
            return None, read_on
        end = _query_end(text, tco.end())
    return TextLink(start=start, end=end, url=text[start:end]), read_on


def _protocol_start(text: str, end: int) -> int:
    for protocol in ("https://", "http://"):
        if text[max(0, end - len(protocol)) : end].lower() == protocol:
            return end - len(protocol)
    return -1


def _links_without_protocol(text: str, start: int, domain_end: int, rest: _UrlRest) -> Iterator[TextLink]:
    domain, whole = text[start:domain_end], text[start : rest.end]
    if not _is_acceptable(domain, whole, len("https://")):
        return
    found = [(0, len(domain))] if _PLAIN_HOST_PATTERN.fullmatch(domain) else list(_ascii_hosts(domain))
    until = start
    for number, (begin, end) in enumerate(found, 1):
        url = domain[begin:end]
        begin = domain.find(url, until - start)  # X takes the first place where the host's letters are
        until = start + begin + len(url)
        if rest.path and number == len(found):  # a query without a path is not part of such a link
            url, until = url + whole[len(domain) :], rest.end
        yield TextLink(start=start + begin, end=until, url=url)


def _is_acceptable(domain: str, url: str, protocol: int) -> bool:
    if protocol + _utf16_length(url) > MAX_URL_LENGTH:
        return False
    if domain.startswith("xn--") and next(_ascii_hosts(domain), None) is None:
        return False
    return all(_label_fits(label) for label in domain.split("."))


def _utf16_length(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def _label_fits(label: str) -> bool:
    if not 0 < len(label) <= MAX_LABEL_LENGTH:
        return False
    if label.isascii():
        return True
    parts = _IDEOGRAPHIC_DOTS_PATTERN.split(label)
    return sum(map(_punycode_length, parts)) + len(parts) - 1 <= MAX_LABEL_LENGTH


def _punycode_length(label: str) -> int:
    return len(label) if label.isascii() else len("xn--") + len(label.encode("punycode"))


def _ascii_hosts(domain: str) -> Iterator[tuple[int, int]]:
    """The parts of a domain that are hosts of ASCII or accented letters, each as long as can be."""
    done = 0
    for run in _ASCII_HOST_PATTERN.finditer(domain):
        starts, ends = _cut_at_dots(domain, *run.span())
        furthest = _furthest_ascii(domain, starts, ends)
        for label, end in enumerate(furthest):
            if end and ends[label] > max(done, starts[label]):
                yield max(done, starts[label]), end
                done = end


def _furthest_ascii(domain: str, starts: list[int], ends: list[int]) -> list[int]:
    furthest, following = [0] * (len(starts) - 1), 0
    for label in range(len(furthest) - 1, -1, -1):
        if starts[label] == ends[label]:
            following = 0
            continue
        following = following or _domain_end(domain, starts[label + 1])
        furthest[label] = following
    return furthest


def _domain_end(text: str, at: int) -> int:
    """Where the top-level domain that starts at `at` ends; 0 when none does."""
    if letters := _LETTERS_PATTERN.match(text, at):
        end = letters.end()
        if letters[0].lower() in _top_level_domains()[0] and text[end : end + 1] not in _NOT_AFTER_DOMAIN:
            return end
        if letters[0][0] not in "vVxX":  # only vermögens... and xn--... go on with other characters
            return 0
    other = _top_level_domains()[1].match(text, at)
    return other.end() if other else 0


_NOT_AFTER_DOMAIN = frozenset("0123456789@+-")  # after one of these a domain is no domain


@cache
def _top_level_domains() -> tuple[frozenset[str], re.Pattern[str]]:
    """The ASCII domains, and an expression for all others."""
    lines = (files(__package__) / "tlds.txt").read_text(encoding="utf-8").splitlines()
    names = [line for line in lines if line and not line.startswith("#")]
    others = "|".join(name for name in names if not name.isascii())
    return (
        frozenset(filter(str.isascii, names)),
        re.compile(rf"(?i:{others})(?![0-9a-zA-Z@+-])|[xX][nN]--[-0-9a-zA-Z]+"),
    )
