"""What a Newnet account may publish: every number with its source, and the capabilities built from them."""

from __future__ import annotations

from datetime import date

from kicau.connector.capabilities import Ability, Capabilities, Fact, Option

NETWORK = "Newnet"
CHECKED = date(2026, 1, 1)  # the day on which you looked
DOCS = "https://docs.newnet.example/posts"

FACTS = {
    "max-length": Fact(value=100, source=DOCS, checked=CHECKED),
    "max-parts": Fact(value=10, source=f"{DOCS}#threads", checked=CHECKED),
}


def number(name: str) -> int:
    return int(FACTS[name].value)


TONE = Option(name="tone", label="Tone", choices=(("loud", "Loud"), ("quiet", "Quiet")), default="loud")

baseline = Capabilities(
    max_length=number("max-length"),
    max_parts=number("max-parts"),
    abilities=frozenset({Ability.THREAD, Ability.DELETE}),
    options=(TONE,),
    facts=FACTS,
)
