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
from kicau.rights.uses import PURPOSES

NOBODY_SPOKE = Problem(
    code="nobody-spoke", message="Unknown. Nobody has stated whether this content may be used for {purpose}."
)
UNMET_CONDITIONS = Problem(
    code="conditions",
    message="Unknown. This content may be used for {purpose} only if certain conditions are met, and nobody has confirmed that you meet them: {conditions}.",
)
UNREVIEWED_TERMS = Problem(
    code="unreviewed",
    message="Unknown. Nobody has reviewed the terms of use of {network} that apply to this content. Ask the server administrator to review them.",
)
LEFT_OPEN_PROBLEM = Problem(
    code="left-open",
    message="Unknown. In a rights statement of {day}, {who} says neither yes nor no to using this content for {purpose}.",
)
LICENCE_OPEN_PROBLEM = Problem(
    code="licence-open",
    message="Unknown. The licence {key} does not state whether this content may be used for {purpose}.",
)
LAYER_REASONS: dict[tuple[str, RightsVerdict], Problem] = {
    (Layer.WITHDRAWAL, RightsVerdict.NO): Problem(
        code="withdrawn", message="No. On {day}, {who} withdrew the permission to use this content for {purpose}."
    ),
    (Layer.GRANT, RightsVerdict.NO): Problem(
        code="refused", message="No. On {day}, {who} refused permission to use this content for {purpose}."
    ),
    (Layer.GRANT, RightsVerdict.YES): Problem(
        code="granted", message="Yes. On {day}, {who} gave permission to use this content for {purpose}."
    ),
    (Layer.CONTRACT, RightsVerdict.NO): Problem(
        code="terms-forbid",
        message="No. The terms of use of {network}, which apply to this copy of the content, do not allow it to be used for {purpose}.",
    ),
    (Layer.CONTRACT, RightsVerdict.YES): Problem(
        code="terms-allow",
        message="Yes. The terms of use of {network}, which apply to this copy of the content, allow it to be used for {purpose}.",
    ),
    (Layer.AUTHOR, RightsVerdict.NO): Problem(
        code="author-denies", message="No. The author, {who}, does not want this content to be used for {purpose}."
    ),
    (Layer.AUTHOR, RightsVerdict.YES): Problem(
        code="author-allows", message="Yes. The author, {who}, allows this content to be used for {purpose}."
    ),
    (Layer.LICENCE, RightsVerdict.NO): Problem(
        code="licence-denies", message="No. The licence {key} does not allow this content to be used for {purpose}."
    ),
    (Layer.LICENCE, RightsVerdict.YES): Problem(
        code="licence-allows", message="Yes. The licence {key} allows this content to be used for {purpose}."
    ),
    (Layer.SITE, RightsVerdict.NO): Problem(
        code="site-denies",
        message="No. The website {key}, which published this content, does not want it to be used for {purpose}.",
    ),
    (Layer.SITE, RightsVerdict.YES): Problem(
        code="site-allows",
        message="Yes. The website {key}, which published this content, allows it to be used for {purpose}.",
    ),
    (Layer.DEFAULT, RightsVerdict.NO): Problem(
        code="default-denies",
        message="No. The author, licence and network do not say whether this content may be used for {purpose}. In such cases, this workspace's rules do not allow it.",
    ),
    (Layer.DEFAULT, RightsVerdict.YES): Problem(
        code="default-allows",
        message="Yes. The author, licence and network do not say whether this content may be used for {purpose}. In such cases, this workspace's rules allow it.",
    ),
}
OWN_RULE_REASONS: dict[RightsVerdict, Problem] = {
    RightsVerdict.NO: Problem(
        code="own-denies",
        message="No. This is your own content, and this workspace does not allow it to be used for {purpose}.",
    ),
    RightsVerdict.YES: Problem(
        code="own-allows",
        message="Yes. This is your own content, and this workspace allows it to be used for {purpose}.",
    ),
}
LIMITED_AUDIENCE = Problem(
    code="for-few", message="No. The author shared this content only with certain people, not publicly."
)
FILE_DENIES = Problem(
    code="file-denies",
    message="No. The rights information of an image, video or document in this post does not allow the post to be used for {purpose}.",
)
FILE_CONDITIONS = Problem(
    code="file-conditions",
    message="Unknown. The rights information of an image, video or document in this post allows use for {purpose} only under these conditions: {conditions}. Nobody has confirmed that you meet them.",
)
FILE_OPEN = Problem(
    code="file-open",
    message="Unknown. The rights information of an image, video or document in this post neither allows nor forbids the post to be used for {purpose}.",
)
UNNAMED_AUTHOR_REASONS: dict[RightsVerdict, Problem] = {  # its author, of whom no name is known
    RightsVerdict.NO: Problem(
        code="author-denies", message="No. The author does not want this content to be used for {purpose}."
    ),
    RightsVerdict.YES: Problem(
        code="author-allows", message="Yes. The author allows this content to be used for {purpose}."
    ),
}


def decision_reason(decision: Decision) -> Problem:
    """Why, as a sentence with its parameters filled; `code` is stable, for programs."""
    reason = _reason_template(decision)
    return replace(reason, params={"purpose": PURPOSES.get(decision.use, decision.use), **reason.params})


def _reason_template(decision: Decision) -> Problem:
    if decision.of_words is not None:
        if decision.unmet:
            return replace(FILE_CONDITIONS, params={"conditions": ", ".join(decision.unmet)})
        return FILE_DENIES if decision.answer == RightsVerdict.NO else FILE_OPEN
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
