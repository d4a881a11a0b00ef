"""What somebody says of uses, as forms ask it and as the acts take it; what was typed is kept for the next try."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.http import QueryDict

from kicau.base.errors import validation_failed
from kicau.rights.models import USE_VALUES, USES
from kicau.rights.statements import STATEMENT_VALUES, NewStatement, end_of_day
from kicau.web.core.labels import CONDITION_LABELS

MAX_FIELD_LENGTHS = {
    "name": 300,
    "key": 500,
    "source": 2000,
    "note": 2000,
    "detail": 500,
}  # characters, as the columns hold them
TEXT_FIELDS = ("layer", "name", "about", "key", "source", "note", "until", "acquired")
OTHERS_RULE_PREFIX = "others-"  # begins the fields of the rule for others' words
CONDITION_DETAIL_PREFIX = "how-"  # begins the field of a condition's detail
CONDITION_PREFIX = "if-"  # begins the field that says that a condition holds


def read_form(post: QueryDict) -> dict[str, Any]:
    """A form as it was filled in, for showing it again."""
    form: dict[str, Any] = {name: post.get(name, "").strip() for name in TEXT_FIELDS}
    return form | {"says": stated_values(post), "conditions": selected_conditions(post)}


def stated_values(post: QueryDict) -> dict[str, str]:
    return {use: value for use in USES if (value := post.get(use, "")) in STATEMENT_VALUES}


def own_rule(post: QueryDict) -> dict[str, str]:
    """The workspace's own rule: of what is not named, nothing is said."""
    return {use: value for use in USES if (value := post.get(use, "")) in USE_VALUES}


def others_rule(post: QueryDict) -> dict[str, str]:
    """The rule for others' words, from fields of their own."""
    return {use: value for use in USES if (value := post.get(OTHERS_RULE_PREFIX + use, "")) in USE_VALUES}


def selected_conditions(post: QueryDict) -> dict[str, str]:
    """The conditions that are ticked or have a detail, each with it."""
    told = {name: post.get(CONDITION_DETAIL_PREFIX + name, "").strip() for name in CONDITION_LABELS}
    return {name: detail for name, detail in told.items() if detail or CONDITION_PREFIX + name in post}


def stated_conditions(post: QueryDict) -> dict[str, str]:
    """As `selected_conditions`, where anything is said under conditions; else the fields are not shown and count for nothing.
    Raises ValidationFailed."""
    found = selected_conditions(post) if "conditional" in stated_values(post).values() else {}
    if any(len(detail) > MAX_FIELD_LENGTHS["detail"] for detail in found.values()):
        raise validation_failed(
            "conditions",
            "The details of a condition can have at most {limit} characters. Shorten the text.",
            limit=MAX_FIELD_LENGTHS["detail"],
        )
    return found


def statement_from_form(post: QueryDict, zone: str) -> NewStatement:
    """What a form about more than one item says; the last day is one of the time zone given. Raises ValidationFailed."""
    form = check_lengths(read_form(post))
    subject, _sep, key = (form["about"] or "everything").partition("|")
    layer = form["layer"] or "author"
    return NewStatement(
        layer=layer,
        party={"site": "site", "default": "workspace"}.get(layer, "author"),
        party_name=form["name"],
        subject=subject,
        key=form["key"] if subject in ("site", "licence") else key,
        says=form["says"],
        conditions=stated_conditions(post),
        source=form["source"],
        note=form["note"],
        acquired=form["acquired"],
        valid_until=end_of_day(_parse_day(form["until"]), zone) if form["until"] else None,
    )


def _parse_day(value: str) -> date:
    try:
        return date.fromisoformat(value)
    except ValueError as exc:
        raise validation_failed(
            "valid_until",
            "{value!r} is not a valid date. Write it as year-month-day, for example 2027-01-31.",
            value=value[:40],
        ) from exc


def check_lengths(form: dict[str, Any]) -> dict[str, Any]:
    """The same, where nothing in it is longer than what can be kept. Raises ValidationFailed."""
    for name in ("name", "key", "source", "note"):
        if len(form[name]) > MAX_FIELD_LENGTHS[name]:
            raise validation_failed(
                name,
                "The text that you entered has {n} characters. Shorten it to at most {limit} characters.",
                n=len(form[name]),
                limit=MAX_FIELD_LENGTHS[name],
            )
    return form


def condition_rows(held: dict[str, str]) -> list[tuple[str, Any, bool, str]]:
    """(condition, its name, whether it holds, its detail), for the template."""
    return [(name, word, name in held, held.get(name, "")) for name, word in CONDITION_LABELS.items()]
