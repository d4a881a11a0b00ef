"""W3C ODRL 2.2 offers, as Croissant's `usageInfo` carries them.

https://www.w3.org/TR/odrl-vocab/ and https://docs.mlcommons.org/croissant/docs/croissant-spec-1.1.html (looked up 2026-11-26).
ODRL has actions for some of our uses; the others are `odrl:use` with the use as its purpose.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kicau.base.sentences import Sentence
from kicau.rights.uses import USES
from kicau.vocabularies.terms import Declaration, ParsedDeclarations, quote_source, stricter_value

SLUG = "odrl"
NAMESPACE = "http://www.w3.org/ns/odrl/2/"
CC_NAMESPACE = "http://creativecommons.org/ns#"
ACTIONS_BY_USE = {"search": "index", "redistribute": "distribute", "archive": "archive"}
DUTIES_BY_CONDITION = {
    "attribution": "attribute",
    "payment": "compensate",
    "consent": "obtainConsent",
    "share-alike": "shareAlike",
}
_USES_BY_ACTION = {action: use for use, action in ACTIONS_BY_USE.items()}
_CONDITIONS_BY_DUTY = {action: condition for condition, action in DUTIES_BY_CONDITION.items()}


def write_offer(says: Mapping[str, str], conditions: Mapping[str, str] | None = None) -> dict[str, Any]:
    """An offer in JSON-LD with the prefix `odrl:`; {} where nothing is said."""
    told = {use: says[use] for use in USES if says.get(use)}
    if not told:
        return {}
    offer: dict[str, Any] = {"@type": "odrl:Offer"}
    permitted = [
        _build_rule(use, conditions or {"consent": ""} if value == "conditional" else {})
        for use, value in told.items()
        if value != "deny"
    ]
    prohibited = [_build_rule(use, {}) for use, value in told.items() if value == "deny"]
    if permitted:
        offer["odrl:permission"] = permitted
    if prohibited:
        offer["odrl:prohibition"] = prohibited
    return offer


def read_offer(offer: Any) -> ParsedDeclarations:
    """A policy in JSON-LD, with or without the prefix. A permission that has a constraint or a duty which we do not
    understand is one that has to be asked for; an action that we do not know is kept and permits nothing."""
    if not isinstance(offer, Mapping):
        return ParsedDeclarations(
            faults=(
                Sentence(
                    "Kicau cannot read the machine-readable licence terms (ODRL), because their format is invalid."
                ),
            )
        )
    says: dict[str, str] = {}
    conditions: dict[str, str] = {}
    kept: list[tuple[str, str]] = []
    faults: list[str] = []
    for word in ("permission", "prohibition"):
        for rule in _as_list(_get_property(offer, word)):
            if not isinstance(rule, Mapping):
                faults.append(
                    Sentence(
                        "Kicau cannot read the field {word} in the machine-readable licence terms (ODRL), because the field's format is invalid: {said}.",
                        word=word,
                        said=quote_source(str(rule)),
                    )
                )
                continue
            uses, bound = _uses_of_rule(rule, kept, word)
            value = "deny" if word == "prohibition" else "conditional" if bound else "allow"
            for use in uses:
                says[use] = stricter_value(says.get(use, value), value)
            if uses and value == "conditional":
                conditions |= bound
    told = Declaration(
        vocabulary=SLUG,
        says={use: says[use] for use in USES if use in says},
        conditions=conditions,
        policy=str(_get_property(offer, "uid") or ""),
        kept=tuple(kept),
    )
    return ParsedDeclarations(declarations=(told,) if told.says or told.kept else (), faults=tuple(faults))


def _build_rule(use: str, conditions: Mapping[str, str]) -> dict[str, Any]:
    rule: dict[str, Any] = {"odrl:action": {"@id": f"odrl:{ACTIONS_BY_USE.get(use, 'use')}"}}
    constraints = [] if use in ACTIONS_BY_USE else [_build_constraint("purpose", "eq", use)]
    duties = []
    for name, detail in conditions.items():
        if name == "geography":
            constraints.append(_build_constraint("spatial", "eq", detail))
        elif name == "non-commercial":
            constraints.append(_build_constraint("purpose", "neq", "commercial"))
        else:
            duties.append(
                {
                    "odrl:action": {"@id": f"odrl:{DUTIES_BY_CONDITION[name]}"},
                    **({"sc:description": detail} if detail else {}),
                }
            )
    if constraints:
        rule["odrl:constraint"] = constraints
    if duties:
        rule["odrl:duty"] = duties
    return rule


def _build_constraint(left: str, operator: str, right: str) -> dict[str, Any]:
    return {
        "odrl:leftOperand": {"@id": f"odrl:{left}"},
        "odrl:operator": {"@id": f"odrl:{operator}"},
        "odrl:rightOperand": right,
    }


def _uses_of_rule(rule: Mapping[str, Any], kept: list[tuple[str, str]], word: str) -> tuple[list[str], dict[str, str]]:
    """(our uses that a rule is about, what binds it)."""
    bound: dict[str, str] = {}
    purposes: list[str] = []
    for constraint in _as_list(_get_property(rule, "constraint")):
        left, operator, right = (
            _local_name(_get_property(constraint, part)) for part in ("leftOperand", "operator", "rightOperand")
        )
        if (left, operator) == ("purpose", "eq") and right in USES:
            purposes.append(right)
        elif (left, operator, right) == ("purpose", "neq", "commercial"):
            bound["non-commercial"] = ""
        elif (left, operator) == ("spatial", "eq"):
            bound["geography"] = right
        else:
            bound["consent"] = f"{left} {operator} {right}".strip()
    for duty in (*_as_list(_get_property(rule, "duty")), *_as_list(_get_property(rule, "obligation"))):
        action = _local_name(_get_property(duty, "action"))
        detail = duty.get("sc:description", "") if isinstance(duty, Mapping) else ""
        bound[_CONDITIONS_BY_DUTY.get(action, "consent")] = str(detail) if action in _CONDITIONS_BY_DUTY else action
    uses: list[str] = []
    for given in _as_list(_get_property(rule, "action")):
        action = _local_name(given)
        if action == "use" and purposes:
            uses += purposes
        elif action in _USES_BY_ACTION:
            uses.append(_USES_BY_ACTION[action])
        elif action == "use" and word == "prohibition" and not bound:
            uses += USES  # whatever it is used for
        else:
            kept.append((word, action))
    return uses, bound


def _get_property(value: Any, name: str) -> Any:
    if not isinstance(value, Mapping):
        return None
    return next((value[key] for key in (f"odrl:{name}", name, NAMESPACE + name) if key in value), None)


def _as_list(value: Any) -> Iterator[Any]:
    return iter(value if isinstance(value, list) else [] if value is None else [value])


def _local_name(value: Any) -> str:
    """The last part of an identifier, however it is written."""
    if isinstance(value, Mapping):
        value = value.get("@id") or value.get("@value") or _get_property(value, "value") or value.get("rdf:value") or ""
    if isinstance(value, list):
        value = value[0] if len(value) == 1 else ""
    text = str(value)
    return (
        _local_name(text.removeprefix(NAMESPACE).removeprefix("odrl:"))
        if text.startswith((NAMESPACE, "odrl:"))
        else text
    )
