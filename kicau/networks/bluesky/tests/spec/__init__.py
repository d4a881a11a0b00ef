"""The lexicons of the AT Protocol, as published, to hold our own requests against; and what a real server answered.

Test data only: the product never imports it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import regex

HERE = Path(__file__).parent
FORMATS = {
    "did": r"did:[a-z]+:[A-Za-z0-9._:%-]+",
    "handle": r"[a-z0-9-]+(\.[a-z0-9-]+)+",
    "at-identifier": r"did:[a-z]+:[A-Za-z0-9._:%-]+|[a-z0-9-]+(\.[a-z0-9-]+)+",
    "at-uri": r"at://(did:[a-z]+:[A-Za-z0-9._:%-]+|[a-z0-9-]+(\.[a-z0-9-]+)+)/[a-zA-Z0-9.]+/[A-Za-z0-9._~:-]+",
    "cid": r"baf[a-z2-7]{56}",
    "nsid": r"[a-z][a-z0-9-]*(\.[a-z0-9-]+)+\.[a-zA-Z]+",
    "record-key": r"[A-Za-z0-9._~:-]{1,512}",
    "tid": r"[234567a-j][2-7a-z]{12}",
    "uri": r"[a-z][a-z0-9+.-]*:\S+",
    "language": r"[A-Za-z]{2,3}(-[A-Za-z0-9]+)*",
    "datetime": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z",
}
OAUTH = {
    "/oauth/par": {
        "client_id",
        "response_type",
        "redirect_uri",
        "scope",
        "state",
        "code_challenge",
        "code_challenge_method",
    },
    "/oauth/token": {"grant_type", "client_id"},
    "/oauth/revoke": {"token", "client_id"},
}
OAUTH_MORE = {
    "login_hint",
    "client_assertion",
    "client_assertion_type",
    "code",
    "redirect_uri",
    "code_verifier",
    "refresh_token",
}
NO_TOKEN = ("describeServer", "createSession", "resolveHandle", "getRecord")
PLAIN = re.compile(r"/(?:\.well-known/oauth-[a-z-]+|did:plc:[a-z2-7]{24}|oauth/authorize|profile/.*)?")


def texts(value: Any) -> Any:
    """A recorded value with its repeated texts written out."""
    if isinstance(value, dict):
        return (
            value["repeat"] * value["times"]
            if value.keys() == {"repeat", "times"}
            else {k: texts(v) for k, v in value.items()}
        )
    return [texts(one) for one in value] if isinstance(value, list) else value


@cache
def recorded(name: str) -> Any:
    return texts(json.loads((HERE / f"{name}.json").read_text("utf-8")))


# Records of other makers: what each must hold (read 2026-11-26 at https://lexicon.garden).
OTHERS = {"community.lexicon.preference.ai": ("$type", "scope", "preferences", "updatedAt")}


@cache
def lexicon(nsid: str) -> dict[str, Any] | None:
    path = HERE / "lexicons" / f"{nsid}.json"
    return json.loads(path.read_text("utf-8"))["defs"] if path.is_file() else None


def validate(
    method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str], body: bytes
) -> Iterator[str]:
    """One sentence for each disagreement of a request with the specification."""
    where, sent = f"{method} {path}", {name.lower(): value for name, value in headers.items()}
    if path in OAUTH:
        yield from _oauth(where, path, sent, body)
    elif path.startswith("/xrpc/"):
        yield from _xrpc(where, method, path.removeprefix("/xrpc/"), query, sent, body)
    elif not PLAIN.fullmatch(path):
        yield f"{where}: there is no such address"


def _oauth(where: str, path: str, sent: Mapping[str, str], body: bytes) -> Iterator[str]:
    if sent.get("content-type") != "application/x-www-form-urlencoded":
        yield f"{where}: a form is urlencoded"
    form = dict(parse_qsl(body.decode()))
    yield from (f"{where}: {name} is missing" for name in OAUTH[path] - form.keys())
    yield from (f"{where}: {name} is not one of it" for name in form.keys() - OAUTH[path] - OAUTH_MORE)
    if "authorization" in sent or sent.get("dpop", "").count(".") != 2:
        yield f"{where}: wants a proof and no token"


def _xrpc(
    where: str, method: str, nsid: str, query: Mapping[str, str], sent: Mapping[str, str], body: bytes
) -> Iterator[str]:
    defs = lexicon(nsid)
    if defs is None:
        yield f"{where}: there is no such call"
        return
    main = defs["main"]
    if method != {"query": "GET", "procedure": "POST"}[main["type"]]:
        yield f"{where}: is a {main['type']}"
    yield from _token(where, nsid, sent)
    asked = main.get("parameters", {})
    yield from (f"{where}: parameter {n} is not one of it" for n in query if n not in asked.get("properties", {}))
    yield from (f"{where}: parameter {n} is missing" for n in asked.get("required", ()) if n not in query)
    for name in query.keys() & asked.get("properties", {}).keys():
        rule, given = asked["properties"][name], query[name]
        rule = rule["items"] if rule["type"] == "array" else rule  # a query repeats the name; one of them is here
        yield from _value(
            where, nsid, rule, int(given) if rule["type"] == "integer" and given.isdecimal() else given, name
        )
    wanted = main.get("input")
    if wanted is None:
        if body:
            yield f"{where}: takes no body"
    elif wanted["encoding"] == "*/*":
        if not sent.get("content-type") or "content-length" not in sent:
            yield f"{where}: a file comes with its type and size"
    elif sent.get("content-type") != wanted["encoding"]:
        yield f"{where}: the body is {wanted['encoding']}"
    else:
        yield from _json(where, nsid, wanted["schema"], body)


def _token(where: str, nsid: str, sent: Mapping[str, str]) -> Iterator[str]:
    given = sent.get("authorization", "")
    if nsid.rsplit(".", 1)[-1] in NO_TOKEN:
        return
    if not re.fullmatch(r"(Bearer|DPoP) [\w-]+\.[\w-]+\.[\w-]+", given):
        yield f"{where}: wants a token"
    if given.startswith("DPoP") != ("dpop" in sent):
        yield f"{where}: a bound token comes with a proof, and a plain one without"


def _json(where: str, nsid: str, schema: Any, body: bytes) -> Iterator[str]:
    try:
        found = json.loads(body)
    except ValueError as exc:
        yield f"{where}: the body cannot be read ({exc})"
        return
    yield from _value(where, nsid, schema, found, "body")
    if isinstance(found, dict):
        for one in (found, *found.get("writes", ())):
            record = one.get("record") or one.get("value")
            if record is not None:
                yield from _record(where, one.get("collection", ""), record)


def _record(where: str, collection: str, record: Any) -> Iterator[str]:
    if collection in OTHERS:
        yield from (f"{where}: {collection}.{name} is missing" for name in OTHERS[collection] if name not in record)
        return
    defs = lexicon(collection)
    if defs is None or not isinstance(record, dict) or record.get("$type") != collection:
        yield f"{where}: {collection} is no record that we write, or its $type is another"
        return
    yield from _value(where, collection, defs["main"]["record"], record, "record")


def _value(where: str, nsid: str, schema: Any, value: Any, at: str) -> Iterator[str]:
    checks = {
        "object": _object,
        "array": _array,
        "string": _string,
        "integer": _integer,
        "boolean": _boolean,
        "ref": _ref,
        "union": _union,
        "blob": _blob,
    }
    if check := checks.get(schema["type"]):
        yield from check(where, nsid, schema, value, at)


def _object(where: str, nsid: str, schema: Any, value: Any, at: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{where}: {at} is no object"
        return
    known = schema.get("properties", {})
    yield from (f"{where}: {at}.{name} is missing" for name in schema.get("required", ()) if name not in value)
    yield from (f"{where}: {at}.{name} is not one of it" for name in value if name not in known and name != "$type")
    for name in value.keys() & known.keys():
        if value[name] is None and name in schema.get("nullable", ()):
            continue
        yield from _value(where, nsid, known[name], value[name], f"{at}.{name}")


def _array(where: str, nsid: str, schema: Any, value: Any, at: str) -> Iterator[str]:
    if not isinstance(value, list) or len(value) > schema.get("maxLength", len(value)):
        yield f"{where}: {at} is no list, or too long"
        return
    for n, one in enumerate(value):
        yield from _value(where, nsid, schema["items"], one, f"{at}[{n}]")


def _string(where: str, nsid: str, schema: Any, value: Any, at: str) -> Iterator[str]:
    if not isinstance(value, str):
        yield f"{where}: {at} is no text"
        return
    if len(value.encode()) > schema.get("maxLength", 1 << 30):
        yield f"{where}: {at} has too many bytes"
    if len(regex.findall(r"\X", value)) > schema.get("maxGraphemes", 1 << 30):
        yield f"{where}: {at} has too many graphemes"
    if (form := schema.get("format")) and not re.fullmatch(FORMATS[form], value):
        yield f"{where}: {at} is no {form}: {value[:80]!r}"
    elif form == "datetime":
        datetime.fromisoformat(value)


def _integer(where: str, nsid: str, schema: Any, value: Any, at: str) -> Iterator[str]:
    if not isinstance(value, int) or isinstance(value, bool) or value < schema.get("minimum", value):
        yield f"{where}: {at} is no integer, or too small"


def _boolean(where: str, nsid: str, schema: Any, value: Any, at: str) -> Iterator[str]:
    if not isinstance(value, bool):
        yield f"{where}: {at} is no boolean"


def _ref(where: str, nsid: str, schema: Any, value: Any, at: str) -> Iterator[str]:
    home, name = _place(nsid, schema["ref"])
    yield from _value(where, home, (lexicon(home) or {})[name], value, at)


def _union(where: str, nsid: str, schema: Any, value: Any, at: str) -> Iterator[str]:
    places = {ref if "#" in ref[1:] or not ref.startswith("#") else f"{nsid}{ref}" for ref in schema["refs"]}
    named = value.get("$type") if isinstance(value, dict) else None
    if named not in places:
        yield f"{where}: {at} is none of {sorted(places)}, but {named}"
        return
    home, name = _place(nsid, str(named))
    yield from _value(where, home, (lexicon(home) or {})[name], value, at)


def _place(nsid: str, ref: str) -> tuple[str, str]:
    home, _, name = ref.partition("#")
    return home or nsid, name or "main"


def _blob(where: str, nsid: str, schema: Any, value: Any, at: str) -> Iterator[str]:
    try:
        mime, size, link = value["mimeType"], value["size"], value["ref"]["$link"]
    except (TypeError, KeyError):
        yield f"{where}: {at} is no file"
        return
    fits = any(
        mime == one or (one.endswith("/*") and mime.startswith(one[:-1])) for one in schema.get("accept", ("*/*",))
    )
    if (
        value.get("$type") != "blob"
        or not fits
        or size > schema.get("maxSize", size)
        or not re.fullmatch(FORMATS["cid"], link)
    ):
        yield f"{where}: {at} is not a file of {schema.get('accept')} up to {schema.get('maxSize')} bytes: {value}"
