"""Where Mastodon finds links in a text.

Only an address with a protocol becomes a link, but one without ("kopi.id/?to=https://…") swallows what it reaches, as the
server's own expression does. That expression takes time in the square of a hostile text; here each run of host
characters is cut at its dots once, so the time grows with the text alone.
"""

from __future__ import annotations

import encodings.idna
import stringprep
from collections.abc import Iterator
from functools import cache, lru_cache
from importlib.resources import files

import regex

MAX_URL_LENGTH = 4096
MAX_LABEL_LENGTH = 63  # characters of one part of a host in punycode (RFC 1035)
MAX_TCO_SLUG_LENGTH = 40

_SPACES = "\x85\xa0\u1680\u180e\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_UNSENDABLE = "\ufffe\ufeff\uffff"
_FOLDED = "\u017f\u212a"  # letters that are s and k to an expression which ignores case
_NO_HOST = rf"\x00-,/:-@\[-\^`{{-\x7f{_SPACES}{_UNSENDABLE}"  # leaves letters, digits, "-", "." and "_"
_HOST_RUN_PATTERN = regex.compile(rf"[^{_NO_HOST}]+")
# Without case as Ruby does it: a long s is an s, but a dotless i is no i, as it would be to Python's regex.
_ANY_CASE = regex.IGNORECASE | regex.ASCII
_S = "[s\u017f]"
_PROTOCOL_PATTERN = regex.compile(rf"(?:http{_S}?|dat|dweb|ipf{_S}|ipn{_S}|{_S}{_S}b|gopher|gemini)\Z", _ANY_CASE)
_MAX_PROTOCOL_LENGTH = 6
_TCO_PATTERN = regex.compile(rf"http{_S}?://t\.co/([a-z0-9{_FOLDED}]+)", _ANY_CASE)
# Before an address stands no letter, digit, @, # or $ (a mark that turns the direction of writing is none of them).
_NOT_BEFORE_PATTERN = regex.compile(rf"[A-Za-z0-9{_FOLDED}@＠$#＃{_UNSENDABLE}]")
_LETTERS_PATTERN = regex.compile(r"[A-Za-z]+")
_PUNYCODE_PATTERN = regex.compile(rf"xn--[0-9a-z{_FOLDED}]+", _ANY_CASE)
_NOT_AFTER_TLD_PATTERN = regex.compile(rf"[0-9a-zA-Z{_FOLDED}@+\-]")
_GENERAL = r"[^\p{White_Space}<>()?]"
_PARENS = rf"\((?:{_GENERAL}++\)|{_GENERAL}*+\({_GENERAL}++\){_GENERAL}*+\))"
_INNER = r"[!*\"'「」;:=,.$%\[\]~&|]"  # in a path, but not its last character
_LAST = r"[^\p{White_Space}<>()?!*\"'「」;:=,.$%\[\]~&|]"
_UCHARS = (
    "\xa0-\ud7ff\uf900-\ufdcf\ufdf0-\uffef\U00010000-\U0001fffd\U00020000-\U0002fffd\U00030000-\U0003fffd"
    "\U00040000-\U000dfffd\U000e1000-\U000efffd\ue000-\uf8ff\U000f0000-\U000ffffd\U00100000-\U0010fffd"
)
_QUERY_LAST = rf"[a-zA-Z0-9_&=#/\-{_UCHARS}]"
_QUERY_INNER = r"[!?*'();:+$%\[\].,~|@\^]"
_PORT = r"(?::[0-9]+)?"
_TAIL_PATTERN = regex.compile(
    rf"{_PORT}(?:/(?:{_INNER}*+(?:{_LAST}|{_PARENS}))*+)?(?:\?(?:{_QUERY_INNER}*+{_QUERY_LAST})++)?"
)


@lru_cache(maxsize=16)
def find_links(text: str) -> tuple[tuple[int, int], ...]:
    """Start and end (exclusive) of each link, in code points, in order."""
    return tuple(_find_links(text)) if "://" in text else ()


def _find_links(text: str) -> Iterator[tuple[int, int]]:
    done = 0  # everything before is used up
    runs = [_HostRun(text, found.start(), found.end()) for found in _HOST_RUN_PATTERN.finditer(text)]
    for n, run in enumerate(runs):
        while run.end > done:
            bare = run.first(done)
            start = _protocol_start(text, run, done)
            following = runs[n + 1] if n + 1 < len(runs) else None
            follows = start >= 0 and following is not None and following.begin == run.end + 3
            if follows and following and (not bare or start <= bare[0]) and (domain_end := following.whole()):
                done = _link_end(text, domain_end)
                end = _shortened_end(text, start, done)
                if end and _is_valid_host(text[following.begin : domain_end], end - start):
                    yield start, end
                break
            if not bare:
                break
            done = _link_end(text, bare[1])


def _shortened_end(text: str, start: int, end: int) -> int:
    """Of an address of X's shortener nothing after its slug belongs to the link, which is none where the slug is too
    long (0); any other address ends where it ends."""
    tco = _TCO_PATTERN.match(text, start, end)
    if tco is None:
        return end
    return int(tco.end()) if len(tco[1]) <= MAX_TCO_SLUG_LENGTH else 0


def _protocol_start(text: str, run: _HostRun, done: int) -> int:
    """Where the protocol begins that the run ends with; -1 where there is none."""
    if not text.startswith("://", run.end):
        return -1
    found = _PROTOCOL_PATTERN.search(text, max(run.begin, run.end - _MAX_PROTOCOL_LENGTH), run.end)
    return found.start() if found and _may_begin(text, found.start(), done) else -1


def _may_begin(text: str, at: int, done: int) -> bool:
    if at == 0 or text[at - 1] == "\n":
        return at >= done
    return at > done and not _NOT_BEFORE_PATTERN.match(text, at - 1)


def _link_end(text: str, domain_end: int) -> int:
    found = _TAIL_PATTERN.match(text, domain_end)
    return found.end() if found else domain_end


class _HostRun:
    """A run of host characters, cut at its dots."""

    __slots__ = ("_cuts", "_further", "_text", "begin", "end")

    def __init__(self, text: str, begin: int, end: int) -> None:
        self._text, self.begin, self.end = text, begin, end
        self._cuts = [begin - 1]  # the dots, and an imagined one before the run
        at = text.find(".", begin, end)
        while at >= 0:
            self._cuts.append(at)
            at = text.find(".", at + 1, end)
        self._further: list[int] | None = None

    def _reach(self) -> list[int]:
        """For each label: where a domain ends of which it is a middle or naming part; 0 where there is none."""
        if self._further is None:
            count = len(self._cuts)
            ends = [0] * (count + 1)
            for label in range(count - 2, -1, -1):
                start, stop = self._cuts[label] + 1, self._cuts[label + 1]
                ends[label] = self._ends(label, start, stop, ends)
            self._further = ends
        return self._further

    def _ends(self, label: int, start: int, stop: int, reach: list[int]) -> int:
        text = self._text
        if start >= stop or text[start] in "-_" or text[stop - 1] in "-_":
            return 0
        if reach[label + 1]:
            return reach[label + 1]
        return _tld_end(text, stop + 1) if text.find("_", start, stop) < 0 else 0

    def whole(self) -> int:
        """Where the domain ends that begins with the run; 0 where none does."""
        return self._reach()[0] if len(self._cuts) > 1 else 0

    def first(self, done: int) -> tuple[int, int] | None:
        """The first domain that begins after `done`: its start and end."""
        if len(self._cuts) < 2:
            return None
        reach = self._reach()
        for label, stop in enumerate(self._cuts[1:]):
            if stop <= done or self._text[stop - 1] in "-_":
                continue
            start = max(self._cuts[label] + 1, done)
            if not reach[label + 1]:
                if not _tld_end(self._text, stop + 1):
                    continue
                start = max(start, self._text.rfind("_", start, stop) + 1)
            for at in range(start, stop):
                if self._text[at] not in "-_" and _may_begin(self._text, at, done):
                    return at, self._ends(label, at, stop, reach)
        return None


def _tld_end(text: str, at: int) -> int:
    """Where the top-level domain ends that begins there; 0 where there is none."""
    ascii_names, others = _top_level_domains()
    if word := _LETTERS_PATTERN.match(text, at):
        if word[0].lower() in ascii_names and not _NOT_AFTER_TLD_PATTERN.match(text, word.end()):
            return int(word.end())
        puny = _PUNYCODE_PATTERN.match(text, at)
        return int(puny.end()) if puny else 0
    for name in others.get(text[at : at + 1], ()):
        if text.startswith(name, at) and not _NOT_AFTER_TLD_PATTERN.match(text, at + len(name)):
            return at + len(name)
    return 0


@cache
def _top_level_domains() -> tuple[frozenset[str], dict[str, tuple[str, ...]]]:
    """The ASCII ones, and the others by their first letter in the order of the file."""
    lines = files("kicau.networks.mastodon").joinpath("tlds.txt").read_text("utf-8").split("\n")
    names = [line for line in lines if line and not line.startswith("#")]
    others: dict[str, tuple[str, ...]] = {}
    for name in names:
        if not name.isascii():
            others[name[0]] = (*others.get(name[0], ()), name)
    return frozenset(name for name in names if name.isascii()), others


def _is_valid_host(domain: str, url_length: int) -> bool:
    """Whether the host can be written in punycode (RFC 3490, as the server's library does) and the address is not too long."""
    if domain.isascii():
        return all(len(label) <= MAX_LABEL_LENGTH for label in domain.split(".")) and url_length <= MAX_URL_LENGTH
    if any(stringprep.in_table_a1(char) for char in domain):
        return False
    try:
        written = [encodings.idna.ToASCII(label) for label in domain.split(".")]
    except UnicodeError:
        return False
    return url_length + sum(map(len, written)) + len(written) - 1 - len(domain) <= MAX_URL_LENGTH
