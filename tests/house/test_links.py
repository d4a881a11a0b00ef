"""Every link between pages of the repository leads to a file, and to a heading where it names one; so does every file
and module of ours that a page names."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        ROOT / "bench" / "README.md",
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "kicau" / "networks").rglob("README.md"),
    ]
)
CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
FILE = re.compile(r"(?<![\w/.-])(?:kicau|tests|docs|bench|release)/[\w./-]+\.(?:py|toml|css|csv|md)\b")
MODULE = re.compile(r"python -m ((?:kicau|tests|bench|release)(?:\.\w+)*)")
REPLACED = "**Replaced by"  # a decision that no longer holds names what was there


def anchors(page: Path) -> set[str]:
    """The names by which the usual renderers link to a page's headings."""
    headings = re.findall(r"^#+ (.*)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    broken = []
    for target in LINK.findall(CODE.sub("", page.read_text("utf-8"))):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.exists() or (anchor and anchor not in anchors(file)):
            broken.append(target)
    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_files_and_modules_that_a_page_names_exist(page):
    text = page.read_text("utf-8")
    if REPLACED in text:
        return
    missing = [name for name in FILE.findall(text) if not any((at / name).exists() for at in (ROOT, page.parent))]
    for module in MODULE.findall(text):
        path = ROOT / module.replace(".", "/")
        if not (path.is_dir() or path.with_suffix(".py").exists()):
            missing.append(module)
    assert missing == []


def test_the_index_lists_every_page():
    index = (ROOT / "docs" / "README.md").read_text("utf-8")
    pages = [
        str(page.relative_to(ROOT / "docs"))
        for page in (ROOT / "docs").rglob("*.md")
        if page.name != "README.md" and "decisions" not in page.parts
    ]
    assert [page for page in pages if f"]({page})" not in index] == []
