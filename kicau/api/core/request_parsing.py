"""Reading what was sent, strictly: a body of the right type, JSON as RFC 8259 has it, no character that cannot be kept."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from django.http import HttpRequest
from django.utils.datastructures import MultiValueDict
from ninja.parser import Parser

from kicau.api.core.problems import ApiProblem, field_error

MAX_JSON_DEPTH = 50


class StrictParser(Parser):
    """What goes wrong here is raised as Refused."""

    def parse_body(self, request: HttpRequest) -> Any:
        if request.content_type != "application/json":
            raise ApiProblem(
                "wrong-type",
                f"Send JSON with Content-Type: application/json. This request has {request.content_type or 'no content type'}.",
            )
        try:
            body = json.loads(request.body.decode("utf-8"), parse_constant=_reject_non_json_number)
        except UnicodeDecodeError as exc:
            raise ApiProblem("malformed", f"The request body is not valid UTF-8 (byte {exc.start}).") from exc
        except RecursionError as exc:
            raise ApiProblem("malformed", "The body is nested too deeply.") from exc
        except json.JSONDecodeError as exc:
            raise ApiProblem(
                "malformed", f"The request body is not valid JSON: {exc.msg} at line {exc.lineno}, column {exc.colno}."
            ) from exc
        except ValueError as exc:
            raise ApiProblem("malformed", f"The request body is not valid JSON: {exc}.") from exc
        _check_json(body, "")
        return body

    def parse_querydict(
        self, data: MultiValueDict[str, Any], list_fields: list[str], request: HttpRequest
    ) -> dict[str, Any]:
        if (data is request.FILES or data is request.POST) and request.content_type != "multipart/form-data":
            raise ApiProblem(
                "wrong-type",
                f"Send the file as multipart/form-data. This request has {request.content_type or 'no content type'}.",
            )
        for name, values in data.lists():
            _check_text(name, name)
            for value in values:
                if isinstance(value, str):
                    _check_text(value, name)
        return super().parse_querydict(data, list_fields, request)


def _reject_non_json_number(said: str) -> NoReturn:
    raise ValueError(f"{said} is not a number")


def _check_json(value: Any, field: str, depth: int = 0) -> None:
    if depth > MAX_JSON_DEPTH:
        raise ApiProblem("malformed", "The body is nested too deeply.")
    if isinstance(value, str):
        _check_text(value, field)
    elif isinstance(value, dict):
        for key, inner in value.items():
            _check_text(key, field)
            _check_json(inner, f"{field}.{key}".lstrip("."), depth + 1)
    elif isinstance(value, list):
        for n, inner in enumerate(value):
            _check_json(inner, f"{field}.{n}".lstrip("."), depth + 1)


def _check_text(value: str, field: str) -> None:
    if "\x00" in value:
        raise field_error(
            field.replace("\x00", "?"),
            "nul",
            f"{field or 'The body'} holds a NUL character, which cannot be kept; remove it.".replace("\x00", "?"),
        )
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            readable = field.encode("utf-8", "replace").decode()
            raise field_error(
                readable,
                "surrogate",
                f"{readable or 'The body'} holds half of a character (an unpaired surrogate); send it whole.",
            ) from None
