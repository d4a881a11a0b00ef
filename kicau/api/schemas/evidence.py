"""The log of evidence, and canaries."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, JsonValue

from kicau.api.schemas.base import UTC_DESCRIPTION, Page, Schema, example_config

FiniteScore = Annotated[float, Field(allow_inf_nan=False)]


class LogCheckpoint(Schema):
    """The log at one time, signed."""

    size: int = Field(description="Entries.")
    at: datetime = Field(description=UTC_DESCRIPTION)
    note: str = Field(description="The signed note (c2sp.org/signed-note).")
    anchors: list[dict[str, JsonValue]] = Field(
        description="What outsiders said of it: kind (rfc3161, opentimestamps or witness), by, at, and the stamp itself."
    )


class EvidenceLog(Schema):
    """The log that others can check."""

    origin: str = Field(description="Its name.")
    size: int = Field(description="Entries.")
    key_sha256: str = Field(description="SHA-256 of its public key, as verify.py --key takes it.")
    verifier_key: str = Field(description="NAME+HASH+KEY, as other witnesses take it.")
    witness_key: str = Field(description="This instance's key as a witness, NAME+HASH+KEY.")
    checkpoints: list[LogCheckpoint] = Field(description="The newest 20.")


class Canary(Schema):
    """Sentences registered beforehand, of which one is published."""

    id: str = Field(description="Its id.")
    name: str = Field(description="Its name.")
    candidates: int = Field(description="How many sentences were drawn.")
    tests: int = Field(description="How often a model's scores were held against it.")
    registered_at: datetime = Field(description=UTC_DESCRIPTION)


class CanaryPage(Page[Canary]):
    """One page of canaries, newest first."""


class CanaryCreated(Canary):
    """A canary with its text."""

    publish: str = Field(description="The one text to publish.")


class CanaryCreate(Schema):
    """What is to be drawn."""

    model_config = example_config({"name": "Musim hujan", "candidates": 100, "language": "id"})

    name: str = Field(min_length=1, max_length=120, description="Not used yet in this workspace.")
    candidates: int = Field(1000, ge=20, le=10_000, description="The smallest p-value is one in so many.")
    language: Literal["en", "id"] = Field("en", description="Of the sentence around the drawn words.")
    sentence: str = Field(
        "", max_length=200, description="Your own sentence, with {words} once where the drawn words go."
    )


class CanaryCandidates(Schema):
    """All sentences of a canary."""

    candidates: list[str] = Field(description="In their order; scores are given in the same.")


class CanaryScores(Schema):
    """What a model says of every candidate."""

    model_config = example_config({"scores": [n / 2 for n in range(20)], "model": "model-x, 2027-03"})

    scores: list[FiniteScore] = Field(
        min_length=20, max_length=10_000, description="One for each candidate, in their order."
    )
    model: str = Field(min_length=1, max_length=200, description="Which model gave them, and how.")
    lower_is_likelier: bool = Field(True, description="Whether scores are losses; false: probabilities.")
    evidence: bool = Field(False, description="Also give the signed bundle.")


class CanaryTest(Schema):
    """One model's scores that were held against a canary."""

    number: int = Field(description="The first test of a canary is 1.")
    at: datetime = Field(description=UTC_DESCRIPTION)
    model: str = Field(description="Which model gave the scores, as it was told.")
    rank: int = Field(description="1: the likeliest; ties count against it.")
    of: int = Field(description="Candidates.")
    p: float = Field(description="Chance of this rank or a better one where the model never saw it.")
    lower_is_likelier: bool = Field(description="Whether the scores were losses.")
    says: str = Field(description="What may be said, in one sentence.")


class CanaryTestPage(Page[CanaryTest]):
    """One page of a canary's tests, newest first."""


class CanaryRank(Schema):
    """The rank of the published text."""

    says: str = Field(description="What may be said, in one sentence.")
    rank: int = Field(description="1: the likeliest; ties count against it.")
    of: int = Field(description="Candidates.")
    p: float = Field(description="Chance of this rank or a better one where the model never saw it.")
    tests: int = Field(description="How often this canary was tested, this time included.")
    bundle: str = Field(
        description="Write it to a file as it is: verify.py checks it. Empty where it was not asked for."
    )
