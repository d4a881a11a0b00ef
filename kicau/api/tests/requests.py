"""One good request for every endpoint, made from the OpenAPI description and the examples in it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile

from kicau.api.root import api
from kicau.api.schemas.base import EXAMPLE_MONTH
from kicau.api.tests.conftest import MARK, Caller, png

TABLE = f"channels,at,text\n{{channel}},{EXAMPLE_MONTH}-01T09:00Z,Halo\n"


@dataclass(frozen=True)
class Endpoint:
    id: str
    method: str
    path: str
    scope: str
    body: Any  # None where there is none
    form: str  # "media", "archive", "file", "shards", "bundle", "table", or "" where the body is JSON

    @property
    def names_things(self) -> bool:
        return "{" in self.path

    def send(self, caller: Caller, ids: Mapping[str, str]) -> tuple[int, bytes]:
        """Status and body."""
        answer = self._ask(caller, ids)
        body = b"".join(answer.streaming_content) if answer.streaming else answer.content
        return answer.status_code, body

    def _ask(self, caller: Caller, ids: Mapping[str, str]) -> Any:
        path = self.path.format_map(ids)
        if self.form == "media":
            return caller.upload(path, file=SimpleUploadedFile("a.png", png("#abcdef")), alt="x")
        if self.form == "archive":
            return caller.upload(path, file=SimpleUploadedFile("posts.csv", b"text,id\nHalo,1\n"), acquired="imported")
        if self.form == "file":
            return caller.upload(path, file=SimpleUploadedFile("posts.csv", b"text,id\nHalo,1\n"))
        if self.form == "shards":
            return caller.upload(path, file=SimpleUploadedFile("a.jsonl", b'{"text": "Halo"}\n'))
        if self.form == "bundle":
            return caller.upload(path, bundle=SimpleUploadedFile("evidence.json", b"{}"))
        if self.form == "table":
            return caller.upload(path, table=SimpleUploadedFile("a.csv", TABLE.format_map(ids).encode()))
        return caller.ask(self.method, path, None if self.body is None else _filled(self.body, ids))


def endpoints() -> Iterator[Endpoint]:
    schema = api.get_openapi_schema()
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            body, form = _body(schema, operation.get("requestBody", {}).get("content", {}))
            yield Endpoint(operation["operationId"], method.upper(), path, operation["x-kicau-scope"], body, form)


def _body(schema: Mapping[str, Any], content: Mapping[str, Any]) -> tuple[Any, str]:
    if "multipart/form-data" in content:
        fields = content["multipart/form-data"]["schema"]["properties"]
        marks = {"table": "table", "alt": "media", "control": "shards", "bundle": "bundle", "acquired": "archive"}
        return None, next((form for field, form in marks.items() if field in fields), "file")
    if not content:
        return None, ""
    name = content["application/json"]["schema"]["$ref"].rsplit("/", 1)[-1]
    return schema["components"]["schemas"][name]["examples"][-1], ""


def _filled(body: Any, ids: Mapping[str, str]) -> Any:
    """The example with the things of one workspace in it."""
    said = json.dumps(body)
    for example, real in {
        "kopi-senja": ids["channel"],
        "1780": f"{MARK}-page",
        "budi@kopisenja.example": ids["email"],
        "https://kopisenja.example/menu.png": "http://127.0.0.1/menu.png",
    }.items():
        said = said.replace(json.dumps(example), json.dumps(real))
    return json.loads(said)
