"""Decisions in one plain sentence, to be translated for its reader."""

from __future__ import annotations

from dataclasses import replace

from kicau.connector import registry
from kicau.connector.content import Problem
from kicau.rights.decisions import FEW, OWN, Answer, Decision, Said
from kicau.rights.models import Layer, Party

NOBODY = Problem(code="nobody-spoke", message="Not known: nobody has said whether this may be done.")
UNMET = Problem(
    code="conditions",
    message="Not known: it is allowed under conditions that this purpose does not meet ({conditions}).",
)
UNREVIEWED = Problem(
    code="unreviewed",
    message="Not known: nobody has reviewed the terms of {network} under which this copy was acquired.",
)
LEFT_OPEN = Problem(code="left-open", message="Not known: {who} left this open on {day}.")
LICENCE_OPEN = Problem(
    code="licence-open", message="Not known: its licence, {key}, does not say whether this may be done."
)
SAYS: dict[tuple[str, Answer], Problem] = {
    (Layer.WITHDRAWAL, Answer.NO): Problem(code="withdrawn", message="No: {who} took it back on {day}."),
    (Layer.GRANT, Answer.NO): Problem(code="refused", message="No: {who} refused this on {day}."),
    (Layer.GRANT, Answer.YES): Problem(code="granted", message="Yes: {who} granted this on {day}."),
    (Layer.CONTRACT, Answer.NO): Problem(
        code="terms-forbid", message="No: the terms of {network} forbid it for a copy that came this way."
    ),
    (Layer.CONTRACT, Answer.YES): Problem(
        code="terms-allow", message="Yes: the terms of {network} allow it for a copy that came this way."
    ),
    (Layer.AUTHOR, Answer.NO): Problem(code="author-denies", message="No: its author, {who}, does not want it."),
    (Layer.AUTHOR, Answer.YES): Problem(code="author-allows", message="Yes: its author, {who}, allows it."),
    (Layer.LICENCE, Answer.NO): Problem(code="licence-denies", message="No: its licence, {key}, does not allow it."),
    (Layer.LICENCE, Answer.YES): Problem(code="licence-allows", message="Yes: its licence, {key}, allows it."),
    (Layer.SITE, Answer.NO): Problem(
        code="site-denies", message="No: the site where it stood, {key}, does not want it."
    ),
    (Layer.SITE, Answer.YES): Problem(code="site-allows", message="Yes: the site where it stood, {key}, allows it."),
    (Layer.DEFAULT, Answer.NO): Problem(
        code="default-denies", message="No: this workspace does not do it where nobody else said anything."
    ),
    (Layer.DEFAULT, Answer.YES): Problem(
        code="default-allows", message="Yes: this workspace does it where nobody else said anything."
    ),
}
OWN_SAYS: dict[Answer, Problem] = {
    Answer.NO: Problem(
        code="own-denies", message="No: these are your own words, and this workspace does not allow it."
    ),
    Answer.YES: Problem(code="own-allows", message="Yes: these are your own words, and this workspace allows it."),
}
FOR_FEW = Problem(code="for-few", message="No: it was written for a few, not for everybody.")
NAMELESS: dict[Answer, Problem] = {  # its author, of whom no name is known
    Answer.NO: Problem(code="author-denies", message="No: its author does not want it."),
    Answer.YES: Problem(code="author-allows", message="Yes: its author allows it."),
}


def reason(decision: Decision) -> Problem:
    """Why, as a sentence with its parameters filled; `code` is stable, for programs."""
    if decision.unmet:
        return replace(UNMET, params={"conditions": ", ".join(decision.unmet)})
    by = next((link.said for link in decision.chain if link.decided), None)
    if by is None:
        return NOBODY
    if decision.answer == Answer.UNKNOWN:
        if by.layer == Layer.LICENCE:
            return replace(LICENCE_OPEN, params=_params(by))
        return replace(UNREVIEWED if by.is_unreviewed else LEFT_OPEN, params=_params(by))
    if decision.layer == Layer.AUTHOR and by.key == OWN:
        return OWN_SAYS[decision.answer]
    if decision.layer == Layer.AUTHOR and by.key == FEW and decision.answer == Answer.NO:
        return FOR_FEW
    if decision.layer == Layer.AUTHOR and by.party == Party.AUTHOR and not by.party_name:
        return NAMELESS[decision.answer]
    return replace(SAYS[decision.layer, decision.answer], params=_params(by))


def _label(network: str) -> str:
    """As people know it."""
    return registry.get(network).label if network in registry.slugs() else network


def _params(said: Said) -> dict[str, str | int | float]:
    since = said.valid_from or said.observed_at
    return {
        "who": said.party_name or Party(said.party).label,
        "day": f"{since:%Y-%m-%d}" if since else "",
        "network": _label(said.party_name or said.network) or said.key,
        "key": said.key or said.party_name,
    }
