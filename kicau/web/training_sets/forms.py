"""What a training set is made of, as a form asks it and as the acts take it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.http import QueryDict

from kicau.base.errors import DomainError, validation_failed
from kicau.connector import registry
from kicau.training_sets.models import TrainingSet
from kicau.training_sets.options import DEFAULT_KINDS, REPLACEMENT_LABELS, SPLIT_NAMES, SetOptions
from kicau.web.core.labels import CONDITION_LABELS, errors_by_field
from kicau.web.rights import labels as a
from kicau.web.training_sets import labels as w

ITEM_KINDS = ("post", "reply", "quote", "comment", "article")
TEXT_FIELDS = (
    "name",
    "purpose",
    "use",
    "format",
    "words",
    "own",
    "since",
    "until",
    "author",
    "prompt",
    "languages",
    "least_words",
)
FORM_FIELD_NAMES = {
    "query.networks": "networks",
    "query.kinds": "kinds",
    "query.authors": "author",
    "query.since": "since",
    "query.until": "until",
    "options.languages": "languages",
}
LIST_FIELDS = ("networks", "kinds", "personal", "meets")


def initial_form(given: QueryDict) -> dict[str, Any]:
    """An empty form, with what a search in the archive already asks."""
    form: dict[str, Any] = dict.fromkeys(TEXT_FIELDS, "") | {name: [] for name in LIST_FIELDS}
    form |= {
        "use": "train_gen",
        "format": "text",
        "personal": list(DEFAULT_KINDS),
        "repeats": True,
        "least_words": "1",
        "prompt": SetOptions().prompt,
    }
    form |= {split: str(round(share * 100)) for split, share in zip(SPLIT_NAMES, SetOptions().shares, strict=True)}
    form |= {name: given[name] for name in ("words", "own", "since", "until", "author") if given.get(name)}
    form |= {name: [given[one]] for name, one in (("networks", "network"), ("kinds", "kind")) if given.get(one)}
    if given.get("use") in a.USE_LABELS:
        form["use"] = given["use"]
    return form


def read_form(post: QueryDict) -> dict[str, Any]:
    form: dict[str, Any] = {name: post.get(name, "").strip() for name in (*TEXT_FIELDS, *SPLIT_NAMES)}
    return form | {name: post.getlist(name) for name in LIST_FIELDS} | {"repeats": "repeats" in post}


def form_of_set(of: TrainingSet) -> dict[str, Any]:
    options, query = SetOptions.of(of.options), of.query
    form: dict[str, Any] = {
        "name": of.name,
        "purpose": of.purpose,
        "use": of.use,
        "format": of.format,
        "words": query.get("words", ""),
        "own": {True: "yes", False: "no"}.get(query.get("own"), ""),
        "author": next(iter(query.get("authors", ())), ""),
        "since": _iso_to_day(query.get("since")),
        "until": _iso_to_day(query.get("until"), -1),
        "prompt": options.prompt,
        "languages": ", ".join(options.languages),
        "least_words": str(options.least_words),
        "networks": query.get("networks", []),
        "kinds": query.get("kinds", []),
        "personal": list(options.personal),
        "meets": of.meets,
        "repeats": options.without_repeats,
    }
    return form | {split: str(round(share * 100)) for split, share in zip(SPLIT_NAMES, options.shares, strict=True)}


def definition(form: Mapping[str, Any]) -> dict[str, Any]:
    """For `acts.define` and `acts.change`. Raises ValidationFailed."""
    least = form["least_words"] or "1"
    if not least.isdecimal() or not 1 <= int(least) <= 1000:
        raise validation_failed("least_words", "Enter a number of words from 1 to {limit}.", limit=1000)
    options = {
        "languages": [code.strip().lower() for code in form["languages"].replace(";", ",").split(",") if code.strip()],
        "personal": [kind for kind in REPLACEMENT_LABELS if kind in form["personal"]],
        "least_words": int(least),
        "without_repeats": form["repeats"],
        "shares": _parse_shares(form),
        "prompt": form["prompt"] or SetOptions().prompt,
    }
    return {
        "purpose": form["purpose"],
        "format": form["format"],
        "query": query_from_form(form),
        "meets": form["meets"],
        "options": options,
    }


def query_from_form(form: Mapping[str, Any]) -> dict[str, Any]:
    """The posts that a form asks for, as the archive keeps a query. Raises ValidationFailed."""
    asked: dict[str, Any] = {
        "words": form["words"][:500],
        "networks": form["networks"],
        "kinds": form.get("kinds", []),
        "authors": [form["author"]] if form["author"] else [],
        "own": {"yes": True, "no": False}.get(form["own"]),
        "since": _day_to_iso(form, "since"),
        "until": _day_to_iso(form, "until", 1),
    }
    return {k: v for k, v in asked.items() if v not in ("", [], None)}


def form_errors(exc: DomainError) -> dict[str, list[str]]:
    """Sentences by the form's own fields."""
    return {FORM_FIELD_NAMES.get(field, field): sentences for field, sentences in errors_by_field(exc).items()}


def form_context(form: Mapping[str, Any]) -> dict[str, Any]:
    """What the template needs."""
    return {
        "form": form,
        "errors": {},
        "uses": [(use, *a.USE_LABELS[use]) for use in w.USES_OF_SETS],
        "formats": w.FORMAT_LABELS.items(),
        "slugs": registry.installed_slugs(),
        "kinds": [(kind, a.KIND_LABELS[kind]) for kind in ITEM_KINDS],
        "personal": [(kind, w.PERSONAL_DATA_LABELS[kind], label) for kind, label in REPLACEMENT_LABELS.items()],
        "conditions": [*CONDITION_LABELS.items()],
        "splits": [(split, w.SPLIT_LABELS[split], form[split]) for split in SPLIT_NAMES],
        "narrowed": any(form[name] for name in ("words", "own", "since", "until", "author", "networks", "kinds")),
    }


def _parse_shares(form: Mapping[str, Any]) -> list[float]:
    said = [form[split] or "0" for split in SPLIT_NAMES]
    if not all(one.isdecimal() for one in said) or sum(map(int, said)) != 100:
        raise validation_failed(
            "options.shares",
            "Enter what percentage of the records is for training, for validation (checks during training) and for testing. Use whole numbers that add up to 100.",
        )
    return [int(one) / 100 for one in said]


def _day_to_iso(form: Mapping[str, Any], name: str, days: int = 0) -> str | None:
    if not form[name]:
        return None
    try:
        day = date.fromisoformat(form[name])
    except ValueError:
        raise validation_failed(name, "Enter a date as year, month and day, for example 2027-01-31.") from None
    return (datetime.combine(day, time(), UTC) + timedelta(days=days)).isoformat()


def _iso_to_day(said: object, days: int = 0) -> str:
    return (datetime.fromisoformat(str(said)) + timedelta(days=days)).date().isoformat() if said else ""
