"""Audits of others' data sets, what was found, and the log of evidence."""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime, Field, JsonValue

from kicau.api.schemas.base import UTC_DESCRIPTION, Page, PageQuery, Schema

AuditStateName = Literal["waiting", "running", "done", "failed", "canceled"]
CopyKind = Literal["exact", "normalised", "near", "partial"]
COPY_DESCRIPTION = "exact: identical. normalised: all words, with other spelling or punctuation. near: most of the words. partial: a passage."


class DatasetAudit(Schema):
    """An audit: a search of a data set for this workspace's posts."""

    id: str = Field(description="Unique ID.")
    name: str = Field(description="Name of the data set.")
    query: dict[str, JsonValue] = Field(description="Which posts were searched for. See TrainingSetQuery.")
    state: AuditStateName = Field(description="waiting (in the queue), running, done, failed or canceled.")
    problem: str = Field(description="Why it failed. Can be empty.")
    posts: int = Field(description="Number of posts that were searched for.")
    expected: int = Field(description="Size of the data set in bytes, as stored. 0 while unknown.")
    read: int = Field(description="Bytes that were searched.")
    copies: int = Field(description="Number of copies found.")
    found: int = Field(description="Number of posts with a copy.")
    bundle_sha256: str = Field(description="SHA-256 of the evidence bundle. Empty if there is none.")
    created_at: AwareDatetime = Field(description=UTC_DESCRIPTION)
    finished_at: AwareDatetime | None = Field(description=UTC_DESCRIPTION)


class DatasetAuditPage(Page[DatasetAudit]):
    """A page of audits, newest first."""


class DatasetAuditResult(DatasetAudit):
    """An audit with what was read, and how reliable the result is."""

    sentence: str = Field(description="Summary of the result. Empty until the audit is done.")
    summary: dict[str, JsonValue] = Field(
        description="The report without the copies: posts, data (shards, failed, skipped), sensitivity with 95% intervals, chance and kinds. Empty until the audit is done."
    )
    not_stamped: list[str] = Field(description="Why external services did not timestamp the evidence.")


class FoundCopy(Schema):
    """A copy found in the data set."""

    id: int = Field(description="Unique ID.")
    posts: list[str] = Field(description="IDs of the matching items.")
    texts: list[str] = Field(description="Their texts at the time of the search. Empty for posts withdrawn since then.")
    kind: CopyKind = Field(description=COPY_DESCRIPTION)
    shard: str = Field(description="File that contains the copy.")
    first_byte: int = Field(
        description="First byte: of the unpacked file, of the column's rows in Parquet, or of the record in WARC."
    )
    last_byte: int = Field(description="Byte after the last one.")
    place: dict[str, JsonValue] = Field(description="Row group, column or record, to locate the copy.")
    words: int = Field(description="Number of matching words.")
    of_words: int = Field(description="Number of words of the post.")
    longest_run: int = Field(description="Longest sequence of matching words.")
    bits: float = Field(description="Information content of the match, in bits.")
    before: str = Field(description="Text before the copy.")
    match: str = Field(
        description="Text of the copy. This and the surrounding text are empty if all of the posts were withdrawn."
    )
    after: str = Field(description="Text after the copy.")


class FoundCopyPage(Page[FoundCopy]):
    """A page of copies, in the order of the data."""


class FoundCopyQuery(PageQuery):
    """Filters for copies."""

    kind: CopyKind | None = Field(None, description="Only items of this kind.")


class AuditReportQuery(Schema):
    """Format of the report."""

    language: Literal["en", "id"] = Field("en", description="English or Indonesian.")
    form: Literal["html", "pdf"] = Field("html", description="One file without external resources.")


class CurrentCheckpoint(Schema):
    """A signed checkpoint of the evidence log."""

    origin: str = Field(description="Name of the log.")
    size: int = Field(description="Number of entries.")
    root: str = Field(description="Root hash of the tree (RFC 6962), in Base64.")
    note: str = Field(description="The signed note, including signatures of witnesses.")
    key: str = Field(description="The public key in the form name+hash+key.")
    key_sha256: str = Field(description="SHA-256 of the public key's 32 bytes, as verify.py expects it.")
    anchors: list[dict[str, JsonValue]] = Field(description="External timestamps and witnesses.")
    at: AwareDatetime = Field(description=UTC_DESCRIPTION)


class LogEntry(Schema):
    """A log entry of this workspace."""

    index: int = Field(description="Index, starting at 0.")
    kind: str = Field(description="post, report, set, retraction or canary.")
    ref: str = Field(description="ID of the object that the entry is about.")
    at: AwareDatetime = Field(description=UTC_DESCRIPTION)


class LogEntryPage(Page[LogEntry]):
    """A page of entries, newest first."""


class LogEntryQuery(PageQuery):
    """Filters for entries."""

    kind: str = Field("", max_length=20, description="Only items of this kind.")
    ref: str = Field("", max_length=200, description="Only entries about the object with this ID.")


class InclusionProof(LogEntry):
    """An inclusion proof of an entry."""

    salt: str = Field(
        description="Nonce in Base64. The commitment is the HMAC-SHA256 of the content under this nonce. Keep it as secret as the content."
    )
    leaf_hash: str = Field(description="Leaf hash of the commitment (RFC 6962), in Base64.")
    path: list[str] = Field(description="Hashes from the leaf to the root, in Base64.")
    checkpoint: str = Field(description="The signed note that the proof refers to.")


class ConsistencyQuery(Schema):
    """Sizes for a consistency proof."""

    old: int = Field(1, ge=1, le=2**62, description="The smaller size.")
    new: int = Field(
        0, ge=0, le=2**62, description="The larger size, at most the size of the log. 0: the current size."
    )


class ConsistencyProof(Schema):
    """A consistency proof: the larger log begins with the smaller one (RFC 6962, section 2.1.2)."""

    old: int = Field(description="The smaller size.")
    new: int = Field(description="The larger size.")
    proof: list[str] = Field(description="Hashes in Base64.")


class BundleVerdict(Schema):
    """Result of a bundle check."""

    valid: bool = Field(description="Whether the bundle is unchanged since it was signed.")
    signer_checked: bool = Field(description="Whether you sent `key`, so that the signer was checked.")
    passed: list[str] = Field(description="Successful checks.")
    reason: str = Field(description="Failed checks. Empty if the bundle is valid.")
