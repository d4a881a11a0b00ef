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

ZONE_DESCRIPTION = "IANA time zone name, for example Asia/Jakarta."
OTHERS_AI_USE_DESCRIPTION = "The rule for content by others without a statement: {use: allow, deny or conditional}. train_gen, train_other, synthesise and redistribute can only be denied."
AI_USE_DESCRIPTION = "Permitted uses: {use: allow, deny or conditional}. The uses are train_gen, train_other, ground, embed, synthesise, search, redistribute and archive."
UTC_DESCRIPTION = "UTC."
EXAMPLE_NETWORK = next(iter(registry.installed_slugs()), "network")  # for examples
EXAMPLE_MONTH = f"{clock.now().year + 1}-03"  # for examples: ahead of today, and less than two years ahead


class Schema(BaseModel):
    """Unknown fields are refused, so that a typing mistake is not silently nothing."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PageQuery(Schema):
    """Page of a list."""

    cursor: str = Field(
        "", description="The `next` value of the previous page. Omit for the first page.", max_length=1000
    )
    limit: int = Field(50, ge=1, le=100, description="Maximum number of items.")


class Page[T](Schema):
    """A page of a list."""

    items: list[T] = Field(description="Items of this page.")
    next: str | None = Field(description="Value for `cursor` to get the next page. Null on the last page.")


class FieldError(Schema):
    """A problem with one field, and how to solve it."""

    field: str = Field(
        description="Path of the field, for example parts.0.text or channels.kopi-senja.parts.0.media.1."
    )
    code: str = Field(description="Stable code for programs, for example too-long, past or unknown-zone.")
    message: str = Field(description="Message for people.")
    limit: float | None = Field(description="The limit that was exceeded, if it is a number.")
    actual: float | None = Field(description="The actual value, in the unit of the limit.")
    fix: str = Field(description="How to solve it: split, shorten or convert. Can be empty.")


class ProblemResponse(Schema):
    """An error response (RFC 9457)."""

    type: str = Field(description="Type of problem: URL of its explanation in the docs.")
    title: str = Field(description="Title of the problem type.")
    status: int = Field(description="HTTP status code.")
    detail: str = Field(description="What is wrong and what to do, for people.")
    errors: list[FieldError] = Field(default_factory=list, description="With status 422: all invalid fields.")
    instance: str = Field("", description="With status 500: ID of the error in the log.")


class PersonRef(Schema):
    """A person."""

    id: str = Field(description="ID of the person.")
    name: str = Field(description="Name of the person or organization.")


def example_config(*values: dict[str, Any]) -> ConfigDict:
    """For a shape's `model_config`: whole examples of it."""
    return ConfigDict(extra="forbid", frozen=True, json_schema_extra={"examples": list(values)})
