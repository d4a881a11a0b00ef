"""How X reads a text: its weighted length, and the links, mentions, hashtags and cashtags in it.

The rules are those of twitter-text 3.1.0 (2020-03-27) with its configuration 3: 280 at most, two for a character
outside the light ranges, two for an emoji of its list however long, 23 for a link. Its public conformance suite is the
judge, and the library itself (tests/test_oracle.py).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import chain
from typing import TYPE_CHECKING, Literal

from kicau.networks.x.text_characters import ACCENTED, CYRILLIC, PUNCTUATION, SPACES, UNSENDABLE
from kicau.networks.x.text_links import find_links

if TYPE_CHECKING:
    import regex

type EntityKind = Literal["link", "mention", "tag", "cashtag"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TweetEntity:
    """Something in a text that X treats specially; offsets in code points, end exclusive.

    `value` is the URL, the user name without @ or the tag without its sign; `list_slug` starts with a slash.
    """

    kind: EntityKind
    start: int
    end: int
    text: str
    value: str
    list_slug: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CountRules:
    """One configuration of the count."""

    limit: int = 280
    heavy: int = 2  # what a character outside the light ranges counts
    link: int = 23
    emoji: bool = True  # whether an emoji counts as one heavy character, however many it is made of


DEFAULT_RULES = CountRules()
RULES_2017 = CountRules(emoji=False)
RULES_140 = CountRules(limit=140, heavy=1, emoji=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedText:
    """What X makes of a text's length. `text[slice(*valid_range)]` is the part that may stay."""

    weighted_length: int
    valid: bool
    valid_range: tuple[int, int]
    permillage: int  # of the limit


def weighted_length(text: str, rules: CountRules = DEFAULT_RULES) -> int:
    """The text's length as X counts it."""
    return _count_weight(unicodedata.normalize("NFC", text), rules)


def parse_text(text: str, rules: CountRules = DEFAULT_RULES) -> ParsedText:
    """The text's length, whether X takes it, and how much of it."""
    composed = unicodedata.normalize("NFC", text)
    length = _count_weight(composed, rules)
    sendable = not _UNSENDABLE_PATTERN.search(composed)
    end = len(composed) if sendable and length <= rules.limit else _fitting_length(composed, rules)
    return ParsedText(
        weighted_length=length,
        valid=sendable and 0 < length <= rules.limit,
        valid_range=(0, max(0, end + len(text) - len(composed))),
        permillage=int(length / rules.limit * 1000),
    )


def find_entities(text: str) -> tuple[TweetEntity, ...]:
    """Everything special in the text, ordered; of two that overlap, the one that starts first."""
    found = [TweetEntity(kind="link", start=x.start, end=x.end, text=x.url, value=x.url) for x in find_links(text)]
    found += _find_mentions(text)
    found += _find_hashtags(text)
    found += _find_cashtags(text)
    return tuple(_without_overlaps(found)) if found else ()


def find_urls(text: str) -> tuple[TweetEntity, ...]:
    """The links of the text."""
    return tuple(TweetEntity(kind="link", start=x.start, end=x.end, text=x.url, value=x.url) for x in find_links(text))


def find_mentions_or_lists(text: str) -> tuple[TweetEntity, ...]:
    """The user names and lists mentioned in the text."""
    return tuple(_find_mentions(text))


def find_mentions(text: str) -> tuple[TweetEntity, ...]:
    """The user names mentioned in the text, without those of lists."""
    return tuple(one for one in _find_mentions(text) if not one.list_slug)


def find_hashtags(text: str) -> tuple[TweetEntity, ...]:
    """The hashtags of the text that are not part of a link."""
    tags = list(_find_hashtags(text))
    return tuple(one for one in _without_overlaps([*tags, *find_urls(text)]) if one.kind == "tag") if tags else ()


def find_cashtags(text: str) -> tuple[TweetEntity, ...]:
    """The cashtags of the text."""
    return tuple(_find_cashtags(text))


def reply_screen_name(text: str) -> str | None:
    """Whom the text replies to by starting with a user name."""
    start = _REPLY_PATTERN.match(text)
    return start[1] if start and not _AFTER_NAME_PATTERN.match(text, start.end()) else None


def _without_overlaps(found: list[TweetEntity]) -> Iterator[TweetEntity]:
    done = 0
    for one in sorted(found, key=lambda e: e.start):
        if one.start >= done:
            yield one
            done = one.end


# Counting

_LIGHT_RANGES = "\x00-\u10ff\u2000-\u200d\u2010-\u201f\u2032-\u2037"
_HEAVY_PATTERN = re.compile(f"[^{_LIGHT_RANGES}]+")
_UNSENDABLE_PATTERN = re.compile(f"[{UNSENDABLE}]")


def _count_weight(composed: str, rules: CountRules) -> int:
    total = _text_weight(composed, rules)
    for start, end, counts in _weighted_units(composed, rules):
        total += counts - _text_weight(composed[start:end], rules)
    return total


def _text_weight(text: str, rules: CountRules) -> int:
    if rules.heavy == 1 or text.isascii():
        return len(text)
    return len(text) + (rules.heavy - 1) * sum(map(len, _HEAVY_PATTERN.findall(text)))


def _weighted_units(composed: str, rules: CountRules) -> Iterable[tuple[int, int, int]]:
    """What counts as a whole: start, end and weight of each link and emoji, in order, none within another."""
    links = [(x.start, x.start + len(x.url), rules.link) for x in find_links(composed)]
    if not rules.emoji or not _MAYBE_EMOJI_PATTERN.search(composed):
        return links
    emoji = [(*match.span(), rules.heavy) for match in _emoji_pattern().finditer(composed)]
    return _without_overlapping_units(sorted(chain(links, emoji), key=lambda unit: unit[0]))


def _without_overlapping_units(units: Iterable[tuple[int, int, int]]) -> Iterator[tuple[int, int, int]]:
    done = 0
    for unit in units:
        if unit[0] >= done:
            yield unit
            done = unit[1]


def _fitting_length(composed: str, rules: CountRules) -> int:
    """How many characters of the text fit and come before the first that can't be sent."""
    bad = _UNSENDABLE_PATTERN.search(composed)
    stop, total, at = bad.start() if bad else len(composed), 0, 0
    for start, end, counts in chain(_weighted_units(composed, rules), [(stop, stop, 0)]):
        for place in range(at, min(start, stop)):
            total += _text_weight(composed[place], rules)
            if total > rules.limit:
                return place
        total += counts
        if total > rules.limit or end >= stop:
            return min(start, stop) if total > rules.limit else min(end, stop)
        at = end
    return stop


# Emoji. twitter-text 3.1.0 takes its list from twemoji-parser 11.0.2 (Emoji 11 of 2018). This is the grammar of the
# list's sequences; a lone character needs none, since it weighs two as any other outside the light ranges. What Unicode
# has joined since counts by its parts, which is never less than with the last list that X published (twemoji-parser 14).

_MAYBE_EMOJI_PATTERN = re.compile("[\xa9\xae\u203c-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff]")
_JOINER, _AS_EMOJI, _AS_TEXT = "\u200d", "\ufe0f", "\ufe0e"
_TONE = "[\U0001f3fb-\U0001f3ff]"
_REGIONS = (
    "ACDEFGILMOQRSTUWXZ BABDEFGHIJLMNOQRSTVWYZ CACDFGHIKLMNOPRUVWXYZ DEGJKMOZ EACEGHRSTU FIJKMOR"
    " GABDEFGHILMNPQRSTUWY HKMNRTU ICDELMNOQRST JEMOP KEGHIMNPRWYZ LABCIKRSTUVY MACDEFGHKLMNOPQRSTUVWXYZ"
    " NACEFGILOPRUZ OM PAEFGHKLMNRSTWY QA REOSUW SABCDEGHIJKLMNORSTVXYZ TACDFGHJKLMNORTVWZ UAGMNSYZ VACEGINU WFS"
    " XK YET ZAMW"
)  # of each letter, those that follow it in the flag of a country or region


@cache
def _emoji_pattern() -> regex.Pattern[str]:
    import regex  # loaded with the first emoji

    join, full, tone = _JOINER, _AS_EMOJI, _TONE
    sign = f"{join}[♀♂]{full}"
    tools = "🌾🍳🎓🎤🎨🏫🏭💻💼🔧🔬🚀🚒🦰🦱🦲🦳"
    actors = "🏃🏄🏊👮👱👳👷💁💂💆💇🙅🙆🙇🙋🙍🙎🚣🚴🚵🚶🤦🤵🤷🤸🤹🤽🤾🦸🦹🧖🧗🧘🧙🧚🧛🧜🧝"
    plain = "☝⛷⛹✌✍🏋🏌🕴🕵🖐"  # written as text unless marked; take a tone
    bases = (  # take a tone; later lists have more of them
        "✊✋🎅🏂-🏄🏇🏊👂👃👆-👐👦-👩👮👰-👸👼💁-💃💅-💇💪🕺🖕🖖🙅-🙇🙋-🙏🚣🚴-🚶🛀🛌🤘-🤜🤞🤟🤦🤰-🤹🤽🤾🦵🦶🦸🦹🧑-🧝"
    )
    turned = "⌚⌛◽◾☔☕♈-♓♿⚓⚡⚪⚫⚽⚾⛄⛅⛔⛪⛲⛳⛵⛺⛽❗⬛⬜⭐⭕🀄🈚🈯"  # emoji already, and often written with the sign for one
    sequences = [
        f"[#*0-9]{full}?\u20e3",
        *(
            _regional_indicator(line[0]) + f"[{''.join(map(_regional_indicator, line[1:]))}]"
            for line in _REGIONS.split()
        ),
        *(f"🏴{_tag_characters('gb' + part)}" for part in ("eng", "sct", "wls")),
        f"[👨👩]{tone}?{join}(?:[⚕⚖✈]{full}|[{tools}])",
        f"(?:[⛹🏋🏌🕴🕵](?:{tone}|{full})|[{actors}]{tone}?|[👯🤼🧞🧟]){sign}",
        f"(?:👨{join}❤{full}{join}(?:💋{join})?👨|👩{join}❤{full}{join}(?:💋{join})?[👨👩])",
        f"(?:👨(?:{join}[👨👩])?|👩(?:{join}👩)?){join}(?:👦{join}👦|👧{join}[👦👧]|[👦👧])",
        f"🏳{full}{join}🌈|🏴{join}☠{full}|👁{join}🗨",
        f"[{plain}](?:{full}{tone}?|{tone})",
        f"[{bases}]{tone}",
        rf"[[\p{{Emoji}}--\p{{Emoji_Presentation}}--[#*0-9{plain}♾⚧]]{turned}]{full}",
    ]
    return regex.compile("|".join(sequences), regex.VERSION1)


@cache
def _emoji_cluster_pattern() -> regex.Pattern[str]:
    """What a reader takes for one emoji, with all that belongs to it."""
    import regex

    return regex.compile(r"(?=\p{Extended_Pictographic})\X")


def heavy_emoji(text: str, rules: CountRules = DEFAULT_RULES) -> dict[str, int]:
    """Emoji that readers see as one and X may count as several, with the weight of each."""
    if not rules.emoji or not _MAYBE_EMOJI_PATTERN.search(text):
        return {}
    # A lone one that asks for plain text is no emoji to its reader either.
    joined = [
        one
        for one in _emoji_cluster_pattern().findall(text)
        if _JOINER in one or (len(one) > 1 and _AS_TEXT not in one)
    ]
    weights = {one: weighted_length(one, rules) for one in joined}
    return {one: weight for one, weight in weights.items() if weight > rules.heavy}


def _regional_indicator(letter: str) -> str:
    return chr(0x1F1E6 + ord(letter) - ord("A"))


def _tag_characters(name: str) -> str:
    return "".join(chr(0xE0000 + ord(letter)) for letter in name) + "\U000e007f"


# Mentions

_NAME = "[a-zA-Z0-9_]{1,20}"
_LIST = "/[a-zA-Z][a-zA-Z0-9_-]{0,24}"
_MENTION_PATTERN = re.compile(f"[@＠]({_NAME})({_LIST})?")
_BEFORE_NAME_PATTERN = re.compile("[^a-zA-Z0-9_!#$%&*@＠]")
_BEFORE_RT_PATTERN = re.compile("[^a-zA-Z0-9_+~.-]")
_AFTER_NAME_PATTERN = re.compile(f"[@＠{ACCENTED}]|://")
_REPLY_PATTERN = re.compile(f"[{SPACES}]*+[@＠]({_NAME})")


def _find_mentions(text: str) -> Iterator[TweetEntity]:
    if "@" not in text and "＠" not in text:
        return
    done = 0
    for match in _MENTION_PATTERN.finditer(text):
        start, end = match.span()
        if not _may_precede_name(text, start, done):
            continue
        done = end
        if not _AFTER_NAME_PATTERN.match(text, end):
            yield TweetEntity(
                kind="mention", start=start, end=end, text=match[0], value=match[1], list_slug=match[2] or ""
            )


def _may_precede_name(text: str, at: int, done: int) -> bool:
    if at == 0 or (at > done and _BEFORE_NAME_PATTERN.match(text, at - 1)):
        return True
    retweet = at - 2
    if retweet < done or text[retweet:at].lower() != "rt":
        return False
    return retweet == 0 or (retweet > done and _BEFORE_RT_PATTERN.match(text, retweet - 1) is not None)


# Hashtags and cashtags

_BLANKS = r"\t-\r \xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
_CASHTAG_PATTERN = re.compile(
    rf"(?:\A|(?<=[{SPACES}]))\$([a-zA-Z]{{1,6}}(?:[._][a-zA-Z]{{1,2}})?)(?=\Z|[{_BLANKS}{PUNCTUATION}])"
)
_TAG_SIGNS = r"_\u200c\u200d\ua67e\u05be\u05f3\u05f4\uff5e\u301c\u309b\u309c\u30a0\u30fb\u3003\u0f0b\u0f0c\xb7"


@cache
def _tag_patterns() -> tuple[regex.Pattern[str], regex.Pattern[str], regex.Pattern[str]]:
    """A hashtag, a letter, and what may not stand before the sign."""
    import regex  # loaded with the first hashtag

    inside = rf"\p{{L}}\p{{M}}\p{{Nd}}{_TAG_SIGNS}"
    return (
        regex.compile(rf"[#＃](?![\ufe0f\u20e3])([{inside}]++)"),
        regex.compile(r"[\p{L}\p{M}]"),
        regex.compile(rf"(?![\ufe0e\ufe0f])[{inside}&\ud800-\udfff]"),
    )


def _find_hashtags(text: str) -> Iterator[TweetEntity]:
    if "#" not in text and "＃" not in text:
        return
    tag, letter, joined = _tag_patterns()
    done = 0
    for match in tag.finditer(text):
        start, end = match.span()
        if not letter.search(match[1]) or (start and (start <= done or joined.match(text, start - 1))):
            continue
        done = end
        if text[end : end + 1] not in ("#", "＃") and not text.startswith("://", end):
            yield TweetEntity(kind="tag", start=start, end=end, text=match[0], value=match[1])


def _find_cashtags(text: str) -> Iterator[TweetEntity]:
    if "$" not in text:
        return
    for match in _CASHTAG_PATTERN.finditer(text):
        yield TweetEntity(kind="cashtag", start=match.start(), end=match.end(), text=match[0], value=match[1])


# Validation

_ANY_LIST_PATTERN = re.compile(f"[@＠]{_NAME}{_LIST}")
_PLAIN = f"a-zA-Z{CYRILLIC}0-9\\-._~"
_DELIMITERS = "!$&'()*+,;="
_ESCAPED = "%[0-9a-fA-F]{2}"
_URL_PATTERN = re.compile(r"(?:([^:/?#]+)://)?([^/?#]*)([^?#]*)(?:\?([^#]*))?(?:#(.*))?")
_URL_PATH_PATTERN = re.compile(f"(?:/(?:[{_PLAIN}{_DELIMITERS}:|@]|{_ESCAPED})*+)*+")
_URL_QUERY_PATTERN = re.compile(f"(?:[{_PLAIN}{_DELIMITERS}:|@/?]|{_ESCAPED})*+")
_USER_INFO_PATTERN = re.compile(f"(?:[{_PLAIN}{_DELIMITERS}:]|{_ESCAPED})*+")
_AUTHORITY_PATTERN = re.compile(r"(?:([^@]*)@)?(\[[a-fA-F0-9:.]+\]|[^:@\[\]]+)(?::[0-9]{1,5})?")
_IPV4_PATTERN = re.compile(r"(?:(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])(?:\.(?!\Z)|\Z)){4}")
_NON_ASCII = "\u0080-\U0010ffff"


def is_valid_text(text: str, rules: CountRules = DEFAULT_RULES) -> bool:
    """Whether X takes the text as a post: something, not too long, nothing unsendable."""
    return parse_text(text, rules).valid


def is_valid_username(name: str) -> bool:
    """Whether this is a user name with its @, and nothing else."""
    return [one.value for one in find_mentions(name)] == [name[1:]]


def is_valid_list(name: str) -> bool:
    """Whether this is a list, as in @name/list, and nothing else."""
    return _ANY_LIST_PATTERN.fullmatch(name) is not None


def is_valid_hashtag(tag: str) -> bool:
    """Whether this is a hashtag with its sign, and nothing else."""
    return [one.value for one in find_hashtags(tag)] == [tag[1:]]


def is_valid_url(url: str, *, protocol: bool = True, unicode_hosts: bool = True) -> bool:
    """Whether this is an address of the web; without `protocol` it may also lack one."""
    parts = _URL_PATTERN.fullmatch(url)
    if not url or not parts:
        return False
    scheme, authority, path, query, fragment = parts.groups(default="")
    if protocol and scheme.lower() not in ("http", "https"):
        return False
    rest = (
        _URL_PATH_PATTERN.fullmatch(path)
        and _URL_QUERY_PATTERN.fullmatch(query)
        and _URL_QUERY_PATTERN.fullmatch(fragment)
    )
    place = _AUTHORITY_PATTERN.fullmatch(authority)
    if not rest or not place or not _USER_INFO_PATTERN.fullmatch(place[1] or ""):
        return False
    return (
        place[2].startswith("[") or _IPV4_PATTERN.fullmatch(place[2]) is not None or _is_host(place[2], unicode_hosts)
    )


def _is_host(host: str, unicode_hosts: bool) -> bool:
    more = _NON_ASCII if unicode_hosts else ""
    *subdomains, name, top = ["", *host.split(".")]
    edge, inner = f"[a-zA-Z0-9{more}]", f"a-zA-Z0-9{more}\\-"
    rest = f"(?:[{inner}]*{edge})?"
    return (
        re.fullmatch(f"[a-zA-Z{more}]{rest}", top) is not None
        and re.fullmatch(f"{edge}{rest}", name) is not None
        and all(re.fullmatch(f"{edge}(?:[{inner}_]*{edge})?", one) for one in subdomains[1:])
    )
