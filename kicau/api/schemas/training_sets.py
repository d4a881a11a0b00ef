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
    """Which posts; what is left out does not matter. Of several values of one kind any will do."""

    words: str = Field("", max_length=500, description="As for a search in the archive.")
    networks: list[NetworkSlug] = Field(default_factory=list, max_length=50, description="On these networks.")
    authors: list[ShortText] = Field(default_factory=list, max_length=500, description="By these: keys or handles.")
    kinds: list[KindName] = Field(
        default_factory=list, max_length=10, description="Of these kinds. Reposts and messages never enter a set."
    )
    acquired: list[AcquisitionWay] = Field(
        default_factory=list, max_length=5, description="With a copy that came one of these ways."
    )
    own: StrictBool | None = Field(None, description="This workspace's own words, or others'.")
    since: AwareDatetime | None = Field(None, description="Posted then or later.")
    until: AwareDatetime | None = Field(None, description="Posted before then.")


class TrainingSetOptions(Schema):
    """How a set is made; what is left out is as it is usually."""

    languages: list[Annotated[str, Field(max_length=12)]] | None = Field(
        None, max_length=50, description="Only in these (ISO 639-1); empty: all."
    )
    personal: list[PersonalName] | None = Field(
        None, max_length=20, description="Kinds of personal data that are replaced; usually all but names."
    )
    least_words: StrictInt | None = Field(None, ge=1, le=1000, description="Shorter texts stay out.")
    without_repeats: StrictBool | None = Field(
        None, description="Texts that say nearly the same are there once; usually true."
    )
    shares: list[Annotated[float, Field(ge=0, le=1)]] | None = Field(
        None, min_length=3, max_length=3, description="Of conversations, for train, validation and test; together 1."
    )
    prompt: str | None = Field(
        None, max_length=500, description="Before a text that answers nothing; knows {network} and {language}."
    )


class TrainingSetChange(Schema):
    """What the next version of a set is made of; everything is replaced."""

    model_config = example_config(
        {"purpose": "Balasan pelanggan", "format": "chat", "query": {"own": True}, "options": {"least_words": 3}}
    )

    purpose: LongText = Field("", description="What it is for, in its maker's words; stands in its card.")
    format: FormatName = Field("text", description=FORMAT_DESCRIPTION)
    query: TrainingSetQuery = Field(
        default_factory=lambda: TrainingSetQuery.model_validate({}), description="Which posts."
    )
    meets: list[ConditionName] = Field(
        default_factory=list,
        max_length=10,
        description="Conditions that the purpose keeps; what is permitted under others stays out.",
    )
    options: TrainingSetOptions = Field(
        default_factory=lambda: TrainingSetOptions.model_validate({}), description="How it is made."
    )


class TrainingSetCreate(TrainingSetChange):
    """A set, described; nothing is made of it yet."""

    model_config = example_config(
        {
            "name": "Suara kami",
            "purpose": "Balasan pelanggan",
            "use": "train_gen",
            "format": "chat",
            "query": {"networks": [EXAMPLE_NETWORK]},
        }
    )

    name: str = Field(min_length=1, max_length=120, description="Each name is there once in a workspace.")
    use: UseName = Field("train_gen", description="For which each item must be permitted.")


class ExclusionCount(Schema):
    """Why so many items stayed out."""

    sentence: str = Field(description="For people.")
    count: int = Field(description="How many items.")


class TrainingSetPreview(Schema):
    """What a set would hold if it were made now, found by the code that makes it; nothing is written."""

    state: StateName = Field(description=STATE_DESCRIPTION)
    as_of: AwareDatetime = Field(description=f"Decided as of then. {UTC_DESCRIPTION}")
    expected: int = Field(description="Items to look at; 0 where that is not known yet.")
    done: int = Field(description="Items looked at.")
    records: int = Field(description="Records that would be in it.")
    items: int = Field(description="Items in these records.")
    splits: dict[str, int] = Field(description="Records by split.")
    excluded: list[ExclusionCount] = Field(description="Why the others stay out, the most frequent first.")
    personal: dict[str, int] = Field(description="Pieces of personal data that are replaced, by kind.")
    sample: list[dict[str, JsonValue]] = Field(description="The first records.")
    problem: str = Field(description="Why it failed; may be empty.")
    ready_at: AwareDatetime | None = Field(description=UTC_DESCRIPTION)


class SetQuestion(Schema):
    """A post of this workspace that repeats or quotes in full a text that may not be used. It stays out until somebody
    decides over it, by a statement about it with the layer grant."""

    item: str = Field(description="Id of the post.")
    text: str = Field(description="Its text.")
    original: str = Field(description="Id of the item whose text may not be used.")


class TrainingSetVersion(Schema):
    """One making of a set."""

    set_id: str = Field(description="Of its set.")
    number: int = Field(description="From 1.")
    state: StateName = Field(description=STATE_DESCRIPTION)
    as_of: AwareDatetime = Field(
        description=f"Decided as of then; the same moment and statements give the same bytes. {UTC_DESCRIPTION}"
    )
    expected: int = Field(description="Items to look at; 0 where that is not known yet.")
    done: int = Field(description="Items looked at.")
    records: int = Field(description="Records in it.")
    taken_back: int = Field(description="Records of the version before that it is without.")
    effect_ms: int | None = Field(
        description="Milliseconds from the end of a permission until the version before was handed to nobody any more."
    )
    problem: str = Field(description="Why it failed; may be empty.")
    created_at: AwareDatetime = Field(description=UTC_DESCRIPTION)
    ready_at: AwareDatetime | None = Field(description=UTC_DESCRIPTION)


class SetVersionFile(Schema):
    """A file of a version."""

    name: str = Field(description="Its name.")
    size: int = Field(description="Bytes.")
    sha256: str = Field(description="Of its content.")


class SetVersionDetail(TrainingSetVersion):
    """A version with its files and what stayed out of it."""

    excluded: list[ExclusionCount] = Field(description="Why items stayed out, the most frequent first.")
    files: list[SetVersionFile] = Field(description="Its files; handed out while its state is ready.")


class SetVersionPage(Page[TrainingSetVersion]):
    """One page of versions, newest first."""


class TrainingSetRow(Schema):
    """A training set."""

    id: str = Field(description="Its id.")
    name: str = Field(description="Its name.")
    purpose: str = Field(description="What it is for.")
    use: UseName = Field(description="For which each item is permitted.")
    format: FormatName = Field(description=FORMAT_DESCRIPTION)
    query: dict[str, JsonValue] = Field(description="Which posts; see TrainingSetQuery.")
    meets: list[str] = Field(description="Conditions that the purpose keeps.")
    options: dict[str, JsonValue] = Field(description="How it is made; see SetOptions.")
    created_at: AwareDatetime = Field(description=UTC_DESCRIPTION)


class TrainingSetPage(Page[TrainingSetRow]):
    """One page of sets, newest first."""


class SetVersionCreate(Schema):
    """A version to be made."""

    model_config = example_config({})

    as_of: AwareDatetime | None = Field(None, description="Decide as of this moment; left out: now.")


class SetRecipient(Schema):
    """Somebody who was given a version."""

    id: str = Field(description="Their id.")
    set_id: str = Field(description="Of the set.")
    version: int = Field(description="Which version they were given.")
    name: str = Field(description="Who.")
    contact: str = Field(description="Their address; may be empty.")
    given_at: AwareDatetime = Field(description=UTC_DESCRIPTION)
    owes: int = Field(description="Newest version that took something back from theirs; 0: nothing was.")
    asked_at: AwareDatetime | None = Field(description=f"When they were asked to confirm. {UTC_DESCRIPTION}")
    acknowledged_at: AwareDatetime | None = Field(
        description=f"When they confirmed that they use it no more. {UTC_DESCRIPTION}"
    )
    acknowledged_by: str = Field(description="Who said so; may be empty.")


class SetRecipientPage(Page[SetRecipient]):
    """One page of recipients."""


class SetRecipientQuery(PageQuery):
    """Which recipients."""

    owing: bool | None = Field(None, description="True: only those who have not confirmed a retraction.")


class SetRecipientCreate(Schema):
    """Somebody who is given a version."""

    model_config = example_config({"name": "Lab Bahasa", "contact": "data@lab.example"})

    name: str = Field(min_length=1, max_length=200, description="Who.")
    contact: ShortText = Field("", description="Their address of e-mail or web.")


class SetRecipientWithLink(SetRecipient):
    """With the link by which they confirm; it is told once."""

    link: str = Field(description="Send it to them. An older one of theirs stops working.")


class SetRetraction(TrainingSetVersion):
    """A version that took something back from the one before."""

    set_name: str = Field(description="Of the set.")


class SetRetractionPage(Page[SetRetraction]):
    """One page of retractions, newest first."""


class PersonalDataPiece(Schema):
    """A piece of a text that rules take for personal data."""

    id: int = Field(description="Its id.")
    item: str = Field(description="Id of the item in which it stands.")
    kind: PersonalName = Field(description="What it seems to be.")
    start: int = Field(description="First character in the item's text.")
    end: int = Field(description="The character after its last.")
    before: str = Field(description="What stands before it.")
    piece: str = Field(description="The piece; empty where the text is gone or has changed.")
    after: str = Field(description="What stands after it.")
    verdict: Literal["open", "replace", "keep"] = Field(
        description="What a person said: replace it, keep it (it is none), or nothing yet: then it is replaced."
    )


class PersonalDataPage(Page[PersonalDataPiece]):
    """One page of pieces, in the order in which they were found."""


class PersonalDataQuery(PageQuery):
    """Which pieces."""

    kind: PersonalName | None = Field(None, description="Of this kind.")
    verdict: Literal["open", "replace", "keep"] | None = Field(None, description="With this verdict.")


class PersonalDataVerdicts(Schema):
    """What a person says of pieces."""

    model_config = example_config({"verdicts": {"1": "keep"}})

    verdicts: Annotated[
        dict[Annotated[str, Field(pattern="^[0-9]{1,18}$")], Literal["replace", "keep"]],
        Field(min_length=1, max_length=1000),
    ] = Field(description="By id of the piece.")


class PersonalDataVerdictCount(Schema):
    """How many verdicts were kept."""

    judged: int = Field(description="The next version goes by them.")
