"""A poll against the channel's rule."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from kicau.connector.capabilities import Capabilities, PollRule
from kicau.connector.content import Poll, Problem

type ProblemMaker = Callable[..., Problem]


def check_poll(network: str, poll: Poll, can: Capabilities, lengths: Iterable[int]) -> tuple[Problem, ...]:
    """`lengths`: of each option, counted as the network counts."""
    if can.poll is None:
        return ()

    def bad(code: str, field: str, message: str, limit: float, actual: float, **params: str | int) -> Problem:
        filled = {"network": network, "limit": limit, "actual": actual, **params}
        return Problem(code=code, message=message, params=filled, field=field, limit=limit, actual=actual)

    return (*_check_poll_options(poll, can.poll, lengths, bad), *_check_poll_duration(poll, can.poll, bad))


def _check_poll_options(poll: Poll, rule: PollRule, lengths: Iterable[int], bad: ProblemMaker) -> Iterable[Problem]:
    count = len(poll.options)
    if count < rule.min_options:
        yield bad(
            "poll-too-few",
            "poll.options",
            "This poll has {actual} options, but {network} requires at least {limit}. Add more options.",
            rule.min_options,
            count,
        )
    if count > rule.max_options:
        yield bad(
            "poll-too-many",
            "poll.options",
            "This poll has {actual} options, but {network} allows at most {limit}. Remove some options.",
            rule.max_options,
            count,
        )
    for n, length in enumerate(lengths):
        if length > rule.max_option_length:
            yield bad(
                "poll-option-too-long",
                f"poll.options.{n}",
                "Poll option {n} has {actual} characters, but {network} allows at most {limit}. Shorten the option.",
                rule.max_option_length,
                length,
                n=n + 1,
            )
        elif length == 0:
            yield bad(
                "poll-option-empty",
                f"poll.options.{n}",
                "Poll option {n} for {network} is empty. Write a text for this option or remove the option.",
                1,
                0,
                n=n + 1,
            )


def _check_poll_duration(poll: Poll, rule: PollRule, bad: ProblemMaker) -> Iterable[Problem]:
    if rule.durations and poll.minutes not in rule.durations:
        allowed = ", ".join(f"{m // 1440} d" if m % 1440 == 0 else f"{m} min" for m in rule.durations)
        yield bad(
            "poll-duration",
            "poll.minutes",
            "This poll would run for {actual} minutes, but {network} allows only these numbers of minutes: {allowed}. Choose one of them.",
            rule.durations[-1],
            poll.minutes,
            allowed=allowed,
        )
    elif not rule.durations and not rule.min_minutes <= poll.minutes <= rule.max_minutes:
        low, high = rule.min_minutes, rule.max_minutes
        yield bad(
            "poll-duration",
            "poll.minutes",
            "This poll would run for {actual} minutes, but {network} allows {low} to {high} minutes. Change the duration.",
            high if poll.minutes > high else low,
            poll.minutes,
            low=low,
            high=high,
        )
