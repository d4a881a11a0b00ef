"""Paragraphs and sentences of Markdown, for `test_prose`. Code, headings and addresses are no prose.

Libraries were compared: pysbd 0.3.4 splits `./run` in the middle and joins sentences that begin with code (18 of 698
paragraphs of the docs); textstat 0.7.13 brings nltk and knows no Markdown either.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

CODE_BLOCK = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#+ .*$", re.MULTILINE)
LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
URL = re.compile(r"https?://\S+")
ITEM = re.compile(r"\n(?=\s*(?:[-*]|\d+\.)\s)")
BULLET = re.compile(r"\A\s*(?:[-*]|\d+\.)\s+")
CELL_BORDER = re.compile(r"(?<!\\)\|")
SENTENCE_END = re.compile(r"(?<=[.!?])[\"”’)*_`]*\s+(?=[^a-z\s])")  # "e.g. v1" and "such as 3.1" end no sentence


def paragraphs(markdown: str) -> Iterator[str]:
    """Each paragraph and each list item. An item's code, and blocks indented as code, are left out."""
    for block in _blocks(markdown):
        if not block.lstrip().startswith("|"):
            yield from (BULLET.sub("", item).strip() for item in ITEM.split("\n" + block) if item.strip())


def sentences(markdown: str) -> Iterator[str]:
    """Each sentence of paragraphs, list items and table cells, with links and addresses as their plain words."""
    for block in _blocks(markdown):
        parts = CELL_BORDER.split(block) if block.lstrip().startswith("|") else paragraphs(block)
        for part in parts:
            yield from split_sentences(part)


def split_sentences(text: str) -> list[str]:
    plain = " ".join(URL.sub("URL", LINK.sub(r"\1", text)).split())
    return [one for one in SENTENCE_END.split(plain) if re.search(r"\w", one)]


def _blocks(markdown: str) -> Iterator[str]:
    for block in re.split(r"\n\s*\n", HEADING.sub("", CODE_BLOCK.sub("", markdown))):
        lines = [line for line in block.split("\n") if line.strip()]
        if lines and not all(line.startswith("    ") for line in lines):
            yield "\n".join(lines)
