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
from kicau.vocabularies.robots import matches
from kicau.vocabularies.terms import Declaration, Reading, Term, heard, quoted, value_of

SLUG = "tdmrep"
TERMS = (Term(token="tdm", grants=("train_gen", "train_other", "embed")),)  # noqa: S106
RESERVATION, POLICY = "tdm-reservation", "tdm-policy"
PROFILE = "http://www.w3.org/ns/tdmrep"
WHERE_FILE = "/.well-known/tdmrep.json"


def read_headers(headers: Mapping[str, str]) -> Reading:
    """Names in any case."""
    found = {name.lower(): value for name, value in headers.items()}
    if RESERVATION not in found:
        return Reading()
    return _declared(found[RESERVATION].strip(), found.get(POLICY, "").strip(), "", f"The header {RESERVATION}")


def read_file(data: bytes) -> Reading:
    """All rules in their order, each with its `location` as its scope; `about` picks the one that counts."""
    try:
        rules = json.loads(data)
    except (ValueError, RecursionError):
        return Reading(faults=(Sentence("tdmrep.json is no JSON."),))
    if not isinstance(rules, list):
        return Reading(faults=(Sentence("tdmrep.json holds no list of rules."),))
    found = Reading()
    for rule in rules:
        if not isinstance(rule, dict) or not isinstance(rule.get("location"), str):
            found += Reading(
                faults=(Sentence("tdmrep.json has a rule without a location: {said}.", said=quoted(str(rule))),)
            )
            continue
        said, policy = rule.get(RESERVATION), rule.get(POLICY)
        word = str(said) if isinstance(said, int) and not isinstance(said, bool) else repr(said)
        found += _declared(
            word,
            policy if isinstance(policy, str) else "",
            rule["location"],
            f"tdmrep.json of {quoted(rule['location'])}",
        )
    return found


def about(reading: Reading, path: str) -> Declaration | None:
    """The first rule whose location matches (section 6.1.2)."""
    return next((one for one in reading.declarations if matches(one.scope, path)), None)


def read_html(page: str) -> Reading:
    """`<meta name="tdm-reservation" content="1">`; the first of each name counts."""
    found = _Metas()
    found.feed(page)
    found.close()
    if RESERVATION not in found.told:
        return Reading()
    return _declared(found.told[RESERVATION], found.told.get(POLICY, ""), "", f"The page's meta {RESERVATION}")


def write_headers(says: Mapping[str, str], policy: str = "") -> dict[str, str]:
    """{} where nothing is said. `policy`: the address of the terms, told where somebody may be asked."""
    match value_of(TERMS[0], says):
        case "allow":
            return {RESERVATION: "0"}
        case "conditional" if policy:
            return {RESERVATION: "1", POLICY: policy}
        case "":
            return {}
        case _:
            return {RESERVATION: "1"}


def write_file(rules: Mapping[str, Mapping[str, str]], policy: str = "") -> str:
    """`rules`: what is said of each location, the narrowest first."""
    listed: list[dict[str, Any]] = []
    for location, says in rules.items():
        if told := write_headers(says, policy):
            listed.append({"location": location, **told, RESERVATION: int(told[RESERVATION])})
    return json.dumps(listed, indent=1)


def write_html(says: Mapping[str, str], policy: str = "") -> str:
    from html import escape

    return "\n".join(
        f'<meta name="{name}" content="{escape(value)}">' for name, value in write_headers(says, policy).items()
    )


def write_policy(says: Mapping[str, str], *, uid: str, name: str, contact: str = "") -> dict[str, Any]:
    """The ODRL offer that tdm-policy points to (section 7): whom to ask, and that asking is the way."""
    permissions = []
    if value_of(TERMS[0], says) == "conditional":
        permissions.append({"target": uid, "action": "tdm:mine", "duty": [{"action": "obtainConsent"}]})
    assigner = {"vcard:fn": name, **({"vcard:hasURL": contact} if contact else {})}
    return {
        "@context": [
            "http://www.w3.org/ns/odrl.jsonld",
            {"tdm": f"{PROFILE}#", "vcard": "http://www.w3.org/2006/vcard/ns#"},
        ],
        "@type": "Offer",
        "profile": PROFILE,
        "uid": uid,
        "assigner": assigner,
        "permission": permissions,
    }


def _declared(said: str, policy: str, scope: str, where: str) -> Reading:
    if said not in ("0", "1"):
        return Reading(
            faults=(Sentence("{where} is {said} and not 0 or 1, so it says nothing.", where=where, said=quoted(said)),)
        )
    value = "allow" if said == "0" else "conditional" if policy else "deny"
    conditions = {"consent": policy} if value == "conditional" else {}
    return Reading(
        declarations=(
            Declaration(
                vocabulary=SLUG, says=heard(TERMS, {"tdm": value}), conditions=conditions, scope=scope, policy=policy
            ),
        )
    )


class _Metas(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.told: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        name = (told.get("name") or "").strip().lower()
        if tag == "meta" and name in (RESERVATION, POLICY):
            self.told.setdefault(name, (told.get("content") or "").strip())
