"""What both networks do with text: trim it, and refuse characters that JSON and forms cannot carry."""

from __future__ import annotations

import re

from kicau.connector.content import Problem

UNSENDABLE_PATTERN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


def displayed_text(text: str) -> str:
    """The text as readers get it: line ends as \\n, no blank before or after."""
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


def unsendable_problem(network: str, text: str, field: str) -> tuple[Problem, ...]:
    """A problem where the text holds a control character or half of a surrogate pair."""
    found = UNSENDABLE_PATTERN.search(text)
    if found is None:
        return ()
    return (
        Problem(
            code="bad-character",
            message="The text for {network} contains a character that the network does not accept ({name}, character number {place}). Remove the character.",
            params={"network": network, "name": f"U+{ord(found[0]):04X}", "place": found.start() + 1},
            field=field,
        ),
    )


def is_same_text(one: str, other: str) -> bool:
    """Whether two texts read the same, however their blanks and line ends are kept."""
    return " ".join(one.split()) == " ".join(other.split())
