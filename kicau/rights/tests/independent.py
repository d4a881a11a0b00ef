"""The rule of docs/reference/rights.md ("How an answer is made"), written from that page alone.

It imports nothing of Kicau, on purpose: what decides and what checks share no line. Plain values go in, a word comes out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from license_expression import LicenseExpression, Licensing

IN_HOUSE = ("ground", "embed", "search", "archive")
NARROWNESS = ("everything", "network", "site", "licence", "author", "file", "item")


def answer(
    use: str, item: Mapping[str, Any], statements: Iterable[Mapping[str, Any]], at: float, meets: set[str]
) -> str:
    heard = [s for s in statements if use in s["says"] and _is_valid(s, at) and _concerns(s, item, use)]
    answers, workspace_may = [], item["own"] or use in IN_HOUSE
    for way in item["acquired"] or [""]:
        of_copy = [s for s in heard if s["acquired"] in ("", way)]
        mine = [s for s in of_copy if s["subject"] != "file"]
        if item["licence"] and not any(s["layer"] == "licence" for s in mine):
            value, conditions = _reading(LICENSING.parse(item["licence"]), use, meets)
            mine.append(READING | {"says": {use: value}, "conditions": conditions})
        found = [_of_copy(use, mine, meets, workspace_may) or "unknown"]
        for digest in item["files"]:
            about = [s for s in of_copy if s["subject"] == "file" and s["key"] == digest]
            found.append(_of_copy(use, about, meets, workspace_may))
        answers.append(next(worst for worst in ("no", "unknown", "yes") if worst in found))
    for best in ("yes", "unknown", "no"):
        if best in answers:
            return best
    raise AssertionError


def _is_valid(s: Mapping[str, Any], at: float) -> bool:
    return s["from"] <= at and (s["until"] is None or at < s["until"])


def _concerns(s: Mapping[str, Any], item: Mapping[str, Any], use: str) -> bool:
    if s["network"] and s["network"] != item["network"]:
        return False
    about, key = s["subject"], s["key"]
    if about == "everything":
        return True
    if about == "network":
        return bool(key == item["network"])
    if about == "site":
        here, there = _address(item["url"]), _address(key)
        rest = here[len(there) :]
        return here.startswith(there) and (not rest or there.endswith("/") or rest[0] in "/?#")
    if about == "licence":
        if not item["licence"]:
            return False
        whole, wanted = LICENSING.dedup(item["licence"]), LICENSING.dedup(key)
        alternatives = [whole, *(whole.args if isinstance(whole, LICENSING.OR) else ())]
        parts = alternatives if s["says"][use] == "allow" else _parts(whole)
        return wanted in parts
    if about == "author":
        if key in ("own", "others"):
            return bool(item["own"]) is (key == "own")
        return bool(key == item["author"])
    if about == "file":
        return key in item["files"]
    return bool(about == "item" and s["item"] == item["id"])


LICENSING = Licensing(
    ["cc0-1.0", "mit", "cc-by-4.0", "cc-by-nc-4.0", "cc-by-nd-4.0", "licenseref-one", "licenseref-two"]
)
ATTRIBUTION, SHOWN = {"attribution": ""}, {"search": "allow", "archive": "allow", "redistribute": "conditional"}
PROGRAMS = ("train_gen", "train_other", "ground", "embed", "synthesise")
TABLE = {
    "cc0-1.0": (dict.fromkeys((*PROGRAMS, *SHOWN), "allow"), {}),
    "mit": (SHOWN | dict.fromkeys(PROGRAMS, "conditional"), ATTRIBUTION),
    "cc-by-4.0": (SHOWN | dict.fromkeys(PROGRAMS, "conditional"), ATTRIBUTION),
    "cc-by-nc-4.0": (SHOWN | dict.fromkeys(PROGRAMS, "conditional"), ATTRIBUTION | {"non-commercial": ""}),
    "cc-by-nd-4.0": (SHOWN | dict.fromkeys(PROGRAMS, "deny"), ATTRIBUTION),
}
READING = {"id": "", "layer": "licence", "party": "author", "party_name": "", "subject": "licence", "key": ""} | {
    "network": "",
    "acquired": "",
    "from": 0.0,
    "until": None,
}


def _address(text: str) -> str:
    parts = urlsplit(text)
    host = (parts.hostname or "") + (f":{parts.port}" if parts.port not in (None, 443, 80) else "")
    return f"{parts.scheme.lower()}://{host}" + text.partition("://")[2][len(parts.netloc) :]


def _parts(licence: LicenseExpression) -> list[LicenseExpression]:
    return [licence, *(one for arg in getattr(licence, "args", ()) for one in _parts(arg))]


def _reading(licence: LicenseExpression, use: str, meets: set[str]) -> tuple[str, Mapping[str, str]]:
    if isinstance(licence, LICENSING.OR | LICENSING.AND):
        each = [_reading(one, use, meets) for one in licence.args]
        if isinstance(licence, LICENSING.OR):
            return max(each, key=lambda one: _freedom(*one, meets))
        value = min((value for value, _ in each), key=("deny", "unknown", "conditional", "allow").index)
        return value, {name: "" for _, conditions in each for name in conditions} if value == "conditional" else {}
    says, conditions = TABLE.get(licence.key.lower(), ({}, {}))
    value = says.get(use, "unknown")
    return value, conditions if value == "conditional" else {}


def _freedom(value: str, conditions: Mapping[str, str], meets: set[str]) -> int:
    if value == "conditional":
        return 3 if set(conditions) <= meets else 2
    return {"deny": 0, "unknown": 1, "allow": 4}[value]


def _of_copy(use: str, heard: list[Mapping[str, Any]], meets: set[str], workspace_may_allow: bool) -> str:
    withdrawn = {s["says"][use] for s in heard if s["layer"] == "withdrawal"}
    if "deny" in withdrawn:
        return "no"
    is_open = "unknown" in withdrawn
    latest: dict[tuple[str, str, str], Mapping[str, Any]] = {}
    for s in sorted(heard, key=_precedence):
        latest[s["layer"], s["party"], s["party_name"]] = s

    def on(layer: str, party: str = "") -> tuple[str, list[Mapping[str, Any]]]:
        found = [s for s in latest.values() if s["layer"] == layer and party in ("", s["party"])]
        for value in ("deny", "conditional", "allow"):
            if those := [s for s in found if s["says"][use] == value]:
                return value, those
        return "", []

    def leaves_open(layer: str) -> bool:
        return any(s["layer"] == layer and s["says"][use] == "unknown" for s in latest.values())

    def permission(*by: Mapping[str, Any]) -> str:
        bound = [s for s in by if s["says"][use] == "conditional"]
        kept = all(s["conditions"] and set(s["conditions"]) <= meets for s in bound)
        return "yes" if kept and not is_open else "unknown"

    if on("grant")[0] == "deny":
        return "no"
    is_open = is_open or leaves_open("grant")
    terms, terms_by = on("grant", "network")
    if not terms:
        terms, terms_by = on("contract")
        if terms == "deny":
            return "no"
        is_open = is_open or leaves_open("contract")
    value, by = on("grant", "author")
    if value:
        return permission(*by, *terms_by)
    for layer in ("author", "licence"):
        value, by = on(layer)
        if value == "deny":
            return "no"
        is_open = is_open or leaves_open(layer)
        if value:
            return permission(*by, *terms_by)
    if terms:
        return permission(*terms_by)
    for layer, party in (("site", "site"), ("default", "workspace")):
        may_allow = workspace_may_allow or party != "workspace"
        value, by = on("grant", party)
        if value and may_allow:
            return permission(*by)
        value, by = on(layer)
        if value == "deny":
            return "no"
        is_open = is_open or leaves_open(layer)
        if value and may_allow:
            return permission(*by)
    return "unknown" if is_open else ""


def _precedence(s: Mapping[str, Any]) -> tuple[int, bool, bool, float, str]:
    return NARROWNESS.index(s["subject"]), bool(s["network"]), bool(s["acquired"]), s["from"], s["id"]
