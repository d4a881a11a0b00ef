"""Canaries that were registered beforehand: of many random sentences that are committed to in the log one, chosen by lot,
is published. Whoever can score texts with a model later scores all of them; where the published one ranks says how
likely that is by chance alone.

This is a test of one model and one canary. That a model was trained on anything else it does not say, nor that it was
not where the rank is a common one.
"""

from __future__ import annotations

import csv
import io
import json
import math
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import formats, translation
from django.utils.translation import gettext as _

from kicau.base import clock
from kicau.base.errors import Conflict, NotFound, validation_failed
from kicau.base.ids import as_uuid
from kicau.base.sentences import Sentence
from kicau.dataset_audit.report_documents import format_count
from kicau.evidence import anchors, bundle, log
from kicau.evidence.models import Canary, CanaryTest, SignedCheckpoint
from kicau.evidence.verify import canonical
from kicau.workspaces.actors import Actor, Permission

MIN_CANDIDATES, MAX_CANDIDATES = 20, 10_000  # candidates; the smallest p-value that a canary can give is one in so many
WORDS_PER_CANARY = 6  # of a candidate that are drawn: there may be 262,144 to the sixth sentences
SENTENCE_TEMPLATES = {"en": "Note to self, {words}.", "id": "Catatan kecil, {words}."}
#: Syllables of which words are drawn that no text holds, and every tokenizer can read.
SYLLABLE_ONSETS, SYLLABLE_VOWELS, SYLLABLE_CODAS = (
    ["b", "d", "f", "g", "h", "j", "k", "l", "m", "n", "p", "r", "s", "t", "w", "z"],
    ["a", "e", "i", "o"],
    ["", "n", "r", "s", "l", "m", "k", "t"],
)


def register_canary(
    actor: Actor, name: str, *, candidates: int = 1000, language: str = "en", sentence: str = ""
) -> Canary:
    """Draws the candidates, commits to all of them and to the one that is to be published, signs the log, and has it
    stamped where the operator allows it. `ranking_sentence` holds {words} once. Raises ValidationFailed, Conflict."""
    actor.require(Permission.SETTINGS)
    form = sentence or SENTENCE_TEMPLATES.get(language, SENTENCE_TEMPLATES["en"])
    if not name.strip():
        raise validation_failed("name", "Enter a name for the canary text (a marker text that reveals copying).")
    if not MIN_CANDIDATES <= candidates <= MAX_CANDIDATES:
        raise validation_failed(
            "candidates",
            "Choose how many sentences Kicau creates for the canary text (a marker text that reveals copying): {least} to {most}. You publish one. The others are for comparison.",
            least=MIN_CANDIDATES,
            most=MAX_CANDIDATES,
        )
    if form.count("{words}") != 1 or len(form) > 200:
        raise validation_failed(
            "sentence",
            "The sentence that you write must contain the placeholder {{words}} exactly once and have at most 200 characters. Kicau replaces the placeholder with random words.",
        )
    if Canary.objects.filter(workspace_id=actor.workspace.id, name=name.strip()).exists():
        raise Conflict(
            Sentence(
                "A canary text (a marker text that reveals copying) named {name!r} already exists. Choose another name.",
                name=name.strip(),
            )
        )
    drawn: dict[str, None] = {}
    while len(drawn) < candidates:
        drawn[form.replace("{words}", " ".join(_random_word() for _ in range(WORDS_PER_CANARY)))] = None
    texts = list(drawn)
    made = Canary(
        workspace_id=actor.workspace.id, name=name.strip()[:120], candidates=texts, chosen=secrets.randbelow(candidates)
    )
    with transaction.atomic():
        entries = [(str(made.id), canonical(part)) for part in committed_parts(made)]
        made.first_leaf = log.append_entries("canary", entries, actor.workspace.id).start
        made.save()
        signed = log.current_checkpoint()
        actor.record("canary.registered", made.id, name=made.name, candidates=candidates)
    anchors.anchor_async(signed)
    return made


def _random_word() -> str:
    return "".join(
        secrets.choice(SYLLABLE_ONSETS) + secrets.choice(SYLLABLE_VOWELS) + secrets.choice(SYLLABLE_CODAS)
        for _ in range(2)
    )


def committed_parts(canary: Canary) -> list[dict[str, Any]]:
    """What is committed to, in two leaves: the candidates, and which of them is published."""
    return [
        {"id": f"{canary.id}:candidates", "text": json.dumps(canary.candidates, ensure_ascii=False)},
        {"id": f"{canary.id}:published", "text": canary.candidates[canary.chosen]},
    ]


def published_text(actor: Actor, canary: Canary) -> str:
    """The one text to publish. The others stay secret until the test, else they could be learnt as well."""
    actor.require(Permission.WRITE)
    return str(canary.candidates[canary.chosen])


def list_canaries(actor: Actor, permission: Permission = Permission.READ) -> QuerySet[Canary]:
    """Newest first, for whoever has the permission."""
    actor.require(permission)
    return Canary.objects.filter(workspace_id=actor.workspace.id)


def get_canary(actor: Actor, canary_id: UUID | str, permission: Permission = Permission.READ) -> Canary:
    """By id or name. Raises NotFound."""
    mine = list_canaries(actor, permission)
    found = mine.filter(id=as_uuid(canary_id)).first() or mine.filter(name=str(canary_id)).first()
    if found is None:
        raise NotFound("canary", canary_id)
    return found


def list_candidates(actor: Actor, canary: Canary) -> list[str]:
    """All texts, for whoever scores them."""
    actor.require(Permission.SETTINGS)
    return list(canary.candidates)


def candidates_csv(actor: Actor, canary: Canary) -> str:
    """A table for whoever scores: number, text, and an empty score. Which one was published it does not say."""
    told = io.StringIO()
    rows = csv.writer(told)
    rows.writerow(("number", "text", "score"))
    rows.writerows((number, text, "") for number, text in enumerate(list_candidates(actor, canary), 1))
    return told.getvalue()


@dataclass(frozen=True, slots=True)
class CanaryRanking:
    """`rank` among `of` (1: the model finds it the likeliest; ties count against it); `p` is exact: rank / of, the chance
    of this rank or a better one where the model never saw the canary."""

    rank: int
    of: int

    @property
    def p(self) -> float:
        return self.rank / self.of


def rank_published(scores: Sequence[float], chosen: int, *, lower_is_likelier: bool = True) -> CanaryRanking:
    """The rank of the published one. Every candidate has a score, or there is no test."""
    mine = scores[chosen]
    better = sum((s <= mine) if lower_is_likelier else (s >= mine) for s in scores)
    return CanaryRanking(better, len(scores))


def parse_scores(table: str, count: int) -> list[float]:
    """Scores by candidate, from CSV with the columns number and score. Raises ValidationFailed for the first that is
    missing, double or no number: a test with gaps would be none."""
    found: dict[int, float] = {}
    for row in csv.DictReader(io.StringIO(table.removeprefix("\ufeff"))):
        try:
            number, score = int(str(row.get("number"))), float(str(row.get("score")))
        except ValueError:
            raise validation_failed(
                "scores",
                "This row in the list of the AI model's scores has no valid sentence number or no valid score: {row}. Correct the row.",
                row=str(dict(row))[:120],
            ) from None
        if not 1 <= number <= count or number in found or not math.isfinite(score):
            raise validation_failed(
                "scores",
                "In the list of the AI model's scores, sentence {number} is unknown, appears twice, or has a score that is not a number. Correct the list.",
                number=number,
            )
        found[number] = score
    if missing := [number for number in range(1, count + 1) if number not in found]:
        raise validation_failed(
            "scores",
            "Enter the score that the AI model gave to each sentence that Kicau created. {count} sentences have no score, beginning with sentence number {number}.",
            count=len(missing),
            number=missing[0],
        )
    return [found[number] for number in range(1, count + 1)]


def score_canary(
    actor: Actor, canary: Canary, scores: Sequence[float], *, model: str, lower_is_likelier: bool = True
) -> dict[str, Any]:
    """What the scores say, as a report (see `canary_test_evidence`), which is kept, sealed. How often a canary was tried is part of
    what it says, so each report tells it. Raises ValidationFailed."""
    actor.require(Permission.SETTINGS)
    if len(scores) != len(canary.candidates):
        raise validation_failed(
            "scores",
            "Enter the score that the AI model gave to each sentence that Kicau created (how likely the model finds the sentence).",
        )
    if not model.strip():
        raise validation_failed("model", "Enter the name of the AI model that gave the scores to the sentences.")
    found = rank_published(scores, canary.chosen, lower_is_likelier=lower_is_likelier)
    with transaction.atomic():
        row = Canary.objects.select_for_update().get(id=canary.id)
        row.tests += 1
        row.save(update_fields=["tests"])
        now = clock.now()
        with translation.override("en"):
            said = ranking_sentence(found, model, row.tests)
        report = {
            "form": 1,
            "made_at": now.isoformat(timespec="seconds"),
            "says": said,
            "canary": {
                "id": str(canary.id),
                "registered_at": canary.registered_at.isoformat(timespec="seconds"),
                "model": model[:200],
                "rank": found.rank,
                "of": found.of,
                "p": found.p,
                "tests": row.tests,
                "lower_is_likelier": lower_is_likelier,
                "scores": list(scores),
            },
            "findings": [],
        }
        CanaryTest.objects.create(canary=row, number=row.tests, report=report, made_at=now)
        actor.record("canary.tested", canary.id, name=canary.name, model=model[:200], rank=found.rank, of=found.of)
    return report


def ranking_sentence(found: CanaryRanking, model: str, tests: int) -> str:
    """What may be said, and no more; in the reader's language (in a report it is English)."""
    said = [
        _(
            "Of {of} candidates registered beforehand, the published one ranks {rank} in the scores given for {model}. A model that never saw it ranks it so or better with a chance of {chance}."
        ).format(
            of=format_count(found.of), rank=format_count(found.rank), model=model[:200], chance=_chance_text(found.p)
        )
    ]
    if tests > 1:
        said.append(
            _(
                "This is test {tests} of this canary: with {tests} tests one of them falls so with a chance of up to {chance}."
            ).format(tests=format_count(tests), chance=_chance_text(min(1.0, tests * found.p)))
        )
    return " ".join([*said, _("It says nothing of any other text.")])


def _chance_text(share: float) -> str:
    """Two digits that count, written as the reader's language does."""
    return str(formats.number_format(Decimal(f"{share:.2g}")))


def list_tests(actor: Actor, canary: Canary) -> QuerySet[CanaryTest]:
    """Each test that was made, newest first."""
    actor.require(Permission.READ)
    return CanaryTest.objects.filter(canary=canary, canary__workspace_id=actor.workspace.id).order_by("-number")


def describe_canary_test(test: CanaryTest) -> str:
    """What a test says, in the reader's language."""
    told = test.report["canary"]
    return ranking_sentence(CanaryRanking(told["rank"], told["of"]), told["model"], told["tests"])


def tests_with_sentences(actor: Actor, canary: Canary) -> list[tuple[CanaryTest, str]]:
    """All tests with what each says."""
    return [(row, describe_canary_test(row)) for row in list_tests(actor, canary)]


def get_test(actor: Actor, canary: Canary, which: int) -> CanaryTest:
    """Raises NotFound."""
    actor.require(Permission.SETTINGS)
    found = CanaryTest.objects.filter(canary=canary, canary__workspace_id=actor.workspace.id, number=which).first()
    if found is None:
        raise NotFound("test", which)
    return found


def canary_test_evidence(actor: Actor, canary: Canary, report: Mapping[str, Any]) -> bytes:
    """The report as a signed bundle: candidates and choice with their proofs in the earliest checkpoint that holds them,
    and what outsiders said of that. `verify.py` checks it and counts the rank again. Raises log.NotLogged, log.Forgotten."""
    actor.require(Permission.SETTINGS)
    signed = SignedCheckpoint.objects.filter(size__gt=canary.first_leaf + 1).order_by("size", "id").first()
    said = committed_parts(canary)
    proofs = {part["id"]: log.prove_inclusion(canary.first_leaf + at, signed) for at, part in enumerate(said)}
    _, key = log.signing_key()
    note, told = (signed.note, signed.anchors) if signed else ("", [])
    made = bundle.make_bundle(report, said, {}, proofs, note, key, told)
    log.append_entries("report", [(str(canary.id), made)], actor.workspace.id)
    actor.record("canary.evidence", canary.id, rank=report["canary"]["rank"])
    return made
