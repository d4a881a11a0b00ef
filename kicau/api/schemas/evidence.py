"""The log of evidence, and canaries."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, JsonValue

from kicau.api.schemas.base import UTC_DESCRIPTION, Page, Schema, example_config

FiniteScore = Annotated[float, Field(allow_inf_nan=False)]


class LogCheckpoint(Schema):
    """A signed checkpoint."""

    size: int = Field(description="Number of entries.")
    at: datetime = Field(description=UTC_DESCRIPTION)
    note: str = Field(description="The signed note (c2sp.org/signed-note).")
    anchors: list[dict[str, JsonValue]] = Field(
        description="External timestamps: kind (rfc3161, opentimestamps or witness), by, at, and the timestamp itself."
    )


class EvidenceLog(Schema):
    """The evidence log."""

    origin: str = Field(description="Name.")
    size: int = Field(description="Number of entries.")
    key_sha256: str = Field(description="SHA-256 of its public key, for verify.py --key.")
    verifier_key: str = Field(description="NAME+HASH+KEY, for other witnesses.")
    witness_key: str = Field(description="Key of this server as a witness, NAME+HASH+KEY.")
    checkpoints: list[LogCheckpoint] = Field(description="The newest 20 checkpoints.")


class Canary(Schema):
    """A canary: candidate sentences, of which one is published."""

    id: str = Field(description="Unique ID.")
    name: str = Field(description="Name.")
    candidates: int = Field(description="Number of candidates.")
    tests: int = Field(description="Number of tests.")
    registered_at: datetime = Field(description=UTC_DESCRIPTION)


class CanaryPage(Page[Canary]):
    """A page of canaries, newest first."""


class CanaryCreated(Canary):
    """A canary with its sentence."""

    publish: str = Field(description="The sentence to publish.")


class CanaryCreate(Schema):
    """Parameters of a new canary."""

    model_config = example_config({"name": "Musim hujan", "candidates": 100, "language": "id"})

    name: str = Field(min_length=1, max_length=120, description="Unique name in this workspace.")
    candidates: int = Field(
        1000,
        ge=20,
        le=10_000,
        description="Number of candidates. The smallest possible p-value is 1 divided by this number.",
    )
    language: Literal["en", "id"] = Field("en", description="Language of the sentence around the random words.")
    sentence: str = Field(
        "", max_length=200, description="Your own sentence, with {words} once in place of the random words."
    )


class CanaryCandidates(Schema):
    """All candidates of a canary."""

    candidates: list[str] = Field(description="In their order, which is also the order of the scores.")


class CanaryScores(Schema):
    """A model's scores for all candidates."""

    model_config = example_config({"scores": [n / 2 for n in range(20)], "model": "model-x, 2027-03"})

    scores: list[FiniteScore] = Field(
        min_length=20, max_length=10_000, description="One score for each candidate, in order."
    )
    model: str = Field(min_length=1, max_length=200, description="The model, and how it was scored.")
    lower_is_likelier: bool = Field(True, description="true: scores are losses. false: scores are probabilities.")
    evidence: bool = Field(False, description="Also return the signed bundle.")


class CanaryTest(Schema):
    """A test of a canary."""

    number: int = Field(description="Number of the test, starting at 1.")
    at: datetime = Field(description=UTC_DESCRIPTION)
    model: str = Field(description="The model, as submitted.")
    rank: int = Field(description="1 is the most likely candidate. Ties count against the published sentence.")
    of: int = Field(description="Number of candidates.")
    p: float = Field(description="Probability of this rank or a better one, if the model never saw the sentence.")
    lower_is_likelier: bool = Field(description="Whether the scores were losses.")
    conclusion: str = Field(description="Conclusion in words.")


class CanaryTestPage(Page[CanaryTest]):
    """A page of a canary's tests, newest first."""


class CanaryRank(Schema):
    """Rank of the published sentence."""

    conclusion: str = Field(description="Conclusion in words.")
    rank: int = Field(description="1 is the most likely candidate. Ties count against the published sentence.")
    of: int = Field(description="Number of candidates.")
    p: float = Field(description="Probability of this rank or a better one, if the model never saw the sentence.")
    tests: int = Field(description="Number of tests of this canary, including this one.")
    bundle: str = Field(
        description="Save it to a file unchanged, then check it with verify.py. Empty if it was not requested."
    )
