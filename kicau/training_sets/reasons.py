"""Why something is not in a set, in a sentence."""

from __future__ import annotations

from kicau.base.sentences import Sentence
from kicau.rights.decisions import Decision
from kicau.rights.sentences import decision_reason

DELETED = Sentence("Left out: it was deleted from its network.")
NOT_PUBLIC = Sentence("Left out: reposts are others' words, and messages are private.")
NO_TEXT = Sentence("Left out: it has no text.")
OTHER_LANGUAGE = Sentence("Left out: it is not in a language that was asked for.")
TOO_SHORT = Sentence("Left out: it has fewer words than were asked for.")
REPEATS_ANOTHER = Sentence("Left out: it repeats another text of the set.")
OTHERS_WORDS = Sentence(
    "Left out: these are others' words, and nobody but this workspace has said that they may be used."
)
COPIES_PROHIBITED = Sentence("Left out: it repeats or quotes in full a text that may not be used.")
OWN_POST_COPIES_PROHIBITED = Sentence(
    "Left out until somebody decides: it is our own, and repeats or quotes in full a text that may not be used."
)
PRIVATE_MESSAGE = Sentence("That text is a private message.")
ANSWERS_PROHIBITED = Sentence(
    "Left out: it answers something that may not be used or is not here, and without that it is no conversation."
)


def decision_sentence(decision: Decision) -> Sentence:
    """Why an item may or may not be used; English, and translatable."""
    told = decision_reason(decision)
    return Sentence(told.message, **told.params)
