"""Items of the archive, imports, statements and decisions."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, JsonValue

from kicau.api.schemas.base import (
    OTHERS_AI_USE_DESCRIPTION,
    UTC_DESCRIPTION,
    Page,
    PageQuery,
    Schema,
    StrictDate,
    example_config,
)

UseName = Literal["train_gen", "train_other", "ground", "embed", "synthesise", "search", "redistribute", "archive"]
StatementValue = Literal["allow", "deny", "conditional", "unknown"]
VerdictName = Literal["yes", "no", "unknown"]
AcquisitionWay = Literal["composed", "imported", "fetched", "received", "generated"]
LayerName = Literal["withdrawal", "grant", "contract", "author", "licence", "site", "default"]
PartyName = Literal["author", "network", "site", "workspace"]
KindName = Literal["post", "reply", "repost", "quote", "comment", "article", "message"]
StatedValues = Annotated[dict[UseName, StatementValue], Field(min_length=1)]
ShortText = Annotated[str, Field(max_length=300)]
SAYS_DESCRIPTION = "Permission for each use: {use: allow, deny, conditional or unknown}."
WAY_DESCRIPTION = "How a copy was acquired. composed: written in Kicau. imported: from its owner's own archive. fetched: from a network. received: from others. generated: by a model."
LAYER_DESCRIPTION = "Authority of the statement, highest first: withdrawal, grant (or refusal), contract, author, licence, site, default."
CONDITIONS_DESCRIPTION = "Conditions of conditional uses, each with a detail: attribution, payment, non-commercial, share-alike, consent or geography."


class ItemAuthor(Schema):
    """The author."""

    key: str = Field(description="network:account ID.")
    handle: str = Field(description="Handle without @. Can be empty.")
    name: str = Field(description="Can be empty.")
    own: bool = Field(description="Whether the author is this workspace.")


class ArchiveItem(Schema):
    """An item of the archive. Each post is one item, even if it was imported several times."""

    id: str = Field(description="Unique ID.")
    network: str = Field(description="Network of the item. Empty if an import did not name it.")
    remote_id: str = Field(description="The network's ID of the item, or a hash if the archive contained none.")
    url: str = Field(description="Public URL. Can be empty.")
    kind: KindName = Field(description="Kind of item.")
    text: str = Field(description="Text of the item.")
    language: str = Field(description="ISO 639-1 language code. Empty if unknown.")
    posted_at: datetime | None = Field(description=f"{UTC_DESCRIPTION} Null if unknown.")
    posted_precision: str = Field(description="Precision of the time: second, day or none.")
    reply_to: str = Field(description="Remote ID of the item that this one replies to. Can be empty.")
    author: ItemAuthor = Field(description="The author.")
    licence: str = Field(description="SPDX expression of the licence. Can be empty.")
    acquired: list[str] = Field(description=WAY_DESCRIPTION)
    campaign: str = Field(description="Name of its campaign. Can be empty.")
    delivery: str | None = Field(description="ID of the delivery, if Kicau published the item.")
    media: list[dict[str, JsonValue]] = Field(
        description="Media files with name, kind, alt text and, if known, URL and SHA-256."
    )
    extra: dict[str, JsonValue] = Field(description="Other data from the network, such as likes, reposts and title.")
    deleted_at: datetime | None = Field(description="When it was found deleted on its network.")
    added_at: datetime = Field(description=f"When it was added. {UTC_DESCRIPTION}")


class ArchiveItemPage(Page[ArchiveItem]):
    """A page of search results."""


class ArchiveItemQuery(PageQuery):
    """Search filters. All are optional."""

    words: str = Field(
        "",
        max_length=500,
        description='All words must occur. "In quotes" is a phrase, -word excludes, OR combines. Finds all forms of Indonesian and English words.',
    )
    network: str = Field("", max_length=40, description="Only items of this network.")
    author: str = Field("", max_length=250, description="Only items by this author (key or handle).")
    kind: KindName | None = Field(None, description="Only items of this kind.")
    acquired: AcquisitionWay | None = Field(None, description="Only items with a copy that was acquired in this way.")
    own: bool | None = Field(None, description="true: only this workspace's own items. false: only items by others.")
    since: StrictDate | None = Field(None, description="Only items posted on this day or later (UTC).")
    until: StrictDate | None = Field(None, description="Only items posted before this day (UTC).")
    campaign: str = Field("", max_length=120, description="Only items of the campaign with this name.")
    use: UseName | None = Field(None, description="Together with `answer`: the use whose permission to filter by.")
    answer: VerdictName = Field("yes", description="The permission for `use` to filter by.")
    oldest_first: bool = Field(False, description="Sort order. Default: newest first.")


class SimilarItem(ArchiveItem):
    """An item with a similar text."""

    similarity: float = Field(description="Cosine similarity of the two texts. 1.0 is identical.")


class SimilarItemQuery(Schema):
    """Filters for a search by meaning."""

    text: str = Field("", max_length=1000, description="A text with the meaning to look for.")
    network: str = Field("", max_length=40, description="Only items of this network.")
    author: str = Field("", max_length=250, description="Only items by this author (key or handle).")
    limit: int = Field(20, ge=1, le=100, description="Maximum number of results.")


class Facets(Schema):
    """Number of results for each filter value."""

    count: int = Field(description="Number of results, at most 5000.")
    more: bool = Field(description="Whether there are more results. The counts then refer to the first 5000.")
    networks: dict[str, int] = Field(description="Results by network.")
    authors: dict[str, int] = Field(description="Results by the author's key, most frequent first.")
    kinds: dict[str, int] = Field(description="Results by kind.")
    acquired: dict[str, int] = Field(description="Results by how they were acquired.")
    years: dict[str, int] = Field(description="Results by year.")
    use: str = Field(description="The use that `answers` refers to: the use of the search, or train_gen.")
    answers: dict[str, int] = Field(description="Results by permission: yes, no or unknown.")


class DecisionChainLink(Schema):
    """A statement that contributed to a decision."""

    statement: str = Field(
        description="ID of the statement. IDs with policy: or terms: stand for the workspace's settings and a network's terms."
    )
    layer: LayerName = Field(description=LAYER_DESCRIPTION)
    party: PartyName = Field(description="Who makes the statement.")
    party_name: str = Field(description="Name of the person or organization. Can be empty.")
    value: StatementValue = Field(description="What the statement says about this use.")
    decided: bool = Field(description="Whether this statement decided the result.")
    source: str = Field(description="URL of the source. Can be empty.")


class RightsDecision(Schema):
    """Whether an item may be used for a purpose, and why."""

    use: UseName = Field(description="The use.")
    answer: VerdictName = Field(description="Items with unknown are never exported.")
    code: str = Field(description="Reason code.")
    sentence: str = Field(description="Reason in words.")
    layer: str = Field(description="Authority of the deciding statement. Empty if there is no statement.")
    acquired: str = Field(description="How the copy was acquired that the decision is about.")
    duties: dict[str, str] = Field(description="Conditions to fulfil.")
    unmet: list[str] = Field(description="Conditions because of which the permission is unknown.")
    chain: list[DecisionChainLink] = Field(description="All statements about this use, highest authority first.")
    digest: str = Field(description="SHA-256 of the decision. Identical decisions have the same value.")


class ItemOrigin(Schema):
    """One origin of an item."""

    acquired: AcquisitionWay = Field(description=WAY_DESCRIPTION)
    name: str = Field(description="Account of the archive. Empty for posts that Kicau published.")
    import_id: str | None = Field(description="ID of the import.")
    since: datetime = Field(description=UTC_DESCRIPTION)


class RightsStatement(Schema):
    """A recorded statement about permitted uses."""

    id: str = Field(description="Unique ID.")
    layer: LayerName = Field(description=LAYER_DESCRIPTION)
    party: PartyName = Field(description="Who makes the statement. A grant permits only what its grantor controls.")
    party_name: str = Field(description="Name of the person or organization. Can be empty.")
    subject: str = Field(description="What the statement is about: everything, network, site, licence, author or item.")
    key: str = Field(description="Which network, site, licence or author.")
    item: str | None = Field(description="ID of the item.")
    network: str = Field(description="Only items of this network. Empty: all networks.")
    acquired: str = Field(description="Only copies that were acquired in this way. Empty: all copies.")
    says: dict[str, str] = Field(description=SAYS_DESCRIPTION)
    conditions: dict[str, str] = Field(description=CONDITIONS_DESCRIPTION)
    source: str = Field(description="URL of the source. Empty if a person recorded the statement in Kicau.")
    raw_sha256: str = Field(description="SHA-256 of the source. Can be empty.")
    parser: str = Field(description="Program that read the source. Can be empty.")
    observed_at: datetime = Field(description=UTC_DESCRIPTION)
    valid_from: datetime = Field(description=UTC_DESCRIPTION)
    valid_until: datetime | None = Field(description="End of the validity.")
    note: str = Field(description="Note by the person who recorded it.")


class ArchiveItemDetail(ArchiveItem):
    """An item with all details."""

    origins: list[ItemOrigin] = Field(description="All origins of the item, in order.")
    decisions: list[RightsDecision] = Field(description="One decision for each use.")
    statements: list[RightsStatement] = Field(description="Statements about this item, newest first.")


class RightsStatementPage(Page[RightsStatement]):
    """A page of statements about more than one item, newest first."""


class ItemStatementInput(Schema):
    """A statement about one item."""

    model_config = example_config(
        {"layer": "author", "party": "author", "says": {"train_gen": "deny"}, "note": "Foto pelanggan"}
    )

    layer: LayerName = Field(description=LAYER_DESCRIPTION)
    party: PartyName = Field(description="Who makes the statement.")
    party_name: ShortText = Field("", description="Name of the person or organization.")
    says: StatedValues = Field(description=SAYS_DESCRIPTION)
    conditions: dict[str, ShortText] = Field(default_factory=dict, max_length=10, description=CONDITIONS_DESCRIPTION)
    source: str = Field("", max_length=2000, description="URL of the source.")
    note: str = Field("", max_length=2000, description="Reason.")
    acquired: AcquisitionWay | None = Field(
        None, description=f"Only for copies that were acquired in this way. {WAY_DESCRIPTION}"
    )
    valid_until: AwareDatetime | None = Field(
        None, description=f"End of the validity, in the future. {UTC_DESCRIPTION}"
    )
    until: StrictDate | None = Field(
        None, description="Alternatively, the last valid day (inclusive), in the workspace's time zone."
    )


class StatementInput(ItemStatementInput):
    """A statement about more than one item."""

    model_config = example_config(
        {"layer": "author", "party": "author", "subject": "author", "key": "own", "says": {"train_gen": "allow"}}
    )

    subject: Literal["everything", "network", "site", "licence", "author"] = Field(
        description="What the statement is about."
    )
    key: str = Field("", max_length=500, description='The network, URL, SPDX expression or author key, or "own".')
    network: str = Field("", max_length=40, description="Only items of this network.")


class ArchiveImport(Schema):
    """An import of an archive."""

    id: str = Field(description="Unique ID.")
    name: str = Field(description="File name.")
    network: str = Field(description="Network of the download. Empty if the file names networks itself.")
    account: str = Field(description="Account that the archive names (handle or ID). Can be empty.")
    acquired: AcquisitionWay = Field(description=WAY_DESCRIPTION)
    state: Literal["waiting", "asking", "running", "done", "failed", "canceled"] = Field(
        description='In the state "asking", someone must say whose archive it is, or answer `questions`. See `sentence`.'
    )
    sentence: str = Field(description="Why the import asks or failed. Can be empty.")
    expected: int = Field(description="Number of posts according to the archive. 0 if it does not say.")
    read: int = Field(description="Number of processed entries.")
    new: int = Field(description="Number of posts that were added.")
    known: int = Field(description="Number of posts that were already in the archive and got another origin.")
    skipped: int = Field(description="Number of skipped entries.")
    skips: list[SkippedEntries] = Field(description="Skipped entries, by reason.")
    questions: list[ArchiveImportQuestion] = Field(
        description="Unknown kinds and visibilities. Their entries are not imported until someone says what they mean."
    )
    created_at: datetime = Field(description=UTC_DESCRIPTION)
    finished_at: datetime | None = Field(description=UTC_DESCRIPTION)


class ArchiveImportQuestion(Schema):
    """An unknown kind or visibility in a table."""

    key: str = Field(description="Key for the answer.")
    column: Literal["kind", "visibility"] = Field(description="Column: kind or visibility.")
    value: str = Field(description="The value in the table.")
    count: int = Field(description="Number of entries that wait for the answer.")
    meanings: list[str] = Field(description="Possible meanings.")


class SkippedEntries(Schema):
    """Entries of an archive that were skipped for the same reason."""

    code: str = Field(description="Reason code.")
    sentence: str = Field(description="Reason in words.")
    count: int = Field(description="Number of entries.")
    examples: list[str] = Field(description="Locations of some of them.")


class ArchiveImportPage(Page[ArchiveImport]):
    """A page of imports, newest first."""


class ArchiveImportInput(Schema):
    """Whose archive it is, or what its unknown kinds and visibilities mean."""

    model_config = example_config({"acquired": "received"})

    acquired: Literal["imported", "received"] | None = Field(
        None,
        description="Whether the archive belongs to this workspace or to someone else, if the import asks for this.",
    )
    values: dict[str, str] | None = Field(
        None, max_length=200, description="The meaning of each of the import's `questions`, by `key`."
    )


class NetworkTerms(Schema):
    """What a network's terms say about copies acquired in one way, from a certain day."""

    id: int = Field(description="Unique ID.")
    network: str = Field(description="Name of the network.")
    acquired: str = Field(description="How the copies were acquired. Empty: in any way.")
    since: date = Field(description="First day of validity.")
    until: date | None = Field(description="Day when the validity ended.")
    says: dict[str, str] = Field(description=SAYS_DESCRIPTION)
    conditions: dict[str, str] = Field(description=CONDITIONS_DESCRIPTION)
    summary: str = Field(description="Summary.")
    source: str = Field(description="URL of the terms.")
    seen_on: date = Field(description="When the terms were read.")
    reviewed: bool = Field(
        description="Whether the operator has reviewed the terms. Until then, permissions that depend on them are unknown."
    )
    reviewed_by: str = Field(description="Who reviewed them. Can be empty.")


class PolicySimulation(Schema):
    """A change to simulate: another rule, reviewed terms, a new statement, or the end of a statement."""

    model_config = example_config({"ai_use": {"train_gen": "deny", "search": "allow"}})

    ai_use: Annotated[dict[UseName, Literal["allow", "deny", "conditional"]], Field(max_length=8)] | None = Field(
        None,
        description="Rule for the workspace's own content. Default: the current rule.",
    )
    others_ai_use: Annotated[dict[UseName, Literal["allow", "deny", "conditional"]], Field(max_length=8)] | None = (
        Field(None, description=f"Rule for content by others. Default: the current rule. {OTHERS_AI_USE_DESCRIPTION}")
    )
    terms: Annotated[
        dict[int, dict[UseName, Literal["allow", "deny", "conditional", "unknown"]]], Field(max_length=100)
    ] = Field(
        {},
        description="Terms to treat as reviewed, by ID, with what they say. Empty: as they are recorded now.",
    )
    added: list[StatementInput] = Field([], max_length=100, description="Statement to add.")
    ended: list[str] = Field([], max_length=100, description="IDs of statements to treat as ended.")


class AffectedRecipient(Schema):
    """A recipient of items that would no longer be permitted."""

    name: str = Field(description="Name of the recipient.")
    of: str = Field(description="Name of the training set that they received.")
    version: int = Field(description="Number of the version.")
    on: date | None = Field(description="When they received it.")
    items: int = Field(description="Number of these items.")


class ItemsByReason(Schema):
    """Items with the same reason."""

    sentence: str = Field(description="Permission after the change, and why.")
    items: int = Field(description="Number of items.")


class UseEffect(Schema):
    """Effect of a change on one use."""

    use: UseName = Field(description="The use.")
    before: int = Field(description="Number of items permitted now.")
    after: int = Field(description="Number of items permitted after the change.")
    entering: int = Field(description="Number of items that become permitted.")
    leaving: int = Field(description="Number of items that are no longer permitted.")
    enter: list[str] = Field(description="IDs of some items that become permitted.")
    leave: list[str] = Field(description="IDs of some items that are no longer permitted.")
    why_enter: list[ItemsByReason] = Field(description="Reasons for items that become permitted, most frequent first.")
    why_leave: list[ItemsByReason] = Field(
        description="Reasons for items that are no longer permitted, most frequent first."
    )
    recipients: list[AffectedRecipient] = Field(description="Recipients of items that are no longer permitted.")


ArchiveImport.model_rebuild()
