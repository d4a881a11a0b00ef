"""The shapes of declarations and of the rule's forms."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from kicau.api.schemas.archive import CONDITIONS_DESCRIPTION, SAYS_DESCRIPTION
from kicau.api.schemas.base import UTC_DESCRIPTION, Schema, StrictBool, example_config


class DeclarationSource(Schema):
    """URL to read declarations from."""

    model_config = example_config({"url": "https://example.org/photos/kopi.jpg", "keep": False})

    url: str = Field(
        max_length=500,
        pattern="^https?://",
        description="URL of a page or file. Kicau also reads the site's robots.txt, tdmrep.json and licences. Only public addresses are fetched.",
    )
    keep: StrictBool = Field(
        False,
        description="Save the declarations as statements. Earlier statements from the same sources end if the declarations changed.",
    )


class SourceDeclaration(Schema):
    """A declaration from one source, translated to Kicau's uses."""

    vocabulary: str = Field(description="aipref, content-signal, rsl, tdmrep, cawg, iptc, lexicon-ai, odrl or spdx.")
    where: str = Field(description="Location in the source.")
    source: str = Field(description="URL of the source, or name of the file.")
    sha256: str = Field(description="SHA-256 of the source as it was read.")
    about: str = Field(description="Path or URL that the declaration is about. Empty: the source itself.")
    agent: str = Field(description="Crawler that the declaration is about. Empty: all.")
    says: dict[str, str] = Field(description=SAYS_DESCRIPTION)
    conditions: dict[str, str] = Field(description=CONDITIONS_DESCRIPTION)
    policy: str = Field(description="URL of the terms that the declaration refers to. Can be empty.")
    unknown: dict[str, str] = Field(description="Unknown terms, as declared.")


class DeclarationReport(Schema):
    """AI declarations of a page or file."""

    of: str = Field(description="The URL, or the SHA-256 of the file's content.")
    at: datetime = Field(description=UTC_DESCRIPTION)
    says: dict[str, str] = Field(
        description="The strictest declared value for each use. A use that is missing is not declared, which is no permission."
    )
    declared: list[SourceDeclaration] = Field(description="Declarations by source and vocabulary.")
    faults: list[str] = Field(description="Sources that could not be read or fetched.")
    kept: list[str] = Field(description="IDs of the saved statements.")


class RuleForm(Schema):
    """The workspace's rule in one machine-readable form."""

    form: Literal["robots", "headers", "html", "rsl", "tdmrep", "lexicon-ai", "iptc", "cawg", "odrl"] = Field(
        description="robots: a robots.txt with AIPREF, Content Signals and RSL. headers and html: for your own pages. rsl: an XML document. tdmrep: /.well-known/tdmrep.json. lexicon-ai: a record of the AT protocol. iptc: the property for images. cawg: an assertion for C2PA manifests. odrl: an offer."
    )
    text: str = Field(description="Text to copy. Empty if the form cannot express the rule.")
