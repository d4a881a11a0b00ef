"""Why something is not in a set, in a sentence."""

from __future__ import annotations

from kicau.base.sentences import Sentence
from kicau.rights.decisions import Decision
from kicau.rights.sentences import decision_reason

DELETED = Sentence("Excluded from the training set because the post was deleted from its social network.")
NOT_PUBLIC = Sentence(
    "Excluded from the training set because the content is a private message or a repost of someone else's post."
)
NO_TEXT = Sentence("Excluded from the training set because this content has no text.")
OTHER_LANGUAGE = Sentence(
    "Excluded from the training set because the text is in a language that you did not choose for the training set."
)
TOO_SHORT = Sentence(
    "Excluded from the training set because the text has fewer words than you chose as the minimum for this training set."
)
REPEATS_ANOTHER = Sentence("Excluded from the training set because the text repeats another text in the training set.")
OTHERS_WORDS = Sentence(
    "Excluded from the training set because other people wrote this content, and only your workspace allows its use. The author, a licence or the network must allow it."
)
COPIES_PROHIBITED = Sentence(
    "Excluded from the training set because the text repeats or fully quotes another text that may not be used."
)
OWN_POST_COPIES_PROHIBITED = Sentence(
    "Excluded from the training set until someone in this workspace decides whether to use the text. It is your own content, but it repeats or fully quotes a text that may not be used."
)
PRIVATE_MESSAGE = Sentence("The text that this content repeats or quotes is a private message.")
ANSWERS_PROHIBITED = Sentence(
    "Excluded from the training set because the text replies to another text that may not be used or is not in the archive. Without that other text, the conversation is incomplete."
)


def decision_sentence(decision: Decision) -> Sentence:
    """Why an item may or may not be used; English, and translatable."""
    told = decision_reason(decision)
    return Sentence(told.message, **told.params)
