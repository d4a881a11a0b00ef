"""What a file that is added says of its own use: heard before it is kept, and written down as statements."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import kicau
from kicau.media.models import Medium
from kicau.rights import statements
from kicau.rights.models import Layer, Party, Subject
from kicau.rights.statements import NewStatement
from kicau.vocabularies import cawg, iptc, lexicon, spdx
from kicau.vocabularies.sources import SourceDeclarations, scan_file
from kicau.vocabularies.terms import Declaration, combine_declarations, stricter_value

AUTHOR_VOCABULARIES = (cawg.SLUG, iptc.SLUG, lexicon.SLUG)  # said by whoever made the work, not by where it stands


def read_declarations(path: Path, uri: str = "") -> tuple[SourceDeclarations, ...]:
    """What the file at `path` declares; never raises over what it holds."""
    with path.open("rb") as file:
        return tuple(scan_file(uri or path.name, file))


def apply_restrictions(rule: Mapping[str, str], heard: Iterable[SourceDeclarations]) -> dict[str, str]:
    """A rule with every refusal and condition that was heard; what was allowed there is allowed only where it was here."""
    told = combine_declarations(one for source in heard for one in source.declarations)
    return dict(rule) | {
        use: stricter_value(rule.get(use, value), value) for use, value in told.items() if value != "allow"
    }


def build_statement(
    source: SourceDeclarations, one: Declaration, *, subject: str, key: str, party_name: str
) -> NewStatement:
    """A declaration as a statement: whose it is follows from its vocabulary, and its bytes go with it."""
    of_author = one.vocabulary in AUTHOR_VOCABULARIES
    layer = Layer.AUTHOR if of_author else Layer.LICENCE if one.vocabulary == spdx.SLUG else Layer.SITE
    kept = "; ".join(f"{word}={said}" if said else word for word, said in one.kept)
    return NewStatement(
        layer=layer,
        party=Party.SITE if layer == Layer.SITE else Party.AUTHOR,
        subject=subject,
        key=key,
        party_name=f"{one.declared_by or party_name} ({one.vocabulary})",
        says=one.says,
        conditions=one.conditions,
        source=source.uri,
        raw=source.raw,
        parser=f"kicau.vocabularies.{one.vocabulary} {kicau.__version__}",
        valid_from=one.at,
        note=" · ".join(filter(None, [source.where, one.policy, kept])),
    )


def record_declarations(medium: Medium, heard: Iterable[SourceDeclarations], by: UUID | None) -> None:
    """As statements about this file, which its item's words are not."""
    given = [
        replace(
            build_statement(source, one, subject=Subject.FILE, key=medium.sha256, party_name=medium.name),
            valid_from=None,
        )
        for source in heard
        for one in source.declarations
        if one.says
    ]
    statements.record_statements(medium.workspace_id, given, by=by)
