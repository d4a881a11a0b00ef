"""Audits of others' data sets, what was found, and the log of evidence."""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime, Field, JsonValue

from kicau.api.schemas.base import UTC_DESCRIPTION, Page, PageQuery, Schema

AuditStateName = Literal["waiting", "running", "done", "failed", "canceled"]
CopyKind = Literal["exact", "normalised", "near", "partial"]
COPY_DESCRIPTION = (
    "exact: letter by letter; normalised: every word, written otherwise; near: most of its words; partial: a passage."
)


class DatasetAudit(Schema):
    """One search of a data set for this workspace's posts."""

    id: str = Field(description="Its id.")
    name: str = Field(description="Of the data set, as people know it.")
    query: dict[str, JsonValue] = Field(description="Which posts; see TrainingSetQuery.")
    state: AuditStateName = Field(description="waiting for its turn, running, done, failed, or canceled.")
    problem: str = Field(description="Why it failed; may be empty.")
    posts: int = Field(description="Posts looked for.")
    expected: int = Field(description="Bytes of the data set as it lies there; 0 where that is not known yet.")
    read: int = Field(description="Bytes of it that were searched.")
    copies: int = Field(description="Places in which a copy was found.")
    found: int = Field(description="Posts of which a copy was found.")
    bundle_sha256: str = Field(description="Of the bundle of evidence; empty where there is none.")
    created_at: AwareDatetime = Field(description=UTC_DESCRIPTION)
    finished_at: AwareDatetime | None = Field(description=UTC_DESCRIPTION)


class DatasetAuditPage(Page[DatasetAudit]):
    """One page of audits, newest first."""


class DatasetAuditResult(DatasetAudit):
    """With what was read, and how sure the result is."""

    sentence: str = Field(description="What was found, in a sentence; empty until it is done.")
    summary: dict[str, JsonValue] = Field(
        description="The report without its findings: posts, data (shards, failed, skipped), sensitivity with 95% intervals, chance, kinds; empty until it is done."
    )
    not_stamped: list[str] = Field(description="Why outsiders did not stamp the evidence, a sentence each.")


class FoundCopy(Schema):
    """One place of the data set that holds a copy."""

    id: int = Field(description="Its id.")
    posts: list[str] = Field(description="Ids of the items that say these words.")
    texts: list[str] = Field(
        description="Their texts, as they were looked for; empty for a post that was taken back since."
    )
    kind: CopyKind = Field(description=COPY_DESCRIPTION)
    shard: str = Field(description="The file in which it stands.")
    first_byte: int = Field(description="Of the unpacked file; of the column's rows in Parquet, of the record in WARC.")
    last_byte: int = Field(description="The byte after its last.")
    place: dict[str, JsonValue] = Field(description="Row group, column, record: what leads a reader back.")
    words: int = Field(description="Words that agree.")
    of_words: int = Field(description="Words of the post.")
    longest_run: int = Field(description="Most of them in a row.")
    bits: float = Field(description="How much that says, in bits.")
    before: str = Field(description="What stands before it there.")
    match: str = Field(
        description="What stands there; empty, as what stands around it, once each of the posts was taken back."
    )
    after: str = Field(description="What stands after it there.")


class FoundCopyPage(Page[FoundCopy]):
    """One page of copies, in the order of the data."""


class FoundCopyQuery(PageQuery):
    """Which copies."""

    kind: CopyKind | None = Field(None, description="Of this kind.")


class AuditReportQuery(Schema):
    """In which form the report is wanted."""

    language: Literal["en", "id"] = Field("en", description="English or Indonesian.")
    form: Literal["html", "pdf"] = Field("html", description="One file that needs nothing else.")


class CurrentCheckpoint(Schema):
    """The log of evidence at one time, signed."""

    origin: str = Field(description="The log's name.")
    size: int = Field(description="Entries.")
    root: str = Field(description="Base64 of the root of the tree (RFC 6962).")
    note: str = Field(description="The signed note, with the signatures of witnesses, if any.")
    key: str = Field(description="The public key as others write it down: name+hash+key.")
    key_sha256: str = Field(description="SHA-256 of the public key's 32 bytes, as verify.py takes it.")
    anchors: list[dict[str, JsonValue]] = Field(description="What outsiders said of it: time stamps, witnesses.")
    at: AwareDatetime = Field(description=UTC_DESCRIPTION)


class LogEntry(Schema):
    """An entry of this workspace in the log."""

    index: int = Field(description="Its place, from 0.")
    kind: str = Field(description="post, report, set, retraction or canary.")
    ref: str = Field(description="Of what.")
    at: AwareDatetime = Field(description=UTC_DESCRIPTION)


class LogEntryPage(Page[LogEntry]):
    """One page of entries, newest first."""


class LogEntryQuery(PageQuery):
    """Which entries."""

    kind: str = Field("", max_length=20, description="Of this kind.")
    ref: str = Field("", max_length=200, description="Of this thing.")


class InclusionProof(LogEntry):
    """The proof that an entry is in the log."""

    salt: str = Field(
        description="Base64. With the content it gives the commitment: HMAC-SHA256 of the content under it. Keep it as secret as the content."
    )
    leaf_hash: str = Field(description="Base64 of RFC 6962's hash of the commitment.")
    path: list[str] = Field(description="Base64 of each hash from the leaf to the root.")
    checkpoint: str = Field(description="The signed note under which the proof holds.")


class ConsistencyQuery(Schema):
    """Between which sizes."""

    old: int = Field(1, ge=1, le=2**62, description="The smaller size.")
    new: int = Field(0, ge=0, le=2**62, description="The larger size, at most the log's; 0: the log's as it is now.")


class ConsistencyProof(Schema):
    """The proof that the larger log begins with the smaller (RFC 6962, section 2.1.2)."""

    old: int = Field(description="The smaller size.")
    new: int = Field(description="The larger size.")
    proof: list[str] = Field(description="Base64 of each hash.")


class BundleVerdict(Schema):
    """Whether a bundle holds."""

    holds: bool = Field(description="Whether every byte is as it was signed.")
    signer_checked: bool = Field(
        description="Whether `key` was given, so that the signer is known. Else nobody checked who signed."
    )
    said: list[str] = Field(description="What holds, a sentence each.")
    reason: str = Field(description="Why it does not; empty where it does.")
