"""What this workspace says of its works, in every form in which a machine may read it; and what this site says as a whole."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings

from kicau.base import clock
from kicau.base.errors import validation_failed
from kicau.media import usage_metadata_writer
from kicau.media.models import Medium
from kicau.vocabularies import aipref, cawg, iptc, lexicon, odrl, robots, rsl, tdmrep
from kicau.vocabularies.terms import stricter_value
from kicau.workspaces.actors import Actor, Permission
from kicau.workspaces.models import Workspace

SITE_LICENCE_PATH = "/license.xml"


FORM_NAMES = ("robots", "headers", "html", "rsl", "tdmrep", "lexicon-ai", "iptc", "cawg", "odrl")


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleText:
    """One way of saying the rule: `text` is to be copied; "" where this vocabulary has no word for it."""

    slug: str
    text: str


def rule_forms(actor: Actor) -> list[RuleText]:
    """The workspace's rule for its own words in each form, to be put on its own pages, accounts and files."""
    actor.require(Permission.READ)
    workspace, says = actor.workspace, actor.workspace.ai_use
    licence, policy = licence_url(workspace.id), policy_url(workspace.id)
    terms = workspace.terms_url
    told = {
        "robots": robots.write_robots(says, licence=licence if rsl.write_document(says) else "") if says else "",
        "headers": "".join(f"{name}: {value}\n" for name, value in rule_headers(workspace, says).items()),
        "html": "\n".join(
            filter(
                None,
                [
                    tdmrep.write_html(says, terms or policy),
                    f'<link rel="license" type="{rsl.RSL_MIME}" href="{licence}">' if rsl.write_document(says) else "",
                ],
            )
        ),
        "rsl": rsl_licence(workspace),
        "tdmrep": tdmrep.write_file({"/": says}, terms or policy) if tdmrep.write_headers(says) else "",
        "lexicon-ai": _json_text(lexicon.write_record(says, clock.now())),
        "iptc": _iptc_text(says),
        "cawg": _json_text(cawg.write_assertion(says, terms or policy)),
        "odrl": _json_text(odrl.write_offer(says)),
    }
    return [RuleText(slug=slug, text=text.strip()) for slug, text in told.items()]


def rule_form(actor: Actor, slug: str) -> RuleText:
    """Raises ValidationFailed, which names those that there are."""
    known = rule_forms(actor)
    found = next((one for one in known if one.slug == slug), None)
    if found is None:
        raise validation_failed(
            "form",
            "Kicau cannot write your content rules in the format {form!r}. Choose one of these formats: {forms}.",
            form=slug,
            forms=", ".join(one.slug for one in known),
        )
    return found


def rule_headers(workspace: Workspace, says: Mapping[str, str]) -> dict[str, str]:
    """For answers that carry a work of this workspace; {} where nothing is said."""
    if not says:
        return {}
    usage = aipref.write_preference(says)
    return {
        **({"Content-Usage": usage} if usage else {}),
        **tdmrep.write_headers(says, workspace.terms_url or policy_url(workspace.id)),
        **(
            {"Link": f'<{licence_url(workspace.id)}>; rel="license"; type="{rsl.RSL_MIME}"'}
            if rsl.write_document(says)
            else {}
        ),
    }


def media_headers(ref: str) -> dict[str, str]:
    """For answers that carry a file of the library, by its key: its workspace's rule and its own, the strictest."""
    workspace, _, digest = ref.partition("/")
    medium = Medium.objects.select_related("workspace").filter(workspace_id=workspace, sha256=digest).first()
    return rule_headers(medium.workspace, usage_metadata_writer.usage_rules_of(medium)) if medium else {}


def meta_elements(workspace: Workspace) -> dict[str, str]:
    """Names and contents of a page's meta elements."""
    return tdmrep.write_headers(workspace.ai_use, workspace.terms_url or policy_url(workspace.id))


def rule_files(workspace: Workspace) -> dict[str, str]:
    """For a folder that somebody puts on a web server of their own; {} where nothing is said."""
    says = workspace.ai_use
    if not says:
        return {}
    licence = rsl_licence(workspace)
    told = {"robots.txt": robots.write_robots(says, licence=SITE_LICENCE_PATH if licence else "")}
    told |= {SITE_LICENCE_PATH[1:]: licence} if licence else {}
    reserved = tdmrep.write_file({"/": says}, workspace.terms_url or policy_url(workspace.id))
    return told | ({tdmrep.WELL_KNOWN_PATH[1:]: reserved} if tdmrep.write_headers(says) else {})


def rsl_licence(workspace: Workspace, url: str = "/") -> str:
    """The workspace's RSL document; "" where it has nothing to say."""
    return rsl.write_document(workspace.ai_use, url=url, terms=workspace.terms_url, owner=workspace.name)


def tdm_policy(workspace: Workspace) -> dict[str, Any]:
    """The workspace's TDM policy, an ODRL offer."""
    return tdmrep.write_policy(
        workspace.ai_use, uid=policy_url(workspace.id), name=workspace.name, contact=workspace.terms_url
    )


def site_rule(rules: Iterable[Mapping[str, str]] | None = None) -> dict[str, str]:
    """What holds for everything that stands open here: no where one workspace says no, yes where all say yes."""
    every = list(Workspace.objects.values_list("ai_use", flat=True) if rules is None else rules)
    says: dict[str, str] = {}
    for rule in every:
        for use, value in rule.items():
            says[use] = stricter_value(says.get(use, value), value)
    return {use: value for use, value in says.items() if value != "allow" or all(use in rule for rule in every)}


def site_robots() -> str:
    says = site_rule()
    return robots.write_robots(
        says, licence=f"{settings.KICAU_PUBLIC_URL}{SITE_LICENCE_PATH}" if rsl.write_document(says) else ""
    )


def site_licence() -> str:
    return rsl.write_document(site_rule())


def site_reservations() -> str:
    """tdmrep.json, one rule; a work's own headers go before it."""
    return tdmrep.write_file({"/": site_rule()})


def licence_url(workspace_id: UUID) -> str:
    return f"{settings.KICAU_PUBLIC_URL}/license/{workspace_id}.xml"


def policy_url(workspace_id: UUID) -> str:
    return f"{settings.KICAU_PUBLIC_URL}/tdm-policy/{workspace_id}.json"


def _iptc_text(says: Mapping[str, str]) -> str:
    value = iptc.mining_term(says)
    return f"plus:DataMining = {iptc.VALUE_PREFIX}{value}" if value else ""


def _json_text(told: Mapping[str, Any]) -> str:
    return json.dumps(told, indent=1, ensure_ascii=False) if told else ""
