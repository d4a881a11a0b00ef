"""Decisions in one plain sentence, to be translated for its reader."""

from __future__ import annotations

from dataclasses import replace

from kicau.connector import registry
from kicau.connector.content import Problem
from kicau.rights.decisions import (
    LIMITED_AUDIENCE_KEY,
    OWN_POSTS_KEY,
    Decision,
    RightsVerdict,
    StatementFacts,
)
from kicau.rights.models import Layer, Party

NOBODY_SPOKE = Problem(code="nobody-spoke", message="Not known: nobody has said whether this may be done.")
UNMET_CONDITIONS = Problem(
    code="conditions",
    message="Not known: it is allowed under conditions that this purpose does not meet ({conditions}).",
)
UNREVIEWED_TERMS = Problem(
    code="unreviewed",
    message="Not known: nobody has reviewed the terms of {network} under which this copy was acquired.",
)
LEFT_OPEN_PROBLEM = Problem(code="left-open", message="Not known: {who} left this open on {day}.")
LICENCE_OPEN_PROBLEM = Problem(
    code="licence-open", message="Not known: its licence, {key}, does not say whether this may be done."
)
LAYER_REASONS: dict[tuple[str, RightsVerdict], Problem] = {
    (Layer.WITHDRAWAL, RightsVerdict.NO): Problem(code="withdrawn", message="No: {who} took it back on {day}."),
    (Layer.GRANT, RightsVerdict.NO): Problem(code="refused", message="No: {who} refused this on {day}."),
    (Layer.GRANT, RightsVerdict.YES): Problem(code="granted", message="Yes: {who} granted this on {day}."),
    (Layer.CONTRACT, RightsVerdict.NO): Problem(
        code="terms-forbid", message="No: the terms of {network} forbid it for a copy that came this way."
    ),
    (Layer.CONTRACT, RightsVerdict.YES): Problem(
        code="terms-allow", message="Yes: the terms of {network} allow it for a copy that came this way."
    ),
    (Layer.AUTHOR, RightsVerdict.NO): Problem(code="author-denies", message="No: its author, {who}, does not want it."),
    (Layer.AUTHOR, RightsVerdict.YES): Problem(code="author-allows", message="Yes: its author, {who}, allows it."),
    (Layer.LICENCE, RightsVerdict.NO): Problem(
        code="licence-denies", message="No: its licence, {key}, does not allow it."
    ),
    (Layer.LICENCE, RightsVerdict.YES): Problem(code="licence-allows", message="Yes: its licence, {key}, allows it."),
    (Layer.SITE, RightsVerdict.NO): Problem(
        code="site-denies", message="No: the site where it stood, {key}, does not want it."
    ),
    (Layer.SITE, RightsVerdict.YES): Problem(
        code="site-allows", message="Yes: the site where it stood, {key}, allows it."
    ),
    (Layer.DEFAULT, RightsVerdict.NO): Problem(
        code="default-denies", message="No: this workspace does not do it where nobody else said anything."
    ),
    (Layer.DEFAULT, RightsVerdict.YES): Problem(
        code="default-allows", message="Yes: this workspace does it where nobody else said anything."
    ),
}
OWN_RULE_REASONS: dict[RightsVerdict, Problem] = {
    RightsVerdict.NO: Problem(
        code="own-denies", message="No: these are your own words, and this workspace does not allow it."
    ),
    RightsVerdict.YES: Problem(
        code="own-allows", message="Yes: these are your own words, and this workspace allows it."
    ),
}
LIMITED_AUDIENCE = Problem(code="for-few", message="No: it was written for a few, not for everybody.")
UNNAMED_AUTHOR_REASONS: dict[RightsVerdict, Problem] = {  # its author, of whom no name is known
    RightsVerdict.NO: Problem(code="author-denies", message="No: its author does not want it."),
    RightsVerdict.YES: Problem(code="author-allows", message="Yes: its author allows it."),
}


def decision_reason(decision: Decision) -> Problem:
    """Why, as a sentence with its parameters filled; `code` is stable, for programs."""
    if decision.unmet:
        return replace(UNMET_CONDITIONS, params={"conditions": ", ".join(decision.unmet)})
    by = next((link.said for link in decision.chain if link.decided), None)
    if by is None:
        return NOBODY_SPOKE
    if decision.answer == RightsVerdict.UNKNOWN:
        if by.layer == Layer.LICENCE:
            return replace(LICENCE_OPEN_PROBLEM, params=_sentence_params(by))
        return replace(UNREVIEWED_TERMS if by.is_unreviewed else LEFT_OPEN_PROBLEM, params=_sentence_params(by))
    if decision.layer == Layer.AUTHOR and by.key == OWN_POSTS_KEY:
        return OWN_RULE_REASONS[decision.answer]
    if decision.layer == Layer.AUTHOR and by.key == LIMITED_AUDIENCE_KEY and decision.answer == RightsVerdict.NO:
        return LIMITED_AUDIENCE
    if decision.layer == Layer.AUTHOR and by.party == Party.AUTHOR and not by.party_name:
        return UNNAMED_AUTHOR_REASONS[decision.answer]
    return replace(LAYER_REASONS[decision.layer, decision.answer], params=_sentence_params(by))


def _network_label(network: str) -> str:
    """As people know it."""
    return registry.get_connector(network).label if network in registry.installed_slugs() else network


def _sentence_params(said: StatementFacts) -> dict[str, str | int | float]:
    since = said.valid_from or said.observed_at
    return {
        "who": said.party_name or Party(said.party).label,
        "day": f"{since:%Y-%m-%d}" if since else "",
        "network": _network_label(said.party_name or said.network) or said.key,
        "key": said.key or said.party_name,
    }
