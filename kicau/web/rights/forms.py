"""What somebody says of uses, as forms ask it and as the acts take it; what was typed is kept for the next try."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.http import QueryDict

from kicau.base.errors import unacceptable
from kicau.rights.models import USES, VALUES
from kicau.rights.statements import ANY, NewStatement, end_of_day
from kicau.web.core.labels import CONDITIONS

LONGEST = {"name": 300, "key": 500, "source": 2000, "note": 2000, "detail": 500}  # characters, as the columns hold them
PLAIN = ("layer", "name", "about", "key", "source", "note", "until", "acquired")
OTHERS_PREFIX = "others-"  # begins the fields of the rule for others' words
DETAIL = "how-"  # begins the field of a condition's detail
TICK = "if-"  # begins the field that says that a condition holds


def read(post: QueryDict) -> dict[str, Any]:
    """A form as it was filled in, for showing it again."""
    form: dict[str, Any] = {name: post.get(name, "").strip() for name in PLAIN}
    return form | {"says": said(post), "conditions": chosen(post)}


def said(post: QueryDict) -> dict[str, str]:
    return {use: value for use in USES if (value := post.get(use, "")) in ANY}


def rule(post: QueryDict) -> dict[str, str]:
    """The workspace's own rule: of what is not named, nothing is said."""
    return {use: value for use in USES if (value := post.get(use, "")) in VALUES}


def others_rule(post: QueryDict) -> dict[str, str]:
    """The rule for others' words, from fields of their own."""
    return {use: value for use in USES if (value := post.get(OTHERS_PREFIX + use, "")) in VALUES}


def chosen(post: QueryDict) -> dict[str, str]:
    """The conditions that are ticked or have a detail, each with it."""
    told = {name: post.get(DETAIL + name, "").strip() for name in CONDITIONS}
    return {name: detail for name, detail in told.items() if detail or TICK + name in post}


def conditions(post: QueryDict) -> dict[str, str]:
    """As `chosen`, where anything is said under conditions; else the fields are not shown and count for nothing.
    Raises Unacceptable."""
    found = chosen(post) if "conditional" in said(post).values() else {}
    if any(len(detail) > LONGEST["detail"] for detail in found.values()):
        raise unacceptable(
            "conditions", "A condition's detail has at most {limit} characters.", limit=LONGEST["detail"]
        )
    return found


def statement(post: QueryDict, zone: str) -> NewStatement:
    """What a form about more than one item says; the last day is one of the time zone given. Raises Unacceptable."""
    form = checked(read(post))
    subject, _sep, key = (form["about"] or "everything").partition("|")
    layer = form["layer"] or "author"
    return NewStatement(
        layer=layer,
        party={"site": "site", "default": "workspace"}.get(layer, "author"),
        party_name=form["name"],
        subject=subject,
        key=form["key"] if subject in ("site", "licence") else key,
        says=form["says"],
        conditions=conditions(post),
        source=form["source"],
        note=form["note"],
        acquired=form["acquired"],
        valid_until=end_of_day(_day(form["until"]), zone) if form["until"] else None,
    )


def _day(value: str) -> date:
    try:
        return date.fromisoformat(value)
    except ValueError as exc:
        raise unacceptable("valid_until", "{value!r} is no day; write it as YYYY-MM-DD.", value=value[:40]) from exc


def checked(form: dict[str, Any]) -> dict[str, Any]:
    """The same, where nothing in it is longer than what can be kept. Raises Unacceptable."""
    for name in ("name", "key", "source", "note"):
        if len(form[name]) > LONGEST[name]:
            raise unacceptable(
                name, "This has {n} characters; at most {limit} are kept.", n=len(form[name]), limit=LONGEST[name]
            )
    return form


def rows(held: dict[str, str]) -> list[tuple[str, Any, bool, str]]:
    """(condition, its name, whether it holds, its detail), for the template."""
    return [(name, word, name in held, held.get(name, "")) for name, word in CONDITIONS.items()]
