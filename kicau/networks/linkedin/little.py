"""LinkedIn's "little" text: what an author types, what readers see, and what is sent.

Rules: https://learn.microsoft.com/en-us/linkedin/marketing/community-management/shares/little-text-format
(2026-11-24). Every reserved character that opens no mention or hashtag is escaped; LinkedIn silently cuts a text at
one that is not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from kicau.connector.content import Span, SpanKind

RESERVED_PATTERN = re.compile(r"[\\|{}@\[\]()<>#*_~]")
URN_PATTERN = r"urn:li:(?:person|organization):[A-Za-z0-9_-]+"

# Ends of addresses that LinkedIn links without a scheme. It publishes no list: these mark a link in the preview only,
# what is sent does not depend on them.
BARE_TOP_LEVEL_DOMAINS = (
    "com|org|net|edu|gov|io|ai|app|dev|co|info|biz|me|id|my|sg|au|uk|us|eu|de|fr|nl|jp|in|xyz|shop|store|online"
)

TOKEN_PATTERN = re.compile(
    rf"""
    @\[(?P<name>[^\[\]\n]{{1,200}})\]\((?P<urn>{URN_PATTERN})\)
  | \{{hashtag\|\\?(?P<sign>[#＃])\|(?P<typed>[^{{}}|\s\\]+)\}}
  | (?P<link>https?://\w[^\s<>"]* | (?<![\w@./-])(?:www\.)?(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+(?:{BARE_TOP_LEVEL_DOMAINS})(?![\w-]|\.\w)(?:/[^\s<>"]*)?)
  | (?<![\w&/\#＃])(?P<hash>[#＃](?=\w*[^\W\d_])\w+)
    """,
    re.VERBOSE | re.IGNORECASE,
)


def parse_typed(typed: str) -> tuple[str, tuple[Span, ...]]:
    """What the author typed, as readers will see it, and the mentions, hashtags and links in that.

    `@[Name](urn:li:organization:1)` is shown as Name, `{hashtag|#|tag}` as #tag; all else stays to the letter.
    """
    out: list[str] = []
    spans: list[Span] = []
    length = done = 0
    for match in TOKEN_PATTERN.finditer(typed):
        kind, shown, target = _token_meaning(match)
        before = typed[done : match.start()]
        start = length + len(before)
        out += [before, shown]
        spans.append(Span(kind, start, start + len(shown), shown, target))
        length = start + len(shown)
        done = match.start() + len(shown) if kind is SpanKind.LINK else match.end()
    out.append(typed[done:])
    return "".join(out), tuple(spans)


def typed_text(text: str, spans: Iterable[Span]) -> str:
    """What the author types to have this shown: `parse_typed` gives it back."""
    out, done = [], 0
    for span in spans:
        if span.kind is SpanKind.MENTION and re.fullmatch(URN_PATTERN, span.target):
            out += [text[done : span.start], f"@[{span.text}]({span.target})"]
            done = span.end
    return "".join([*out, text[done:]])


def _token_meaning(match: re.Match[str]) -> tuple[SpanKind, str, str]:
    if name := match["name"]:
        return SpanKind.MENTION, name, match["urn"]
    if typed := match["typed"]:
        return SpanKind.TAG, match["sign"] + typed, typed
    if tag := match["hash"]:
        return SpanKind.TAG, tag, tag[1:]
    address = _trim_punctuation(match["link"])
    return SpanKind.LINK, address, address if "://" in address else f"https://{address}"


def _trim_punctuation(address: str) -> str:
    """Without the punctuation of the sentence around it; a closing bracket stays where its opening one is inside."""
    surplus = {close: address.count(close) - address.count(opening) for opening, close in ("()", "[]", "{}")}
    end = len(address)
    while end:
        last = address[end - 1]
        if last in surplus and surplus[last] > 0:
            surplus[last] -= 1
        elif last not in ".,;:!?'\"”’…":
            break
        end -= 1
    return address[:end]


def escape_text(text: str) -> str:
    return RESERVED_PATTERN.sub(r"\\\g<0>", text)


def write_commentary(text: str, spans: Iterable[Span]) -> str:
    """The text as it is sent: mentions and hashtags as elements, every other reserved character escaped."""
    out: list[str] = []
    done = 0
    for span in spans:
        if span.kind is SpanKind.LINK:
            continue
        out.append(escape_text(text[done : span.start]))
        if span.kind is SpanKind.MENTION:
            out.append(f"@[{escape_text(span.text)}]({span.target})")
        else:
            out.append(f"{{hashtag|\\{span.text[0]}|{escape_text(span.target)}}}")
        done = span.end
    out.append(escape_text(text[done:]))
    return "".join(out)


COMMENTARY_PATTERN = re.compile(
    rf"@\[(?P<name>(?:\\.|[^\]\\])*)\]\({URN_PATTERN}\)|\{{hashtag\|\\?(?P<sign>[#＃])\|(?P<tag>(?:\\.|[^}}\\])*)\}}|\\(?P<char>.)",
    re.DOTALL,
)


def displayed_text(sent: str) -> str:
    """A commentary as LinkedIn hands it back, as readers see it."""

    def one(match: re.Match[str]) -> str:
        if match["char"]:
            return match["char"]
        return (
            displayed_text(match["name"]) if match["name"] is not None else match["sign"] + displayed_text(match["tag"])
        )

    return COMMENTARY_PATTERN.sub(one, sent)


def count_units(text: str) -> int:
    """UTF-16 code units, as LinkedIn counts (`limits.FACTS["unit"]`)."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
