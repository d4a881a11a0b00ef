"""The design language holds: contrast of every pair of tokens, and no page's styles or scripts grow fat."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest

from kicau.base.ids import new_id

STATIC = Path(__file__).resolve().parents[1] / "static"
TOKENS = (STATIC / "web" / "tokens.css").read_text("utf-8")
PAIRS = [
    *((text, ground) for text in ("ink", "soft") for ground in ("sunk", "paper", "card", "raised")),
    *((tone, f"{tone}-ground") for tone in ("leaf", "sky", "sun", "ember", "plum", "still")),
    *(
        (tone, ground)
        for tone in ("leaf", "sky", "sun", "ember", "plum", "still")
        for ground in ("card", "paper", "sunk")
    ),
    ("ink", "still-ground"),
    ("ink", "leaf-ground"),
    ("on-leaf", "leaf"),
    ("on-leaf", "leaf-press"),
]


def theme(dark: bool, block: str) -> dict[str, str]:
    found = {name: pair[dark] for name, *pair in re.findall(r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)", block)}
    found |= {
        name: found[other] for name, other in re.findall(r"--([\w-]+): var\(--([\w-]+)\)", block) if other in found
    }
    return found


def luminance(colour: str) -> float:
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


BLOCKS = {
    "usual": TOKENS.split("/* High contrast")[0],
    "contrast": TOKENS.split("/* High contrast")[0] + TOKENS.split("/* High contrast")[1].split("@media")[0],
}


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("block", BLOCKS)
def test_every_text_can_be_read_on_every_ground_that_it_stands_on(block, dark):
    colours = theme(dark, BLOCKS[block])
    least = 7.0 if block == "contrast" else 4.5
    bad = {
        f"{a} on {b}": round(contrast(colours[a], colours[b]), 2)
        for a, b in PAIRS
        if contrast(colours[a], colours[b]) < least
    }
    assert not bad


@pytest.mark.parametrize("dark", [False, True])
def test_the_edge_of_what_can_be_used_stands_out(dark):
    colours = theme(dark, BLOCKS["usual"])
    assert (
        min(contrast(colours[one], colours[ground]) for one in ("edge", "focus") for ground in ("card", "paper")) >= 3
    )


def test_the_composer_loads_at_most_200_kilobytes_and_60_of_script(page, channels):
    """As it travels: every file that the page names, by the middleware that serves it."""

    def size(address: str) -> tuple[int, str]:
        answer = page.get(address, headers={"accept-encoding": "gzip"})
        assert answer.status_code == 200, address
        body = b"".join(answer) if answer.streaming else answer.content
        plain = gzip.decompress(body) if answer.headers.get("Content-Encoding") == "gzip" else body
        return len(body), plain.decode("utf-8", "replace")

    whole, html = size(f"/compose/{new_id()}")
    assert not re.search(r"<style|<script(?![^>]* src=)|\sstyle=|\son\w+=", html)
    files = set(re.findall(r'(?:href|src)="(/(?:static|networks)/[^"#]+)', html))
    assert len(files) > 12
    sizes = {name: size(name)[0] for name in files}
    tokens = size("/static/web/tokens.css")[1]
    sizes |= {f"/static/{name}": size(f"/static/{name}")[0] for name in re.findall(r'url\("\.\./([^"]+)"\)', tokens)}
    assert whole + sum(sizes.values()) <= 200_000, sizes
    assert sum(n for name, n in sizes.items() if name.endswith(".js")) <= 60_000


def test_every_icon_that_a_template_names_is_drawn():
    drawn = set(re.findall(r'<symbol id="([\w-]+)"', (STATIC / "web" / "icons.svg").read_text()))
    folder = STATIC.parent
    used = {name for path in folder.rglob("*.html") for name in re.findall(r'{% icon "([\w-]+)"', path.read_text())}
    used |= set(re.findall(r'Badge\(.*?, "([\w-]+)", "[\w-]+"\)', (folder / "core" / "labels.py").read_text()))
    assert used <= drawn
