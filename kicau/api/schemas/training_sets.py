"""Training sets, their previews and versions, who has them, and what was taken back."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, JsonValue

from kicau.api.schemas.archive import AcquisitionWay, KindName, ShortText, UseName
from kicau.api.schemas.base import (
    EXAMPLE_NETWORK,
    UTC_DESCRIPTION,
    Page,
    PageQuery,
    Schema,
    StrictBool,
    StrictInt,
    example_config,
)

FormatName = Literal["text", "prompt", "chat"]
StateName = Literal["waiting", "making", "ready", "failed", "superseded"]
ConditionName = Literal["attribution", "payment", "non-commercial", "share-alike", "consent", "geography"]
PersonalName = Literal[
    "email", "phone", "nik", "npwp", "card", "account", "address", "bpjs", "passport", "plate", "handle", "name"
]
NetworkSlug = Annotated[str, Field(max_length=40)]
LongText = Annotated[str, Field(max_length=4000)]
FORMAT_DESCRIPTION = "text: one text a record; prompt: prompt and completion; chat: messages, whole conversations."
STATE_DESCRIPTION = "waiting, making, ready, failed, or superseded: a record was removed, so this version cannot be downloaded any more."


class TrainingSetQuery(Schema):
    """Filters for posts. All are optional. If a filter has several values, any of them matches."""

    words: str = Field("", max_length=500, description="The same syntax as in an archive search.")
    networks: list[NetworkSlug] = Field(
        default_factory=list, max_length=50, description="Only posts on these networks."
    )
    authors: list[ShortText] = Field(
        default_factory=list, max_length=500, description="Only posts by these authors (keys or handles)."
    )
    kinds: list[KindName] = Field(
        default_factory=list,
        max_length=10,
        description="Only posts of these kinds. Reposts and messages are never included.",
    )
    acquired: list[AcquisitionWay] = Field(
        default_factory=list, max_length=5, description="Only posts with a copy that was acquired in one of these ways."
    )
    own: StrictBool | None = Field(
        None, description="true: only this workspace's own items. false: only items by others."
    )
    since: AwareDatetime | None = Field(None, description="Only posts from this time.")
    until: AwareDatetime | None = Field(None, description="Only posts before this time.")


class TrainingSetOptions(Schema):
    """How to build a training set. Fields that you omit have default values."""

    languages: list[Annotated[str, Field(max_length=12)]] | None = Field(
        None, max_length=50, description="Only these languages (ISO 639-1). Empty: all."
    )
    personal: list[PersonalName] | None = Field(
        None, max_length=20, description="Kinds of personal data to replace. Default: all but names."
    )
    least_words: StrictInt | None = Field(
        None, ge=1, le=1000, description="Minimum number of words. Shorter texts are excluded."
    )
    without_repeats: StrictBool | None = Field(
        None, description="Whether to include similar texts only once. Default: true."
    )
    shares: list[Annotated[float, Field(ge=0, le=1)]] | None = Field(
        None,
        min_length=3,
        max_length=3,
        description="Shares of conversations for train, validation and test. Their sum is 1.",
    )
    prompt: str | None = Field(
        None, max_length=500, description="Prompt for texts that are not replies. Can contain {network} and {language}."
    )


class TrainingSetChange(Schema):
    """Definition of the next version. Replaces the whole definition."""

    model_config = example_config(
        {"purpose": "Balasan pelanggan", "format": "chat", "query": {"own": True}, "options": {"least_words": 3}}
    )

    purpose: LongText = Field("", description="Purpose of the training set. Appears in its data card.")
    format: FormatName = Field("text", description=FORMAT_DESCRIPTION)
    query: TrainingSetQuery = Field(
        default_factory=lambda: TrainingSetQuery.model_validate({}), description="Which posts to include."
    )
    meets: list[ConditionName] = Field(
        default_factory=list,
        max_length=10,
        description="Conditions that you fulfil. Content permitted under other conditions is excluded.",
    )
    options: TrainingSetOptions = Field(
        default_factory=lambda: TrainingSetOptions.model_validate({}), description="Build options."
    )


class TrainingSetCreate(TrainingSetChange):
    """A new training set. Nothing is built yet."""

    model_config = example_config(
        {
            "name": "Suara kami",
            "purpose": "Balasan pelanggan",
            "use": "train_gen",
            "format": "chat",
            "query": {"networks": [EXAMPLE_NETWORK]},
        }
    )

    name: str = Field(min_length=1, max_length=120, description="Unique name in the workspace.")
    use: UseName = Field("train_gen", description="The use that every item must be permitted for.")


class ExclusionCount(Schema):
    """Number of items excluded for one reason."""

    sentence: str = Field(description="Reason in words.")
    count: int = Field(description="Number of items.")


class TrainingSetPreview(Schema):
    """Preview of a training set: what it would contain if you built it now. Nothing is written."""

    state: StateName = Field(description=STATE_DESCRIPTION)
    as_of: AwareDatetime = Field(description=f"Time of the permissions. {UTC_DESCRIPTION}")
    expected: int = Field(description="Number of items to check. 0 while unknown.")
    done: int = Field(description="Number of checked items.")
    records: int = Field(description="Number of records that would be included.")
    items: int = Field(description="Number of items in these records.")
    splits: dict[str, int] = Field(description="Number of records by split.")
    excluded: list[ExclusionCount] = Field(description="Why other items are excluded, most frequent reason first.")
    personal: dict[str, int] = Field(description="Number of replaced pieces of personal data, by kind.")
    sample: list[dict[str, JsonValue]] = Field(description="The first records.")
    problem: str = Field(description="Why it failed. Can be empty.")
    ready_at: AwareDatetime | None = Field(description=UTC_DESCRIPTION)


class SetQuestion(Schema):
    """A post of this workspace that repeats or fully quotes a text that may not be used. It is excluded until someone
    records a statement about it with the layer grant."""

    item: str = Field(description="ID of the post.")
    text: str = Field(description="Text of the item.")
    original: str = Field(description="ID of the item whose text may not be used.")


class TrainingSetVersion(Schema):
    """A version of a training set."""

    set_id: str = Field(description="ID of the training set.")
    number: int = Field(description="Number, starting at 1.")
    state: StateName = Field(description=STATE_DESCRIPTION)
    as_of: AwareDatetime = Field(
        description=f"Time of the permissions. The same time and statements always give identical files. {UTC_DESCRIPTION}"
    )
    expected: int = Field(description="Number of items to check. 0 while unknown.")
    done: int = Field(description="Number of checked items.")
    records: int = Field(description="Number of records.")
    retracted: int = Field(description="Number of records of the previous version that were removed.")
    effect_ms: int | None = Field(
        description="Milliseconds from the end of a permission until the previous version could no longer be downloaded."
    )
    problem: str = Field(description="Why it failed. Can be empty.")
    created_at: AwareDatetime = Field(description=UTC_DESCRIPTION)
    ready_at: AwareDatetime | None = Field(description=UTC_DESCRIPTION)


class SetVersionFile(Schema):
    """A file of a version."""

    name: str = Field(description="Name.")
    size: int = Field(description="Size in bytes.")
    sha256: str = Field(description="SHA-256 of the content.")


class SetVersionDetail(TrainingSetVersion):
    """A version with its files and the reasons for exclusions."""

    excluded: list[ExclusionCount] = Field(description="Why items were excluded, most frequent reason first.")
    files: list[SetVersionFile] = Field(description="Files. You can download them while the state is ready.")


class SetVersionPage(Page[TrainingSetVersion]):
    """A page of versions, newest first."""


class TrainingSetRow(Schema):
    """A training set."""

    id: str = Field(description="Unique ID.")
    name: str = Field(description="Name.")
    purpose: str = Field(description="Purpose of the training set.")
    use: UseName = Field(description="The use that every item is permitted for.")
    format: FormatName = Field(description=FORMAT_DESCRIPTION)
    query: dict[str, JsonValue] = Field(description="Which posts are included. See TrainingSetQuery.")
    meets: list[str] = Field(description="Conditions that you fulfil.")
    options: dict[str, JsonValue] = Field(description="Build options. See SetOptions.")
    created_at: AwareDatetime = Field(description=UTC_DESCRIPTION)


class TrainingSetPage(Page[TrainingSetRow]):
    """A page of training sets, newest first."""


class SetVersionCreate(Schema):
    """A new version."""

    model_config = example_config({})

    as_of: AwareDatetime | None = Field(None, description="Use the permissions of this time. Default: now.")


class SetRecipient(Schema):
    """A recipient of a version."""

    id: str = Field(description="Unique ID.")
    set_id: str = Field(description="ID of the training set.")
    version: int = Field(description="Number of the version that they received.")
    name: str = Field(description="Name of the recipient.")
    contact: str = Field(description="Address. Can be empty.")
    received_at: AwareDatetime = Field(description=UTC_DESCRIPTION)
    unconfirmed_version: int = Field(description="Newest version that removed withdrawn content of theirs. 0: none.")
    requested_at: AwareDatetime | None = Field(description=f"When they were asked to confirm. {UTC_DESCRIPTION}")
    acknowledged_at: AwareDatetime | None = Field(
        description=f"When they confirmed that they no longer use the content. {UTC_DESCRIPTION}"
    )
    acknowledged_by: str = Field(description="Who confirmed. Can be empty.")


class SetRecipientPage(Page[SetRecipient]):
    """A page of recipients."""


class SetRecipientQuery(PageQuery):
    """Filters for recipients."""

    unconfirmed: bool | None = Field(None, description="true: only those who have not confirmed a retraction.")


class SetRecipientCreate(Schema):
    """A recipient to record."""

    model_config = example_config({"name": "Lab Bahasa", "contact": "data@lab.example"})

    name: str = Field(min_length=1, max_length=200, description="Name of the recipient.")
    contact: ShortText = Field("", description="E-mail address or URL.")


class SetRecipientWithLink(SetRecipient):
    """A recipient with a confirmation link, which is returned only once."""

    link: str = Field(description="Send this link to the recipient. Earlier links of the recipient stop working.")


class SetRetraction(TrainingSetVersion):
    """A retraction: a version that removed withdrawn records of the previous version."""

    set_name: str = Field(description="Name of the training set.")


class SetRetractionPage(Page[SetRetraction]):
    """A page of retractions, newest first."""


class PersonalDataPiece(Schema):
    """A piece of text that looks like personal data."""

    id: int = Field(description="Unique ID.")
    item: str = Field(description="ID of the item.")
    kind: PersonalName = Field(description="Kind of personal data.")
    start: int = Field(description="First character in the item's text.")
    end: int = Field(description="Character after the last one.")
    before: str = Field(description="Text before it.")
    piece: str = Field(description="The piece. Empty if the text was deleted or changed.")
    after: str = Field(description="Text after it.")
    verdict: Literal["open", "replace", "keep"] = Field(
        description="Decision of a person: replace it, or keep it because it is not personal data. Without a decision it is replaced."
    )


class PersonalDataPage(Page[PersonalDataPiece]):
    """A page of pieces, in the order in which they were found."""


class PersonalDataQuery(PageQuery):
    """Filters for pieces."""

    kind: PersonalName | None = Field(None, description="Only items of this kind.")
    verdict: Literal["open", "replace", "keep"] | None = Field(None, description="Only pieces with this decision.")


class PersonalDataVerdicts(Schema):
    """Decisions about pieces."""

    model_config = example_config({"verdicts": {"1": "keep"}})

    verdicts: Annotated[
        dict[Annotated[str, Field(pattern="^[0-9]{1,18}$")], Literal["replace", "keep"]],
        Field(min_length=1, max_length=1000),
    ] = Field(description="By ID of the piece.")


class PersonalDataVerdictCount(Schema):
    """Number of saved decisions."""

    decided: int = Field(description="Number of decisions. They apply to the next version.")
