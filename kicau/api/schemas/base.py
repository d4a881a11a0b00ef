"""What all shapes share."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, Strict
from pydantic_core import PydanticCustomError

from kicau.base import clock
from kicau.connector import registry

StrictBool = Annotated[bool, Strict()]  # true and false only, never "yes" or 1
StrictInt = Annotated[int, Strict()]


def _day_from_text(day: object) -> object:
    if isinstance(day, str | int) and not re.fullmatch(r"\d{4}-\d\d-\d\d", str(day)):
        raise PydanticCustomError("day", "a day is written YYYY-MM-DD")
    return day


StrictDate = Annotated[date, BeforeValidator(_day_from_text)]  # as it is written, never a count of seconds
ZoneName = Annotated[str, Field(max_length=64)]
UseName = Annotated[str, Field(max_length=20)]
AIUseRule = Annotated[dict[UseName, UseName], Field(max_length=20)]

ZONE_DESCRIPTION = "IANA name of a time zone, such as Asia/Jakarta."
OTHERS_AI_USE_DESCRIPTION = "The rule for others' words of which nobody has said anything: {use: allow, deny or conditional}. train_gen, train_other, synthesise and redistribute can only be denied."
AI_USE_DESCRIPTION = "What it may be used for by AI and others: {use: allow, deny or conditional}; the uses are train_gen, train_other, ground, embed, synthesise, search, redistribute and archive."
UTC_DESCRIPTION = "UTC."
EXAMPLE_NETWORK = next(iter(registry.installed_slugs()), "network")  # for examples
EXAMPLE_MONTH = f"{clock.now().year + 1}-03"  # for examples: ahead of today, and less than two years ahead


class Schema(BaseModel):
    """Unknown fields are refused, so that a typing mistake is not silently nothing."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PageQuery(Schema):
    """Which page of a list."""

    cursor: str = Field("", description="`next` of the page before; leave it out for the first page.", max_length=1000)
    limit: int = Field(50, ge=1, le=100, description="How many items at most.")


class Page[T](Schema):
    """One page of a list."""

    items: list[T] = Field(description="The items of this page, in the list's order.")
    next: str | None = Field(description="Give it as `cursor` to have the next page; null on the last one.")


class FieldError(Schema):
    """What is wrong with one field, and what to do."""

    field: str = Field(description="Path of the field, such as parts.0.text or channels.kopi-senja.parts.0.media.1.")
    code: str = Field(description="Stable, for programs: too-long, past, unknown-zone, …")
    message: str = Field(description="One sentence for people.")
    limit: float | None = Field(description="The limit that was passed, where it is a number.")
    actual: float | None = Field(description="What it was, in the limit's unit.")
    mend: str = Field(description="What can be done about it: split, shorten, convert, or empty.")


class ProblemResponse(Schema):
    """A refusal, as RFC 9457 has it."""

    type: str = Field(description="Which kind of problem: the address of its explanation on the docs page.")
    title: str = Field(description="The kind of problem in words.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(description="What is wrong here, and what now, in a sentence or two for people.")
    errors: list[FieldError] = Field(
        default_factory=list, description="With status 422: each field that cannot be taken."
    )
    instance: str = Field("", description="With status 500: the id under which it was logged.")


class PersonRef(Schema):
    """A person."""

    id: str = Field(description="Their id.")
    name: str = Field(description="Their name.")


def example_config(*values: dict[str, Any]) -> ConfigDict:
    """For a shape's `model_config`: whole examples of it."""
    return ConfigDict(extra="forbid", frozen=True, json_schema_extra={"examples": list(values)})
