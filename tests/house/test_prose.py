"""Docs and interface are easy to read: short paragraphs and sentences. The limits are in pyproject.toml,
[tool.kicau.prose]."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from kicau.web.translations import catalogs
from tests.house import prose

ROOT = Path(__file__).resolve().parents[2]
LIMITS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["kicau"]["prose"]
DOCS = sorted(
    [
        *ROOT.glob("*.md"),
        ROOT / "bench" / "README.md",
        *(page for page in (ROOT / "docs").rglob("*.md") if "decisions" not in page.parts),
        *(ROOT / "kicau" / "networks").glob("*/README.md"),
    ]
)


def words(text: str) -> int:
    return len(text.split())


@pytest.mark.parametrize("page", DOCS, ids=lambda p: str(p.relative_to(ROOT)))
def test_paragraphs_and_sentences_of_the_docs_are_short(page):
    text = page.read_text("utf-8")
    long = [p for p in prose.paragraphs(text) if words(p) > LIMITS["max_paragraph_words"]]
    long += [s for s in prose.sentences(text) if words(s) > LIMITS["max_sentence_words"]]
    assert long == [], f"{page.relative_to(ROOT)}: split these, or make a list or a table of them"


def test_most_sentences_are_short():
    found = [words(s) for page in DOCS for s in prose.sentences(page.read_text("utf-8"))]
    short = sum(count <= LIMITS["usual_sentence_words"] for count in found)
    assert len(found) > 1000
    assert short / len(found) >= LIMITS["usual_sentence_share"]


def english(catalogue: Path) -> list[str]:
    """The texts of a catalogue as people read them, without markup."""
    with catalogue.open("rb") as file:
        ids = [message.id for message in read_po(file) if message.id]
    texts = [text for one in ids for text in ([one] if isinstance(one, str) else one)]
    return [re.sub(r"<[^>]+>", "", text) for text in texts]


@pytest.mark.parametrize("catalogue", catalogs(), ids=lambda p: str(p.relative_to(ROOT)))
def test_sentences_of_the_interface_are_short_and_plain(catalogue):
    banned = re.compile(rf"\b({'|'.join(map(re.escape, LIMITS['banned_interface_words']))})\b", re.IGNORECASE)
    texts = english(catalogue)
    assert texts
    assert [text for text in texts if banned.search(text)] == []
    long = [
        s for text in texts for s in prose.split_sentences(text) if words(s) > LIMITS["max_interface_sentence_words"]
    ]
    assert long == []


def test_the_check_sees_what_it_should():
    text = (
        "# A heading\n\nOne sentence. Another one, e.g. this: see [a page](page.md).\n\n"
        "- first item\n- second `item`\n\n```sh\ncode. Is. No. Prose.\n```\n\n    nor. Is. This.\n\n| a cell | two. Three. |\n"
    )
    assert list(prose.paragraphs(text)) == [
        "One sentence. Another one, e.g. this: see [a page](page.md).",
        "first item",
        "second `item`",
    ]
    assert list(prose.sentences(text)) == [
        "One sentence.",
        "Another one, e.g. this: see a page.",
        "first item",
        "second `item`",
        "a cell",
        "two.",
        "Three.",
    ]
