"""What a set says of itself: a card for people, and Croissant 1.1 with RAI and an ODRL offer for programs.

Croissant: https://docs.mlcommons.org/croissant/docs/croissant-spec-1.1.html; RAI:
https://docs.mlcommons.org/croissant/docs/croissant-rai-spec.html (looked up 2026-11-26).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import kicau
from kicau.rights.uses import USES
from kicau.training_sets.models import RecordFormat, TrainingSet
from kicau.training_sets.options import SPLIT_NAMES, SetOptions
from kicau.vocabularies import aipref, odrl, tdmrep

JSON_LD_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "prov": "http://www.w3.org/ns/prov#",
    "odrl": "http://www.w3.org/ns/odrl/2/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
    "usageInfo": "cr:usageInfo",
}
BODY_FIELDS = {RecordFormat.TEXT: ("text",), RecordFormat.PROMPT: ("prompt", "completion"), RecordFormat.CHAT: ()}
RECORD_FIELDS = (
    "id",
    "source",
    "url",
    "author_ref",
    "acquired_via",
    "created",
    "language",
    "licence",
    "use",
    "decision",
    "reason",
    "duties",
    "attribution",
    "text_sha256",
)


def croissant_metadata(
    of: TrainingSet, number: int, as_of: datetime, files: Mapping[str, Mapping[str, Any]], counts: Mapping[str, int]
) -> dict[str, Any]:
    """The JSON-LD. Chat messages are read from the JSON lines by their own loaders; here they are named, not typed."""
    tables = [split for split in SPLIT_NAMES if counts.get(split)]
    return {
        "@context": JSON_LD_CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": ["http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0"],
        "name": of.name,
        "description": of.purpose
        or f"A training set of {sum(counts.values()):,} records, each permitted for the use {of.use}.",
        "version": f"{number}.0.0",
        "datePublished": as_of.date().isoformat(),
        "creator": {"@type": "sc:Organization", "name": of.workspace.name},
        "license": "LicenseRef-per-record",
        "url": f"urn:uuid:{of.id}",
        "citeAs": f"{of.workspace.name}: {of.name}, version {number}",
        "isLiveDataset": False,
        "usageInfo": odrl.write_offer(use_policy(of), dict.fromkeys(of.meets, "")),
        "prov:wasGeneratedBy": {
            "@type": "prov:Activity",
            "sc:name": f"kicau {kicau.__version__}",
            "prov:endedAtTime": as_of.isoformat(),
        },
        "rai:dataCollection": "Posts of the workspace's own archive and what it answered; how each was acquired stands in acquired_via.",
        "rai:dataUseCases": of.purpose or f"Use {of.use} only.",
        "rai:personalSensitiveInformation": f"Replaced where found: {', '.join(SetOptions.of(of.options).personal) or 'nothing'}. Names of people are found at most behind a title, so others may be there.",
        "rai:dataReleaseMaintenancePlan": "Records are taken back when their permission ends: a signed delta and a new version, and everybody who was given one is told.",
        "rai:dataBiases": "The voice of one organisation and of those who wrote to it.",
        "distribution": [_file_object(name, told) for name, told in files.items()],
        "recordSet": [_record_set(of, split) for split in tables],
    }


def use_policy(of: TrainingSet) -> dict[str, str]:
    """What whoever is given the set may do with it: the one use that each record is permitted for."""
    others = {use: "deny" for use in USES if use not in (of.use, "archive")}
    return others | {of.use: "conditional" if of.meets else "allow"}


def _file_object(name: str, told: Mapping[str, Any]) -> dict[str, Any]:
    kinds = {
        "jsonl": "application/jsonlines",
        "parquet": "application/x-parquet",
        "csv": "text/csv",
        "md": "text/markdown",
    }
    return {
        "@type": "cr:FileObject",
        "@id": name,
        "name": name,
        "contentUrl": name,
        "contentSize": f"{told['bytes']} B",
        "encodingFormat": kinds[name.rpartition(".")[2]],
        "sha256": told["sha256"],
    }


def _record_set(of: TrainingSet, split: str) -> dict[str, Any]:
    names = [*BODY_FIELDS[RecordFormat(of.format)], *RECORD_FIELDS]
    return {
        "@type": "cr:RecordSet",
        "@id": split,
        "name": split,
        "key": {"@id": f"{split}/id"},
        "field": [_record_field(split, name) for name in names],
    }


def _record_field(split: str, name: str) -> dict[str, Any]:
    told: dict[str, Any] = {
        "@type": "cr:Field",
        "@id": f"{split}/{name}",
        "name": f"{split}/{name}",
        "dataType": "sc:Text",
        "source": {"fileObject": {"@id": f"{split}.parquet"}, "extract": {"column": name}},
    }
    if name == "author_ref":
        told["equivalentProperty"] = "prov:wasAttributedTo"
    return told


def dataset_card(
    of: TrainingSet, number: int, as_of: datetime, counts: Mapping[str, int], reasons: Mapping[str, int]
) -> str:
    """README.md, with the front matter that model hubs read."""
    total, options = sum(counts.values()), SetOptions.of(of.options)
    size = next(
        (
            name
            for most, name in ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
            if total < most
        ),
        "1M<n<10M",
    )
    splits = "\n".join(f"      - split: {s}\n        path: {s}.parquet" for s in SPLIT_NAMES if counts.get(s))
    rows = "\n".join(f"| {n:,} | {why} |" for why, n in sorted(reasons.items(), key=lambda r: (-r[1], r[0])))
    left_out = (
        f"| items | why |\n| --- | --- |\n{rows}\n\nEach of them is in `excluded.csv`."
        if rows
        else "Nothing of what was asked for."
    )
    return f"""---
pretty_name: {of.name}
license: other
license_name: per-record
size_categories: [{size}]
configs:
  - config_name: default
    data_files:
{splits or "      []"}
---

# {of.name}, version {number}

{of.purpose}

{total:,} records, each permitted for **{of.use}** as of {as_of:%Y-%m-%d %H:%M} UTC{f", keeping these conditions: {', '.join(of.meets)}" if of.meets else ""}. Words of {of.workspace.name} are here by its own rule or statements; others' words only where their author, licence, network or site permits it. What nobody has said anything about is not here. Made by {of.workspace.name} with Kicau {kicau.__version__}.

| split | records |
| --- | --- |
{chr(10).join(f"| {s} | {counts[s]:,} |" for s in SPLIT_NAMES if counts.get(s))}

## What was left out

{left_out}

## Each record

`id`, the body, `source` (network), `url`, `author_ref` (the same author has the same one, in this workspace's sets only), `acquired_via`, `created` (UTC), `language`, `licence` (SPDX), `use`, `decision` (SHA-256 of the chain of statements that allowed it), `reason` (in a sentence), `duties` (to be kept by whoever uses it), `attribution` (whom to name, where that is a duty) and `text_sha256`.

## Personal data

Replaced where rules find it: {", ".join(options.personal) or "nothing"}. Each place is in `redactions.csv`. Names of people are found at most behind a title, so others may be there.

## For whoever serves these files

`croissant.json` says it as an ODRL offer. As HTTP headers: {_policy_headers(of)}.

## When something is taken back

A new version comes without it, with a signed delta that names the records. Use the newest, and tell who gave it to you that you did.

`manifest.json` holds the SHA-256 of every file and is signed (Ed25519) in `manifest.json.sig`.
"""


def _policy_headers(of: TrainingSet) -> str:
    told = {"Content-Usage": aipref.write_preference(use_policy(of)), **tdmrep.write_headers(use_policy(of))}
    return ", ".join(f"`{name}: {value}`" for name, value in told.items() if value)
