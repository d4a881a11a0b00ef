"""Parts, options, and what a channel cannot do at all."""

from __future__ import annotations

from collections.abc import Iterable

from kicau.connector.capabilities import Ability, Capabilities
from kicau.connector.content import Draft, Problem, RenderedPart


def check_length(network: str, parts: Iterable[RenderedPart], *, can_thread: bool = False) -> tuple[Problem, ...]:
    """A problem for each part over its limit, in the network's own unit."""
    found = []
    rows = tuple(parts)
    for n, part in enumerate(rows):
        if part.used <= part.limit:
            continue
        where = f"part {n + 1} of the text" if len(rows) > 1 else "the text"
        message = (
            "On {network}, {text_or_part} has {actual} {unit}, but the limit is {limit}. Shorten the text, or split it into a thread (several connected posts)."
            if can_thread
            else "On {network}, {text_or_part} has {actual} {unit}, but the limit is {limit}. Shorten the text."
        )
        found.append(
            Problem(
                code="too-long",
                message=message,
                params={
                    "network": network,
                    "text_or_part": where,
                    "actual": part.used,
                    "unit": part.unit,
                    "limit": part.limit,
                },
                field=f"parts.{n}.text",
                limit=part.limit,
                actual=part.used,
                fix="split" if can_thread else "shorten",
            )
        )
    return tuple(found)


def check_shape(network: str, draft: Draft, can: Capabilities) -> tuple[Problem, ...]:
    """What a draft asks for that the channel cannot do at all: parts, poll, link card, comment, unknown options."""
    found: list[Problem] = []

    def lacks(code: str, field: str, message: str, **params: str | int) -> None:
        found.append(Problem(code=code, message=message, params={"network": network, **params}, field=field))

    if len(draft.parts) > can.max_parts:
        limit, actual = can.max_parts, len(draft.parts)
        message = (
            "{network} does not support threads, but this post has {actual} parts. Customize the post for {network} so that it has only one part."
            if limit == 1
            else "This thread has {actual} parts, but {network} allows at most {limit}. Remove some parts."
        )
        found.append(
            Problem(
                code="too-many-parts",
                message=message,
                params={"network": network, "limit": limit, "actual": actual},
                field="parts",
                limit=limit,
                actual=actual,
            )
        )
    if draft.poll and not can.can(Ability.POLL):
        lacks(
            "no-polls",
            "poll",
            "{network} does not support polls. Remove the poll for this channel.",
        )
    if draft.first_comment and not can.can(Ability.FIRST_COMMENT):
        lacks(
            "no-first-comment",
            "first_comment",
            "{network} does not support first comments. Remove the first comment for this channel.",
        )
    if draft.reply_to and not can.can(Ability.REPLY):
        lacks(
            "no-replies",
            "reply_to",
            "Kicau cannot publish replies on this {network} channel. Publish your text as an ordinary post instead of a reply.",
        )
    return (*found, *_check_options(network, draft, can))


def _check_options(network: str, draft: Draft, can: Capabilities) -> Iterable[Problem]:
    def lacks(code: str, field: str, message: str, **params: str) -> Problem:
        return Problem(code=code, message=message, params={"network": network, **params}, field=field)

    known = {option.name: option for option in can.options}
    for name, value in draft.options.items():
        option = known.get(name)
        if option is None:
            yield lacks(
                "unknown-option",
                f"options.{name}",
                "Posts on {network} have no option named {name!r}. Available options: {known}.",
                name=name,
                known=", ".join(known) or "none",
            )
        elif option.choices and value not in (values := [v for v, _ in option.choices]):
            yield lacks(
                "bad-option",
                f"options.{name}",
                "{value!r} is not a valid value for the {network} option {name}. Choose one of: {values}.",
                name=name,
                value=value,
                values=", ".join(v or '""' for v in values),
            )


def resolve_options(draft: Draft, can: Capabilities) -> dict[str, str]:
    """Every option of the channel with the draft's choice, or its default."""
    return {option.name: draft.options.get(option.name, option.default) for option in can.options}
