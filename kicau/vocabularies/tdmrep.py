"""W3C TDM Reservation Protocol: /.well-known/tdmrep.json, headers, HTML meta and its ODRL policy.

https://www.w3.org/community/reports/tdmrep/CG-FINAL-tdmrep-20240510/ (looked up 2026-11-26). Text and data mining is
what the EU's directive 2019/790 calls so: analysis to find patterns, training among it. The one bit says the same of all
of that. The header goes before the file, HTML before the header; absence resets nothing; any other value is as none.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from html.parser import HTMLParser
from typing import Any

from kicau.base.sentences import Sentence
from kicau.vocabularies.robots import matches_pattern
from kicau.vocabularies.terms import (
    Declaration,
    ParsedDeclarations,
    Term,
    quote_source,
    term_value,
    values_from_terms,
)

SLUG = "tdmrep"
TERMS = (Term(token="tdm", grants=("train_gen", "train_other", "embed")),)  # noqa: S106
RESERVATION_HEADER, POLICY_HEADER = "tdm-reservation", "tdm-policy"
PROFILE_URL = "http://www.w3.org/ns/tdmrep"
WELL_KNOWN_PATH = "/.well-known/tdmrep.json"


def read_headers(headers: Mapping[str, str]) -> ParsedDeclarations:
    """Names in any case."""
    found = {name.lower(): value for name, value in headers.items()}
    if RESERVATION_HEADER not in found:
        return ParsedDeclarations()
    return _build_reading(
        found[RESERVATION_HEADER].strip(), found.get(POLICY_HEADER, "").strip(), "", f"The header {RESERVATION_HEADER}"
    )


def read_file(data: bytes) -> ParsedDeclarations:
    """All rules in their order, each with its `location` as its scope; `rule_about` picks the one that counts."""
    try:
        rules = json.loads(data)
    except (ValueError, RecursionError):
        return ParsedDeclarations(
            faults=(
                Sentence(
                    "Kicau cannot read the website's usage rules in the file tdmrep.json, because the file is not valid JSON."
                ),
            )
        )
    if not isinstance(rules, list):
        return ParsedDeclarations(
            faults=(Sentence("Kicau found no list of usage rules in the website's file tdmrep.json."),)
        )
    found = ParsedDeclarations()
    for rule in rules:
        if not isinstance(rule, dict) or not isinstance(rule.get("location"), str):
            found += ParsedDeclarations(
                faults=(
                    Sentence(
                        "One of the usage rules in the file tdmrep.json does not name the pages to which the rule applies (field location): {said}.",
                        said=quote_source(str(rule)),
                    ),
                )
            )
            continue
        said, policy = rule.get(RESERVATION_HEADER), rule.get(POLICY_HEADER)
        word = str(said) if isinstance(said, int) and not isinstance(said, bool) else repr(said)
        found += _build_reading(
            word,
            policy if isinstance(policy, str) else "",
            rule["location"],
            f"tdmrep.json of {quote_source(rule['location'])}",
        )
    return found


def rule_about(reading: ParsedDeclarations, path: str) -> Declaration | None:
    """The first rule whose location matches (section 6.1.2)."""
    return next((one for one in reading.declarations if matches_pattern(one.scope, path)), None)


def read_html(page: str) -> ParsedDeclarations:
    """`<meta name="tdm-reservation" content="1">`; the first of each name counts."""
    found = _MetaParser()
    found.feed(page)
    found.close()
    if RESERVATION_HEADER not in found.told:
        return ParsedDeclarations()
    return _build_reading(
        found.told[RESERVATION_HEADER], found.told.get(POLICY_HEADER, ""), "", f"The page's meta {RESERVATION_HEADER}"
    )


def write_headers(says: Mapping[str, str], policy: str = "") -> dict[str, str]:
    """{} where nothing is said. `policy`: the address of the terms, told where somebody may be asked."""
    match term_value(TERMS[0], says):
        case "allow":
            return {RESERVATION_HEADER: "0"}
        case "conditional" if policy:
            return {RESERVATION_HEADER: "1", POLICY_HEADER: policy}
        case "":
            return {}
        case _:
            return {RESERVATION_HEADER: "1"}


def write_file(rules: Mapping[str, Mapping[str, str]], policy: str = "") -> str:
    """`rules`: what is said of each location, the narrowest first."""
    listed: list[dict[str, Any]] = []
    for location, says in rules.items():
        if told := write_headers(says, policy):
            listed.append({"location": location, **told, RESERVATION_HEADER: int(told[RESERVATION_HEADER])})
    return json.dumps(listed, indent=1)


def write_html(says: Mapping[str, str], policy: str = "") -> str:
    from html import escape

    return "\n".join(
        f'<meta name="{name}" content="{escape(value)}">' for name, value in write_headers(says, policy).items()
    )


def write_policy(says: Mapping[str, str], *, uid: str, name: str, contact: str = "") -> dict[str, Any]:
    """The ODRL offer that tdm-policy points to (section 7): whom to ask, and that asking is the way."""
    permissions = []
    if term_value(TERMS[0], says) == "conditional":
        permissions.append({"target": uid, "action": "tdm:mine", "duty": [{"action": "obtainConsent"}]})
    assigner = {"vcard:fn": name, **({"vcard:hasURL": contact} if contact else {})}
    return {
        "@context": [
            "http://www.w3.org/ns/odrl.jsonld",
            {"tdm": f"{PROFILE_URL}#", "vcard": "http://www.w3.org/2006/vcard/ns#"},
        ],
        "@type": "Offer",
        "profile": PROFILE_URL,
        "uid": uid,
        "assigner": assigner,
        "permission": permissions,
    }


def _build_reading(said: str, policy: str, scope: str, where: str) -> ParsedDeclarations:
    if said not in ("0", "1"):
        return ParsedDeclarations(
            faults=(
                Sentence(
                    "In the usage rules for text and data mining, {where} has the value {said} instead of 0 or 1. Kicau ignores this value.",
                    where=where,
                    said=quote_source(said),
                ),
            )
        )
    value = "allow" if said == "0" else "conditional" if policy else "deny"
    conditions = {"consent": policy} if value == "conditional" else {}
    return ParsedDeclarations(
        declarations=(
            Declaration(
                vocabulary=SLUG,
                says=values_from_terms(TERMS, {"tdm": value}),
                conditions=conditions,
                scope=scope,
                policy=policy,
            ),
        )
    )


class _MetaParser(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.told: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        name = (told.get("name") or "").strip().lower()
        if tag == "meta" and name in (RESERVATION_HEADER, POLICY_HEADER):
            self.told.setdefault(name, (told.get("content") or "").strip())
