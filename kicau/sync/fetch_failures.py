"""What a failed fetch means for the next one: when it is tried again, and what people read until then."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog

from kicau.base import clock
from kicau.base.sentences import Sentence, sentence_pieces
from kicau.channels.call_failures import CallFailure, FailureKind
from kicau.channels.models import Channel

MANUAL_FIX_RETRY_DELAY = timedelta(hours=6)  # until what only a person or the operator can change is tried again
MAX_RETRY_DELAY = timedelta(hours=1)  # between tries at a network that does not answer

log = structlog.get_logger("kicau.sync")

_SENTENCES = {
    FailureKind.RATE_LIMITED: Sentence(
        "{network} asked Kicau to stop checking the comments, replies and statistics of your posts until {until}. Kicau then continues. You do not need to do anything."
    ),
    FailureKind.NO_ACCESS: Sentence(
        "{network} does not let Kicau monitor the comments, replies and statistics of this channel ({why}). Reconnect the channel and allow this access when the network asks for it."
    ),
    FailureKind.REJECTED: Sentence(
        "{network} does not allow Kicau to monitor the comments, replies and statistics of this channel: {why}"
    ),
    FailureKind.NOT_IN_PLAN: Sentence(
        "Your {network} plan does not include monitoring the comments, replies and statistics of your posts ({meter}). To continue monitoring, switch to a plan that includes it."
    ),
    FailureKind.UNREACHABLE: Sentence(
        "{network} did not reply when Kicau checked the comments, replies and statistics of your posts: {why}. Kicau tries again. You do not need to do anything."
    ),
    FailureKind.FAULT: Sentence(
        "An internal error in Kicau interrupted the monitoring of comments, replies and statistics of your posts. Kicau tries again. You do not need to do anything."
    ),
}


def failure_sentence(failure: CallFailure, label: str) -> Sentence:
    if failure.kind is FailureKind.REFUSED:
        return Sentence.of(sentence_pieces(failure.cause))
    sentence = _SENTENCES[failure.kind]
    return sentence.fill(network=label, why=failure.cause, meter=failure.cause, until=failure.until or clock.now())


def next_try_at(failure: CallFailure, fruitless: int, longest: timedelta = MAX_RETRY_DELAY) -> datetime:
    """Later and later where a network does not answer, and by then at the latest."""
    match failure.kind:
        case FailureKind.UNREACHABLE:
            wait = min(longest, timedelta(minutes=2.0 ** min(fruitless, 9)))
        case FailureKind.FAULT:
            wait = longest
        case _:
            wait = MANUAL_FIX_RETRY_DELAY
    return failure.until or clock.now() + wait


def log_fault(failure: CallFailure, channel: Channel) -> None:
    """An error of ours with its traceback; called where it was caught."""
    if failure.kind is FailureKind.FAULT:
        log.exception("a fetch failed by a fault of ours", network=channel.network, channel=str(channel.id))
