"""Training sets, their previews and versions, who has them, and what was taken back."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, JsonValue

from kicau.api.schemas.archive import KindName, Short, UseName, Way
from kicau.api.schemas.base import A_NETWORK, STAMP, Flag, Page, PageQuery, Shape, Whole, examples

FormatName = Literal["text", "prompt", "chat"]
StateName = Literal["waiting", "making", "ready", "failed", "superseded"]
ConditionName = Literal["attribution", "payment", "non-commercial", "share-alike", "consent", "geography"]
PersonalName = Literal[
    "email", "phone", "nik", "npwp", "card", "account", "address", "bpjs", "passport", "plate", "handle", "name"
]
Slug = Annotated[str, Field(max_length=40)]
Words = Annotated[str, Field(max_length=4000)]
FORMAT = "text: one text a record; prompt: prompt and completion; chat: messages, whole conversations."
STATE = "waiting for its turn, making, ready, failed, or superseded: something in it was taken back and it is handed out no more."


class SetQuery(Shape):
    """Which posts; what is left out does not matter. Of several values of one kind any will do."""

    words: str = Field("", max_length=500, description="As for a search in the archive.")
    networks: list[Slug] = Field(default_factory=list, max_length=50, description="On these networks.")
    authors: list[Short] = Field(default_factory=list, max_length=500, description="By these: keys or handles.")
    kinds: list[KindName] = Field(
        default_factory=list, max_length=10, description="Of these kinds. Reposts and messages never enter a set."
    )
    acquired: list[Way] = Field(
        default_factory=list, max_length=5, description="With a copy that came one of these ways."
    )
    own: Flag | None = Field(None, description="This workspace's own words, or others'.")
    since: AwareDatetime | None = Field(None, description="Posted then or later.")
    until: AwareDatetime | None = Field(None, description="Posted before then.")


class SetOptions(Shape):
    """How a set is made; what is left out is as it is usually."""

    languages: list[Annotated[str, Field(max_length=12)]] | None = Field(
        None, max_length=50, description="Only in these (ISO 639-1); empty: all."
    )
    personal: list[PersonalName] | None = Field(
        None, max_length=20, description="Kinds of personal data that are replaced; usually all but names."
    )
    least_words: Whole | None = Field(None, ge=1, le=1000, description="Shorter texts stay out.")
    without_repeats: Flag | None = Field(
        None, description="Texts that say nearly the same are there once; usually true."
    )
    shares: list[Annotated[float, Field(ge=0, le=1)]] | None = Field(
        None, min_length=3, max_length=3, description="Of conversations, for train, validation and test; together 1."
    )
    prompt: str | None = Field(
        None, max_length=500, description="Before a text that answers nothing; knows {network} and {language}."
    )


class SetChange(Shape):
    """What the next version of a set is made of; everything is replaced."""

    model_config = examples(
        {"purpose": "Balasan pelanggan", "format": "chat", "query": {"own": True}, "options": {"least_words": 3}}
    )

    purpose: Words = Field("", description="What it is for, in its maker's words; stands in its card.")
    format: FormatName = Field("text", description=FORMAT)
    query: SetQuery = Field(default_factory=lambda: SetQuery.model_validate({}), description="Which posts.")
    meets: list[ConditionName] = Field(
        default_factory=list,
        max_length=10,
        description="Conditions that the purpose keeps; what is permitted under others stays out.",
    )
    options: SetOptions = Field(default_factory=lambda: SetOptions.model_validate({}), description="How it is made.")


class SetCreate(SetChange):
    """A set, described; nothing is made of it yet."""

    model_config = examples(
        {
            "name": "Suara kami",
            "purpose": "Balasan pelanggan",
            "use": "train_gen",
            "format": "chat",
            "query": {"networks": [A_NETWORK]},
        }
    )

    name: str = Field(min_length=1, max_length=120, description="Each name is there once in a workspace.")
    use: UseName = Field("train_gen", description="For which each item must be permitted.")


class Reason(Shape):
    """Why so many items stayed out."""

    sentence: str = Field(description="For people.")
    count: int = Field(description="How many items.")


class SetPreview(Shape):
    """What a set would hold if it were made now, found by the code that makes it; nothing is written."""

    state: StateName = Field(description=STATE)
    as_of: AwareDatetime = Field(description=f"Decided as of then. {STAMP}")
    expected: int = Field(description="Items to look at; 0 where that is not known yet.")
    done: int = Field(description="Items looked at.")
    records: int = Field(description="Records that would be in it.")
    items: int = Field(description="Items in these records.")
    splits: dict[str, int] = Field(description="Records by split.")
    excluded: list[Reason] = Field(description="Why the others stay out, the most frequent first.")
    personal: dict[str, int] = Field(description="Pieces of personal data that are replaced, by kind.")
    sample: list[dict[str, JsonValue]] = Field(description="The first records.")
    problem: str = Field(description="Why it failed; may be empty.")
    ready_at: AwareDatetime | None = Field(description=STAMP)


class Question(Shape):
    """A post of this workspace that repeats or quotes in full a text that may not be used. It stays out until somebody
    decides over it, by a statement about it with the layer grant."""

    item: str = Field(description="Id of the post.")
    text: str = Field(description="Its text.")
    original: str = Field(description="Id of the item whose text may not be used.")


class VersionRow(Shape):
    """One making of a set."""

    set_id: str = Field(description="Of its set.")
    number: int = Field(description="From 1.")
    state: StateName = Field(description=STATE)
    as_of: AwareDatetime = Field(
        description=f"Decided as of then; the same moment and statements give the same bytes. {STAMP}"
    )
    expected: int = Field(description="Items to look at; 0 where that is not known yet.")
    done: int = Field(description="Items looked at.")
    records: int = Field(description="Records in it.")
    taken_back: int = Field(description="Records of the version before that it is without.")
    effect_ms: int | None = Field(
        description="Milliseconds from the end of a permission until the version before was handed to nobody any more."
    )
    problem: str = Field(description="Why it failed; may be empty.")
    created_at: AwareDatetime = Field(description=STAMP)
    ready_at: AwareDatetime | None = Field(description=STAMP)


class VersionFile(Shape):
    """A file of a version."""

    name: str = Field(description="Its name.")
    size: int = Field(description="Bytes.")
    sha256: str = Field(description="Of its content.")


class VersionDetail(VersionRow):
    """A version with its files and what stayed out of it."""

    excluded: list[Reason] = Field(description="Why items stayed out, the most frequent first.")
    files: list[VersionFile] = Field(description="Its files; handed out while its state is ready.")


class VersionPage(Page[VersionRow]):
    """One page of versions, newest first."""


class SetRow(Shape):
    """A training set."""

    id: str = Field(description="Its id.")
    name: str = Field(description="Its name.")
    purpose: str = Field(description="What it is for.")
    use: UseName = Field(description="For which each item is permitted.")
    format: FormatName = Field(description=FORMAT)
    query: dict[str, JsonValue] = Field(description="Which posts; see SetQuery.")
    meets: list[str] = Field(description="Conditions that the purpose keeps.")
    options: dict[str, JsonValue] = Field(description="How it is made; see SetOptions.")
    created_at: AwareDatetime = Field(description=STAMP)


class SetPage(Page[SetRow]):
    """One page of sets, newest first."""


class VersionOrder(Shape):
    """A version to be made."""

    model_config = examples({})

    as_of: AwareDatetime | None = Field(None, description="Decide as of this moment; left out: now.")


class RecipientRow(Shape):
    """Somebody who was given a version."""

    id: str = Field(description="Their id.")
    set_id: str = Field(description="Of the set.")
    version: int = Field(description="Which version they were given.")
    name: str = Field(description="Who.")
    contact: str = Field(description="Their address; may be empty.")
    given_at: AwareDatetime = Field(description=STAMP)
    owes: int = Field(description="Newest version that took something back from theirs; 0: nothing was.")
    asked_at: AwareDatetime | None = Field(description=f"When they were asked to confirm. {STAMP}")
    acknowledged_at: AwareDatetime | None = Field(description=f"When they confirmed that they use it no more. {STAMP}")
    acknowledged_by: str = Field(description="Who said so; may be empty.")


class RecipientPage(Page[RecipientRow]):
    """One page of recipients."""


class RecipientQuery(PageQuery):
    """Which recipients."""

    owing: bool | None = Field(None, description="True: only those who have not confirmed a retraction.")


class RecipientCreate(Shape):
    """Somebody who is given a version."""

    model_config = examples({"name": "Lab Bahasa", "contact": "data@lab.example"})

    name: str = Field(min_length=1, max_length=200, description="Who.")
    contact: Short = Field("", description="Their address of e-mail or web.")


class AskedRecipient(RecipientRow):
    """With the link by which they confirm; it is told once."""

    link: str = Field(description="Send it to them. An older one of theirs stops working.")


class Retraction(VersionRow):
    """A version that took something back from the one before."""

    set_name: str = Field(description="Of the set.")


class RetractionPage(Page[Retraction]):
    """One page of retractions, newest first."""


class Piece(Shape):
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


class PiecePage(Page[Piece]):
    """One page of pieces, in the order in which they were found."""


class PieceQuery(PageQuery):
    """Which pieces."""

    kind: PersonalName | None = Field(None, description="Of this kind.")
    verdict: Literal["open", "replace", "keep"] | None = Field(None, description="With this verdict.")


class Verdicts(Shape):
    """What a person says of pieces."""

    model_config = examples({"verdicts": {"1": "keep"}})

    verdicts: Annotated[
        dict[Annotated[str, Field(pattern="^[0-9]{1,18}$")], Literal["replace", "keep"]],
        Field(min_length=1, max_length=1000),
    ] = Field(description="By id of the piece.")


class Judged(Shape):
    """How many verdicts were kept."""

    judged: int = Field(description="The next version goes by them.")
