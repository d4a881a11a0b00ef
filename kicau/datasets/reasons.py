"""Why something is not in a set, in a sentence."""

from __future__ import annotations

from kicau.rights.decisions import Decision
from kicau.rights.sentences import reason

DELETED = "Left out: it was deleted from its network."
NOT_PUBLIC = "Left out: reposts are others' words, and messages are private."
NO_TEXT = "Left out: it has no text."
LANGUAGE = "Left out: it is not in a language that was asked for."
SHORT = "Left out: it has fewer words than were asked for."
REPEATED = "Left out: it repeats another text of the set."
BRANCH = "Left out: it answers something that may not be used or is not here, and without that it is no conversation."


def sentence(decision: Decision) -> str:
    """Why an item may or may not be used, in English."""
    told = reason(decision)
    return told.message.format(**told.params)
