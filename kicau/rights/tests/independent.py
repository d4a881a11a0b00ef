"""The rule of docs/use/rights.md ("How an answer is made"), written from that page alone.

It imports nothing of Kicau, on purpose: what decides and what checks share no line. Plain values go in, a word comes out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

NARROWNESS = ("everything", "network", "site", "licence", "author", "file", "item")


def answer(
    use: str, item: Mapping[str, Any], statements: Iterable[Mapping[str, Any]], at: float, meets: set[str]
) -> str:
    heard = [s for s in statements if use in s["says"] and _is_valid(s, at) and _concerns(s, item)]
    answers = [
        _of_copy(use, [s for s in heard if s["acquired"] in ("", way)], meets) for way in item["acquired"] or [""]
    ]
    for best in ("yes", "unknown", "no"):
        if best in answers:
            return best
    raise AssertionError


def _is_valid(s: Mapping[str, Any], at: float) -> bool:
    return s["from"] <= at and (s["until"] is None or at < s["until"])


def _concerns(s: Mapping[str, Any], item: Mapping[str, Any]) -> bool:
    if s["network"] and s["network"] != item["network"]:
        return False
    about, key = s["subject"], s["key"]
    if about == "everything":
        return True
    if about == "network":
        return bool(key == item["network"])
    if about == "site":
        rest = item["url"][len(key) :]
        return bool(item["url"].startswith(key) and (not rest or key.endswith("/") or rest[0] in "/?#"))
    if about == "licence":
        return bool(key == item["licence"])
    if about == "author":
        return bool(item["own"] if key == "own" else key == item["author"])
    return bool(about == "item" and s["item"] == item["id"])


def _of_copy(use: str, heard: list[Mapping[str, Any]], meets: set[str]) -> str:
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
        value, by = on("grant", party)
        if value:
            return permission(*by)
        value, by = on(layer)
        if value == "deny":
            return "no"
        is_open = is_open or leaves_open(layer)
        if value:
            return permission(*by)
    return "unknown"


def _precedence(s: Mapping[str, Any]) -> tuple[int, bool, bool, float, str]:
    return NARROWNESS.index(s["subject"]), bool(s["network"]), bool(s["acquired"]), s["from"], s["id"]
