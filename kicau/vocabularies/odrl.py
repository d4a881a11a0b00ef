"""W3C ODRL 2.2 offers, as Croissant's `usageInfo` carries them.

https://www.w3.org/TR/odrl-vocab/ and https://docs.mlcommons.org/croissant/docs/croissant-spec-1.1.html (looked up 2026-11-26).
ODRL has actions for some of our uses; the others are `odrl:use` with the use as its purpose.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kicau.base.sentences import Sentence
from kicau.rights.uses import USES
from kicau.vocabularies.terms import Declaration, Reading, quoted, strictest

SLUG = "odrl"
NAMESPACE = "http://www.w3.org/ns/odrl/2/"
CC = "http://creativecommons.org/ns#"
ACTIONS = {"search": "index", "redistribute": "distribute", "archive": "archive"}
DUTIES = {"attribution": "attribute", "payment": "compensate", "consent": "obtainConsent", "share-alike": "shareAlike"}
_USES = {action: use for use, action in ACTIONS.items()}
_CONDITIONS = {action: condition for condition, action in DUTIES.items()}


def write(says: Mapping[str, str], conditions: Mapping[str, str] | None = None) -> dict[str, Any]:
    """An offer in JSON-LD with the prefix `odrl:`; {} where nothing is said."""
    told = {use: says[use] for use in USES if says.get(use)}
    if not told:
        return {}
    offer: dict[str, Any] = {"@type": "odrl:Offer"}
    permitted = [
        _rule(use, conditions or {"consent": ""} if value == "conditional" else {})
        for use, value in told.items()
        if value != "deny"
    ]
    prohibited = [_rule(use, {}) for use, value in told.items() if value == "deny"]
    if permitted:
        offer["odrl:permission"] = permitted
    if prohibited:
        offer["odrl:prohibition"] = prohibited
    return offer


def read(offer: Any) -> Reading:
    """A policy in JSON-LD, with or without the prefix. A permission that has a constraint or a duty which we do not
    understand is one that has to be asked for; an action that we do not know is kept and permits nothing."""
    if not isinstance(offer, Mapping):
        return Reading(faults=(Sentence("The ODRL policy is no object."),))
    says: dict[str, str] = {}
    conditions: dict[str, str] = {}
    kept: list[tuple[str, str]] = []
    faults: list[str] = []
    for word in ("permission", "prohibition"):
        for rule in _list(_get(offer, word)):
            if not isinstance(rule, Mapping):
                faults.append(
                    Sentence(
                        "The ODRL policy has a {word} that is no object: {said}.", word=word, said=quoted(str(rule))
                    )
                )
                continue
            uses, bound = _about(rule, kept, word)
            value = "deny" if word == "prohibition" else "conditional" if bound else "allow"
            for use in uses:
                says[use] = strictest(says.get(use, value), value)
            if uses and value == "conditional":
                conditions |= bound
    told = Declaration(
        vocabulary=SLUG,
        says={use: says[use] for use in USES if use in says},
        conditions=conditions,
        policy=str(_get(offer, "uid") or ""),
        kept=tuple(kept),
    )
    return Reading(declarations=(told,) if told.says or told.kept else (), faults=tuple(faults))


def _rule(use: str, conditions: Mapping[str, str]) -> dict[str, Any]:
    rule: dict[str, Any] = {"odrl:action": {"@id": f"odrl:{ACTIONS.get(use, 'use')}"}}
    constraints = [] if use in ACTIONS else [_constraint("purpose", "eq", use)]
    duties = []
    for name, detail in conditions.items():
        if name == "geography":
            constraints.append(_constraint("spatial", "eq", detail))
        elif name == "non-commercial":
            constraints.append(_constraint("purpose", "neq", "commercial"))
        else:
            duties.append(
                {"odrl:action": {"@id": f"odrl:{DUTIES[name]}"}, **({"sc:description": detail} if detail else {})}
            )
    if constraints:
        rule["odrl:constraint"] = constraints
    if duties:
        rule["odrl:duty"] = duties
    return rule


def _constraint(left: str, operator: str, right: str) -> dict[str, Any]:
    return {
        "odrl:leftOperand": {"@id": f"odrl:{left}"},
        "odrl:operator": {"@id": f"odrl:{operator}"},
        "odrl:rightOperand": right,
    }


def _about(rule: Mapping[str, Any], kept: list[tuple[str, str]], word: str) -> tuple[list[str], dict[str, str]]:
    """(our uses that a rule is about, what binds it)."""
    bound: dict[str, str] = {}
    purposes: list[str] = []
    for constraint in _list(_get(rule, "constraint")):
        left, operator, right = (_name(_get(constraint, part)) for part in ("leftOperand", "operator", "rightOperand"))
        if (left, operator) == ("purpose", "eq") and right in USES:
            purposes.append(right)
        elif (left, operator, right) == ("purpose", "neq", "commercial"):
            bound["non-commercial"] = ""
        elif (left, operator) == ("spatial", "eq"):
            bound["geography"] = right
        else:
            bound["consent"] = f"{left} {operator} {right}".strip()
    for duty in (*_list(_get(rule, "duty")), *_list(_get(rule, "obligation"))):
        action = _name(_get(duty, "action"))
        detail = duty.get("sc:description", "") if isinstance(duty, Mapping) else ""
        bound[_CONDITIONS.get(action, "consent")] = str(detail) if action in _CONDITIONS else action
    uses: list[str] = []
    for given in _list(_get(rule, "action")):
        action = _name(given)
        if action == "use" and purposes:
            uses += purposes
        elif action in _USES:
            uses.append(_USES[action])
        elif action == "use" and word == "prohibition" and not bound:
            uses += USES  # whatever it is used for
        else:
            kept.append((word, action))
    return uses, bound


def _get(value: Any, name: str) -> Any:
    if not isinstance(value, Mapping):
        return None
    return next((value[key] for key in (f"odrl:{name}", name, NAMESPACE + name) if key in value), None)


def _list(value: Any) -> Iterator[Any]:
    return iter(value if isinstance(value, list) else [] if value is None else [value])


def _name(value: Any) -> str:
    """The last part of an identifier, however it is written."""
    if isinstance(value, Mapping):
        value = value.get("@id") or value.get("@value") or _get(value, "value") or value.get("rdf:value") or ""
    if isinstance(value, list):
        value = value[0] if len(value) == 1 else ""
    text = str(value)
    return _name(text.removeprefix(NAMESPACE).removeprefix("odrl:")) if text.startswith((NAMESPACE, "odrl:")) else text
