"""Random texts for comparing our rules for texts with a network's own: the same seed makes the same texts.

They are drawn from what people write and from what breaks counters: emoji in all forms, joined and half joined, flags
and keycaps, addresses of many shapes, mentions, tags, many scripts, combining marks and controls (never U+0000).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from functools import cache

import regex

DEFAULT_SEED, DEFAULT_COUNT = 20261202, 5_000


def _words(several: str) -> list[str]:
    return several.split(" ")


TONES = "🏻🏼🏽🏾🏿"
TEXT_FORM, EMOJI_FORM, JOINER, KEYCAP = "\ufe0e", "\ufe0f", "\u200d", "\u20e3"
FORMS = ("", EMOJI_FORM, TEXT_FORM, *TONES, EMOJI_FORM + TONES[2])
JOINED = _words(
    "👨‍👩‍👧‍👦 👩‍👩‍👦 👩‍🚀 👩🏽‍🚀 🧑‍🎄 🧑🏿‍🎄 👩🏽‍🤝‍👨🏿 🧑🏻‍🤝‍🧑🏿 👭🏽 ❤️‍🔥 ❤️‍🩹 🏳️‍🌈 🏳️‍⚧️ 🏴‍☠️ 👁️‍🗨️ 👁‍🗨 👩‍❤️‍💋‍👨 👩🏽‍❤️‍👩🏿 🐻‍❄️ 🐦‍🔥 🍋‍🟩 🕵🏽‍♂️ 🕵️‍♀️"
    " 🤵🏾‍♀️ 👰🏼‍♂️ 🧔‍♂️ 🏃🏽‍♀️‍➡️ 👨🏽‍🦽‍➡️ 🧑‍🧑‍🧒 🫱🏻‍🫲🏿 😶‍🌫️ 😮‍💨 😵‍💫 🐕‍🦺 🐈‍⬛ ⛓️‍💥 🙂‍↔️ 🏋️‍♀️ 🏌🏿‍♂️ 🤦🏽‍♀️ 🤼‍♂️ 👯‍♀️ 🧑‍⚕️ 👨‍⚖️ 👩‍✈️ 👨‍🦰 🧑‍🦳 🧟‍♂️"
    " 🏴󠁧󠁢󠁥󠁮󠁧󠁿 🏴󠁧󠁢󠁳󠁣󠁴󠁿 🏴󠁧󠁢󠁷󠁬󠁳󠁿 🏴󠁵󠁳󠁣󠁡󠁿 🇮🇩 🇬🇧 🇪🇺 🇨🇶 🇦🇦 1️⃣ #️⃣ *⃣ 9️⃣ ©️ ©︎ ®️ ™️ ☕️ ⚡️ ⭐️ ⚽️ ❗️ ⌚️ ♈️ 🀄️ 🈚️ 🈯️ ☺︎ ☺️ ‼️ ㊗️ 〰️ ♾️ ⚧️ ☝🏽 ✌️ 🫶🏾 🫷🏽 🫠"
)
WORDS = _words(
    "kopi senja pagi ini Ngopi dulu yuk di Bandung harga Rp25.000 100% enak! gratis? dan/atau e.g. v1.2 README.md café"
    " naïve Straße Ærø Łódź Țară İstanbul ﬁn ſtar Kelvin привет Москва Ελλάδα שלום مرحبا ٱلسَّلَامُ کراچی ١٢٣ ۴۵۶ १२३ ๑๒๓ 日本語 東京で 漢字"
    " カタカナ ﾊﾝｶｸ ﾃﾞ ひらがな 中文字 香港 한국어 한글 ㅋㅋㅋ ภาษาไทย น้ำ ซ้ำ ค้ำ กำ ก็ ສະບາຍດີ ນ້ຳ ຄຳ ភាសាខ្មែរ မြန်မာ नमस्ते क्षत्रिय हिन्दी"
    " বাংলা ক্ষ தமிழ் நி ಕನ್ನಡ മലയാളം ක්‍ෂ བོད་ཡིག ꦲꦏ꧀ꦱꦫ ᮃᮊ᮪ᮞᮛ ᠮᠣᠩᠭᠣᠯ 𠮷野家 𝐁𝐨𝐥𝐝 Z̷̢̛a̴l̵g̶o̸ e\u0301 n\u0303 ö ö\u0302 א\u05b0\u05bc า\u0e33 \u1100\u1161\u11a8"
)
SEPARATORS = (" ",) * 8 + ("", "", "", "", "\n", "\n", "\r\n", "\t", "  ", "\u00a0", "\u3000", "\u200b", "\u2009")
PUNCTUATION = (*".,;:!?'\"’”“»«…()[]{}<>-–—_/\\|&%*+=~^`@#$＠＃・。、！？（）「」·`", "...", "?!", "--", "://", "->")
CONTROLS = tuple(map(chr, (*range(0x01, 0x20), 0x7F, 0x85, 0x9F, 0xAD, 0x61C, 0x180E, 0x200C, 0x200D, 0x200E, 0x200F)))
CONTROLS += tuple(map(chr, (0x2028, 0x2029, 0x202A, 0x202E, 0x2060, 0x2066, 0x2069, 0x20E2, 0xFE0E, 0xFE0F, 0xFFFC)))
SCHEMES = ("https://",) * 6 + ("http://", "HTTPS://", "Http://", "", "", "", "", "ftp://", "gemini://", "https:/", "//")
HOSTS = _words(
    "kopi.id www.kopi.id kopi-senja.co.id KOPI.ID a.b.c.example.com example.com t.co t.co t.co bit.ly x.com 例え.jp kopi.みんな пример.рф"
    " xn--r8jz45g.jp kopi_senja.id a_b.kopi.id -kopi.id kopi-.id kopi..id .kopi.id kopi.invalid localhost 127.0.0.1 [::1] ☕.com"
    " sub.kopi.museum kopi.photography kopi.test éxample.com café.fr kopi.id. kopi.com1 naver.한국 1.2.id 4sq.com"
)
PORTS = ("",) * 8 + (":80", ":8080", ":", ":a")
PATHS = (
    "",
    "",
    "",
    "/",
    "/menu",
    "/Kopi_(minuman)",
    "/a/b/c",
    "/a.b,c",
    "/naïve",
    "/путь",
    "/日本",
    "/@amy",
    "/x(y(z))",
    "/(a",
    "/a)",
)
PATHS += (
    "/abc…",
    "/abcDEF123",
    "/abc-def",
    "/abc/def",
    "/" + "a" * 45,
    "/~a/%20b",
    "/a!",
    "/a'",
    '/a"',
    "/a*",
    "/a|b",
    "/☕",
    "/#a",
)
QUERIES = ("",) * 6 + ("?a=1", "?a=1&b=2", "?q=日本", "?", "?a=(b)", "?x=1.", "?ref=@amy", "?a[]=1", "?!!")
FRAGMENTS = ("",) * 6 + ("#bagian", "#", "#!a")
NAMES = (
    "@kopisenja @Kabar_Pagi @a @"
    + "b" * 20
    + " @"
    + "c" * 21
    + " @kabarpagi.bsky.social @KopiSenja.test @name.bsky.social- @a-b.kopi.id"
    " @x.nosuchtop @sari.bsky.social@x.test @amy@kopi.social @amy@例え.jp @kopi/daftar @kopi/1x RT@kopi rt:@kopi ＠kopi a@b @@kopi @kopi_ @_"
    " @9gag.com @kopi.co.id. @-a.com @a..com @.com @é @kopi.id_x @kopi.ID"
).split(" ")
FOLLOWERS = ("",) * 8 + (
    "さん",
    "の投稿",
    "ครับ",
    "先生",
    "님",
    "é",
    "ı",
    "x",
    "_",
    "-",
    ".",
    ",",
    ":",
    "'s",
    "’s",
    "/",
    "@",
    "!",
    ")",
    "٣",
    "…",
)
TAGS = (
    "#kopi #Kopi_Senja #2026 #1a #kopi2026 #١٢٣ #१२३ #日本語 #กาแฟ #قهوة #кофе ＃全角 #️⃣ #⃣ ##kopi #a·b #a・b #kopi-senja #kopi.id #é #e\u0301 #☕ #☕️kopi"
    " #kopi! #kopi’ #kopi) #(kopi) #_ #__ #_1 #1_ #. #-a #🇮🇩 #a\u200bb #a\u200db #𝐁𝐨𝐥𝐝 #𝟏𝟐 #²³ #Ⅷ #"
    + "x" * 64
    + " #"
    + "y" * 65
    + " &#39; a#b #a#b /#a #https://kopi.id"
).split(" ")
CASHTAGS = _words(
    "$AAPL $GOTO $BBCA.JK $a $ABCDEF $ABCDEFG $brk_b $100 $AAPL, $aapl! ($GOTO) $TSLA’s $ $$ US$5 $é $AB1 $A$B"
)


def texts(seed: int = DEFAULT_SEED, count: int = DEFAULT_COUNT) -> list[str]:
    """`count` texts of 1 to 14 pieces."""
    draw = random.Random(seed)
    return [_text(draw) for _ in range(count)]


def emoji_forms() -> Iterator[str]:
    """Every emoji and every part of one, bare and in each form that a keyboard or another program may write."""
    for one in emoji():
        for form in (*FORMS, KEYCAP, EMOJI_FORM + KEYCAP):
            yield one + form


@cache
def emoji() -> tuple[str, ...]:
    """Every character that Unicode calls an emoji, digits and flag letters among them."""
    find = regex.compile(r"\p{Emoji}|\p{Regional_Indicator}|\p{Extended_Pictographic}")
    return tuple(one for code in range(0x20, 0x1FBFF) if find.match(one := chr(code)))


def _text(draw: random.Random) -> str:
    pieces: list[str] = []
    for _ in range(draw.randint(1, 14)):
        pieces += (draw.choice(PIECES)(draw), draw.choice(SEPARATORS))
    return "".join(pieces[:-1])


def _address(draw: random.Random) -> str:
    parts = (SCHEMES, HOSTS, PORTS, PATHS, QUERIES, FRAGMENTS, FOLLOWERS)
    return "".join(draw.choice(part) for part in parts)


def _emoji(draw: random.Random) -> str:
    return draw.choice(emoji()) + draw.choice(FORMS)


def _sequence(draw: random.Random) -> str:
    """Joined as no keyboard does it, too: what is no known sequence counts by its parts."""
    return JOINER.join(_emoji(draw) for _ in range(draw.randint(2, 4)))


def _flag(draw: random.Random) -> str:
    return "".join(chr(0x1F1E6 + draw.randrange(26)) for _ in range(draw.randint(1, 3)))


def _keycap(draw: random.Random) -> str:
    return draw.choice("#*0123456789a") + draw.choice(("", EMOJI_FORM, TEXT_FORM)) + KEYCAP


def _any(draw: random.Random) -> str:
    """A character of the whole of Unicode, no surrogate, and neither U+0000 nor one that X refuses."""
    while True:
        code = draw.choice((draw.randrange(1, 0x3000), draw.randrange(1, 0x10000), draw.randrange(0x10000, 0x110000)))
        if not 0xD800 <= code <= 0xDFFF and code not in (0xFEFF, 0xFFFE, 0xFFFF):
            return chr(code)


def _of(alphabet: tuple[str, ...] | list[str]) -> Callable[[random.Random], str]:
    return lambda draw: draw.choice(alphabet)


def _followed(alphabet: list[str]) -> Callable[[random.Random], str]:
    return lambda draw: draw.choice(alphabet) + draw.choice(FOLLOWERS)


def _before(alphabet: list[str]) -> Callable[[random.Random], str]:
    return lambda draw: draw.choice(PUNCTUATION) + draw.choice(alphabet)


PIECES: tuple[Callable[[random.Random], str], ...] = (
    *(_of(WORDS),) * 8,
    *(_of(JOINED),) * 3,
    *(_emoji,) * 2,
    _sequence,
    _flag,
    _keycap,
    *(_address,) * 4,
    *(_followed(NAMES),) * 3,
    *(_followed(TAGS),) * 3,
    _followed(CASHTAGS),
    *(_before([*NAMES, *TAGS, *CASHTAGS, *HOSTS]),) * 2,
    *(_of(PUNCTUATION),) * 2,
    _of(CONTROLS),
    _any,
)
