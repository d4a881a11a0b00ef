"""Every vocabulary by its slug: what it is called, where it stands, what independent reader it is tested against, and
what is lost between it and our own uses. The tables of docs/reference/vocabularies.md come from here:

    python -m kicau.vocabularies.known
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from kicau.rights.uses import USES
from kicau.vocabularies import aipref, cawg, content_signal, iptc, lexicon, odrl, rsl, spdx, tdmrep
from kicau.vocabularies.terms import NO_DECLARATIONS, ParsedDeclarations, combine_declarations

_EXAMPLE_TIME = datetime(2026, 11, 26, tzinfo=UTC)  # a record needs some moment
EXAMPLE_TERMS_URL = "https://example.org/terms"
USE_VALUES = ("allow", "deny", "conditional")


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """`write` says all that it can of a policy, as text, "" for nothing; `hear` reads it again."""

    slug: str
    name: str
    carried: str  # where it stands, in words
    source: str
    read_on: str
    peer: str  # the independent reader of its tests
    lost: str  # what the table of uses cannot show
    write: Callable[[Mapping[str, str]], str]
    read: Callable[[str], ParsedDeclarations]

    def hear(self, text: str) -> ParsedDeclarations:
        return self.read(text) if text else NO_DECLARATIONS


def _json_text(told: Mapping[str, Any]) -> str:
    return json.dumps(told) if told else ""


VOCABULARIES: dict[str, Vocabulary] = {
    one.slug: one
    for one in (
        Vocabulary(
            slug=aipref.SLUG,
            name="IETF AI preferences",
            carried="`Content-Usage` header and robots.txt rule",
            source="draft-ietf-aipref-vocab-08, draft-ietf-aipref-attach-05",
            read_on="2026-11-26",
            peer="http-sfv; urllib.robotparser and Protego for the file around it",
            lost="Conditions become a no. Keys and parameters that are not of the draft are kept, not read.",
            write=aipref.write_preference,
            read=lambda text: aipref.read_preference(text.encode()),
        ),
        Vocabulary(
            slug=content_signal.SLUG,
            name="Content Signals",
            carried="`Content-Signal` in robots.txt",
            source="contentsignals.org, draft-romm-aipref-contentsignals-00",
            read_on="2026-11-26",
            peer="agentpulse-asgi",
            lost="Conditions become a no. `use=` is kept, not read. Training is one word for all models.",
            write=content_signal.write_signal,
            read=content_signal.read_signal,
        ),
        Vocabulary(
            slug=rsl.SLUG,
            name="Really Simple Licensing 1.0",
            carried="XML; robots.txt `License`, `Link` header, HTML, RSS",
            source="rslstandard.org/rsl",
            read_on="2026-11-26",
            peer="supertab-connect-sdk; what two readers of no registry expect",
            lost="Payment, attribution and non-commercial are kept; other conditions become a prohibition with the address of the terms. Of several conditional uses the conditions are one set. `all` and `ai-all` are read, not written. What a licence does not name is not said.",
            write=rsl.write_document,
            read=lambda text: rsl.read_document(text.encode()),
        ),
        Vocabulary(
            slug=tdmrep.SLUG,
            name="W3C TDM Reservation Protocol",
            carried="`/.well-known/tdmrep.json`, headers, HTML meta, ODRL policy",
            source="CG-FINAL-tdmrep-20240510",
            read_on="2026-11-26",
            peer="datadiligence, with Protego for the patterns of the file and Lexbor for pages",
            lost="One bit for all mining: one refused use reserves them all. A reservation with a policy is read as conditional.",
            write=lambda says: _json_text(tdmrep.write_headers(says, EXAMPLE_TERMS_URL)),
            read=lambda text: tdmrep.read_headers(json.loads(text)),
        ),
        Vocabulary(
            slug=cawg.SLUG,
            name="CAWG training and data mining",
            carried="assertion in a C2PA manifest of a picture or film",
            source="cawg.io/training-and-data-mining/1.1",
            read_on="2026-11-26",
            peer="c2pa-python",
            lost="Conditions are one free text. Written as an assertion for whoever signs; not signed here. The signature is not checked.",
            write=lambda says: _json_text(cawg.write_assertion(says, EXAMPLE_TERMS_URL)),
            read=lambda text: cawg.read_assertion(json.loads(text)),
        ),
        Vocabulary(
            slug=iptc.SLUG,
            name="IPTC and PLUS Data Mining",
            carried="`plus:DataMining` in the XMP of JPEG, PNG, WebP, MP4; read in GIF, TIFF, HEIC, AVIF and PDF too",
            source="IPTC Photo Metadata Standard 2023.1",
            read_on="2026-11-26",
            peer="pyexiv2 (Exiv2); FFmpeg for films",
            lost="One value of a closed list: the narrowest that refuses all that is refused. Grounding and imitation are no mining and decide nothing.",
            write=lambda says: iptc.write_packet(says, constraint=EXAMPLE_TERMS_URL).decode(),
            read=lambda text: iptc.read_packet(text.encode()),
        ),
        Vocabulary(
            slug=lexicon.SLUG,
            name="community.lexicon.preference.ai",
            carried="record of an AT protocol account",
            source="lexicon.garden, community.lexicon.preference.ai",
            read_on="2026-11-26",
            peer="atproto (DAG-CBOR and record models)",
            lost="Conditions become a no. Training is one word for all models.",
            write=lambda says: _json_text(lexicon.write_record(says, _EXAMPLE_TIME)),
            read=lambda text: lexicon.read_record(json.loads(text)),
        ),
        Vocabulary(
            slug=odrl.SLUG,
            name="ODRL 2.2 in Croissant",
            carried="`usageInfo` of a data set's croissant.json",
            source="w3.org/TR/odrl-vocab, Croissant 1.1",
            read_on="2026-11-26",
            peer="rdflib and mlcroissant",
            lost="Uses without an action of their own are purposes of `odrl:use`, which only readers who know them understand.",
            write=lambda says: _json_text(odrl.write_offer(says)),
            read=lambda text: odrl.read_offer(json.loads(text)),
        ),
        Vocabulary(
            slug=spdx.SLUG,
            name="SPDX licence expressions",
            carried="wherever a licence is named",
            source="SPDX 3.0.1, annex on expressions",
            read_on="2026-11-26",
            peer="license-expression",
            lost="A licence is written only where one says exactly what is said. Of training a licence says yes only where it gives up all rights, no where it allows no derivatives, else conditional.",
            write=spdx.write_licence,
            read=spdx.read_expression,
        ),
    )
}


def lost_values(slug: str) -> dict[str, dict[str, str]]:
    """{use: {value: what is read again after saying that value of that use alone}}; "" where it cannot be said."""
    one = VOCABULARIES[slug]
    table: dict[str, dict[str, str]] = {}
    for use in USES:
        table[use] = {}
        for value in USE_VALUES:
            back = combine_declarations(one.hear(one.write({use: value})).declarations)
            wide = [other for other in back if other != use]
            said = back.get(use, "")
            table[use][value] = said + ("".join(f" +{other}" for other in wide) if wide else "")
    return table


def vocabulary_tables() -> str:
    """Markdown: each vocabulary, its peer, and what becomes of each use and value."""
    lines = ["| vocabulary | stands in | source | tested against |", "| --- | --- | --- | --- |"]
    lines += [f"| {v.name} | {v.carried} | {v.source} ({v.read_on}) | {v.peer} |" for v in VOCABULARIES.values()]
    for slug, vocabulary in VOCABULARIES.items():
        lines += [
            "",
            f"### {vocabulary.name}",
            "",
            vocabulary.lost,
            "",
            "| said of this use alone | allow | deny | conditional |",
            "| --- | --- | --- | --- |",
        ]
        lines += [
            f"| `{use}` | " + " | ".join(_table_cell(value, back) for value, back in row.items()) + " |"
            for use, row in lost_values(slug).items()
        ]
    return "\n".join(lines) + "\n"


def _table_cell(value: str, back: str) -> str:
    if back == value:
        return "kept"
    return back or "not said"


if __name__ == "__main__":
    print(vocabulary_tables(), end="")
