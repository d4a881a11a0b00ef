"""The shapes of declarations and of the rule's forms."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from kicau.api.schemas.archive import CONDITIONS_DESCRIPTION, SAYS_DESCRIPTION
from kicau.api.schemas.base import UTC_DESCRIPTION, Schema, StrictBool, example_config


class DeclarationSource(Schema):
    """Where declarations are to be looked for."""

    model_config = example_config({"url": "https://example.org/photos/kopi.jpg", "keep": False})

    url: str = Field(
        max_length=500,
        pattern="^https?://",
        description="A page or a file; its site's robots.txt, tdmrep.json and licences are read too. Only public addresses are fetched.",
    )
    keep: StrictBool = Field(
        False,
        description="Write what is declared down as statements; what was kept from the same sources before ends where it changed.",
    )


class SourceDeclaration(Schema):
    """What one source says, in this workspace's terms."""

    vocabulary: str = Field(description="aipref, content-signal, rsl, tdmrep, cawg, iptc, lexicon-ai, odrl or spdx.")
    where: str = Field(description="Where in the source it stood.")
    source: str = Field(description="Its address, or the file's name.")
    sha256: str = Field(description="Of the source's bytes as they were read.")
    about: str = Field(description="Path or address that it is about; empty for what carried it.")
    agent: str = Field(description="The crawler that it speaks to; empty for all.")
    says: dict[str, str] = Field(description=SAYS_DESCRIPTION)
    conditions: dict[str, str] = Field(description=CONDITIONS_DESCRIPTION)
    policy: str = Field(description="Address of the terms that it names; may be empty.")
    unknown: dict[str, str] = Field(description="Words that are not known here, as they stood.")


class DeclarationReport(Schema):
    """What a page or a file declares about its use by machines."""

    of: str = Field(description="The address, or the SHA-256 of the file's content.")
    at: datetime = Field(description=UTC_DESCRIPTION)
    says: dict[str, str] = Field(
        description="The strictest of all that is declared; what is not named is not said, which is no permission."
    )
    declared: list[SourceDeclaration] = Field(description="By source and vocabulary.")
    faults: list[str] = Field(description="What could not be read or fetched, in sentences.")
    kept: list[str] = Field(description="Ids of the statements that were written down.")


class RuleForm(Schema):
    """The workspace's rule in one form."""

    form: Literal["robots", "headers", "html", "rsl", "tdmrep", "lexicon-ai", "iptc", "cawg", "odrl"] = Field(
        description="robots: a robots.txt with AIPREF, Content Signals and the RSL document; headers and html: for pages of one's own; rsl: an XML document; tdmrep: /.well-known/tdmrep.json; lexicon-ai: a record of the AT protocol; iptc: the property in pictures; cawg: an assertion for whoever signs C2PA manifests; odrl: an offer."
    )
    text: str = Field(description="To be copied; empty where the form has no word for the rule.")
