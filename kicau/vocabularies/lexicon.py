"""The record community.lexicon.preference.ai of the AT protocol.

https://lexicon.garden/lexicon/did:plc:mtr7qrqtcyseedx3jyr5o7db/community.lexicon.preference.ai (looked up 2026-11-26). What
is left out is no declared preference.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from kicau.base.sentences import Sentence
from kicau.vocabularies.terms import Declaration, ParsedDeclarations, Term, term_value, values_from_terms

SLUG = "lexicon-ai"
NSID = "community.lexicon.preference.ai"
TERMS = (
    Term(token="training", grants=("train_gen", "train_other")),  # noqa: S106
    Term(token="inference", grants=("ground",)),  # noqa: S106
    Term(token="syntheticContent", grants=("synthesise",)),  # noqa: S106
    Term(token="embedding", grants=("embed",)),  # noqa: S106
)


def read_record(record: Any) -> ParsedDeclarations:
    """`agent` is the entity (a DID or a domain) or "", `scope` the collection or ""."""
    if not isinstance(record, Mapping) or record.get("$type", NSID) != NSID:
        return ParsedDeclarations(
            faults=(
                Sentence(
                    "Kicau cannot read these usage rules for AI and other programs, because they are not of the type {record}.",
                    record=NSID,
                ),
            )
        )
    listed = record.get("preferences")
    if not isinstance(listed, Mapping):
        return ParsedDeclarations(
            faults=(
                Sentence(
                    "The usage rules for AI and other programs ({record}) do not say which uses of the content are allowed or denied.",
                    record=NSID,
                ),
            )
        )
    known = {term.token for term in TERMS}
    values: dict[str, str] = {}
    kept: list[tuple[str, str]] = []
    faults: list[str] = []
    for name, one in listed.items():
        allow = one.get("allow") if isinstance(one, Mapping) else None
        if name not in known:
            kept.append((str(name), str(allow)))
        elif isinstance(allow, bool):
            values[name] = "allow" if allow else "deny"
        else:
            faults.append(
                Sentence(
                    "In the usage rules for AI and other programs ({record}), the value of {name} is invalid. Valid values: true and false.",
                    record=NSID,
                    name=name,
                )
            )
    scope = record.get("scope")
    scope = scope if isinstance(scope, Mapping) else {}
    kind = str(scope.get("$type", f"{NSID}#globalScope")).rpartition("#")[2]
    agent = str(scope.get("entity") or scope.get("did") or scope.get("domain") or "") if kind == "entityScope" else ""
    collection = str(scope.get("collection") or scope.get("nsid") or "") if kind == "collectionScope" else ""
    if kind not in ("globalScope", "entityScope", "collectionScope") or (
        kind != "globalScope" and not (agent or collection)
    ):
        return ParsedDeclarations(
            faults=(
                Sentence(
                    "Kicau cannot find out which person or content the usage rules {record} apply to ({kind}). Kicau ignores these rules.",
                    record=NSID,
                    kind=kind,
                ),
                *faults,
            )
        )
    told = Declaration(
        vocabulary=SLUG,
        says=values_from_terms(TERMS, values),
        scope=collection,
        agent=agent,
        at=_parse_time(record.get("updatedAt")),
        kept=tuple(kept),
    )
    return ParsedDeclarations(declarations=(told,) if told.says or told.kept else (), faults=tuple(faults))


def write_record(says: Mapping[str, str], at: datetime) -> dict[str, Any]:
    """The record with key `self`, of the whole account; {} where nothing is said. Conditions are a no."""
    moment = at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    told = {
        term.token: {"allow": value == "allow", "updatedAt": moment}
        for term in TERMS
        if (value := term_value(term, says))
    }
    if not told:
        return {}
    return {"$type": NSID, "scope": {"$type": f"{NSID}#globalScope"}, "preferences": told, "updatedAt": moment}


def _parse_time(text: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found if found.tzinfo else None
