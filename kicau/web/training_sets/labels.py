"""Training sets' terms as readers see them, and the way out of each reason for which an item stays out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from django.urls import reverse
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from kicau.connector import registry
from kicau.rights import sentences as s
from kicau.rights.decisions import RightsVerdict
from kicau.rights.models import Layer
from kicau.training_sets import reasons as r
from kicau.training_sets.models import RecordFormat, TrainingSet, VersionState
from kicau.training_sets.options import SetOptions
from kicau.training_sets.recipients import ConfirmationLink
from kicau.web.core.labels import CONDITION_LABELS, Badge, localize_sentence
from kicau.web.rights import labels as a

FORMAT_LABELS: dict[str, tuple[Any, Any]] = {
    RecordFormat.TEXT: (_("Plain text"), _("One text a record")),
    RecordFormat.PROMPT: (
        _("Prompt and completion"),
        _("Your words after what they answer, or after the prompt below"),
    ),
    RecordFormat.CHAT: (_("Chat messages"), _("Whole conversations; you are the assistant")),
}
USES_OF_SETS = ("train_gen", "train_other", "ground", "embed", "synthesise", "redistribute")
SPLIT_LABELS: dict[str, Any] = {
    "train": pgettext_lazy("split", "Training"),
    "validation": pgettext_lazy("split", "Validation"),
    "test": pgettext_lazy("split", "Test"),
}
PERSONAL_DATA_LABELS: dict[str, Any] = {
    "email": _("E-mail addresses"),
    "phone": _("Telephone numbers"),
    "nik": _("NIK"),
    "npwp": _("NPWP"),
    "card": _("Payment cards"),
    "account": _("Bank accounts"),
    "address": _("Street addresses"),
    "bpjs": _("BPJS numbers"),
    "passport": _("Passport numbers"),
    "plate": _("Licence plates"),
    "handle": _("Handles"),
    "name": _("Names behind a title (Bapak, Ibu, Dr., …)"),
}
VERSION_STATE_BADGES: dict[str, Badge] = {
    VersionState.WAITING: Badge(pgettext_lazy("version", "Waits for its turn"), "clock", "sky"),
    VersionState.MAKING: Badge(pgettext_lazy("version", "Being made"), "send", "sky"),
    VersionState.READY: Badge(pgettext_lazy("version", "Ready"), "check", "leaf"),
    VersionState.FAILED: Badge(pgettext_lazy("version", "Could not be made"), "alert", "ember"),
    VersionState.SUPERSEDED: Badge(pgettext_lazy("version", "Something was taken back"), "undo", "sun"),
}
FILE_LABELS: dict[str, Any] = {
    "README.md": _("The card: what it is, for people"),
    "croissant.json": _("Croissant 1.1 with RAI, for programs"),
    "excluded.csv": _("Each item that was left out, and why"),
    "redactions.csv": _("Each place where personal data was replaced"),
    "manifest.json": _("SHA-256 of every file"),
    "manifest.json.sig": _("The signature under it (Ed25519)"),
}
SPLIT_FILE_LABELS: dict[str, Any] = {
    "train": _("Records to train on"),
    "validation": _("Records to tune by"),
    "test": _("Records to test with"),
}
_OWN_RULE_MESSAGES = (
    s.OWN_RULE_REASONS[RightsVerdict.NO].message,
    s.LAYER_REASONS[Layer.DEFAULT, RightsVerdict.NO].message,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExclusionReason:
    """Why so many items stay out, and what can be done about it."""

    count: int
    sentence: str
    way: Any = ""  # what to do, where something can be done
    page: str = ""  # where


def exclusion_reasons(
    excluded: Mapping[str, int], made: Mapping[str, Sequence[Any]], of: TrainingSet
) -> list[ExclusionReason]:
    """The most frequent first, in the reader's language."""
    rows = sorted(excluded.items(), key=lambda row: (-row[1], row[0]))
    return [_exclusion_reason(why, n, made.get(why, ()), of) for why, n in rows]


def _exclusion_reason(why: str, count: int, made: Sequence[Any], of: TrainingSet) -> ExclusionReason:
    message = made[0][0] if made else why
    way, page = _remedy(message, of)
    return ExclusionReason(count=count, sentence=localize_sentence(why, made), way=way, page=page)


def _remedy(message: str, of: TrainingSet) -> tuple[Any, str]:
    if message == s.NOBODY_SPOKE.message:
        return _("Ask who wrote it, and record their answer"), reverse("rights")
    if message == s.UNREVIEWED_TERMS.message:
        return _("Have the operator of this Kicau review these terms"), reverse("rights")
    if message == s.UNMET_CONDITIONS.message:
        return _("If you keep these conditions, say so"), reverse("set-change", args=[of.id])
    if message in _OWN_RULE_MESSAGES:
        return _("The workspace's own rule decides this"), reverse("rights")
    if message in (r.OTHER_LANGUAGE, r.TOO_SHORT):
        return _("Ask for other languages or shorter texts"), reverse("set-change", args=[of.id])
    return "", ""


def file_order(name: str) -> tuple[int, str]:
    """Where a file stands in a list: records first, then the card, then what is for checking."""
    split = name.partition(".")[0]
    known = [*SPLIT_FILE_LABELS, *(file.partition(".")[0] for file in FILE_LABELS)]
    return known.index(split) if split in known else len(known), name


def count_sentences(sentences: Iterable[str], made: Mapping[str, Sequence[Any]]) -> list[tuple[str, int]]:
    """Equal sentences together, the most frequent first, in the reader's language."""
    return [(localize_sentence(text, made.get(text, ())), n) for text, n in Counter(sentences).most_common(20)]


def set_facts(of: TrainingSet) -> list[tuple[Any, Any]]:
    """What it is made of, as pairs of a name and what is chosen."""
    query, options = of.query, SetOptions.of(of.options)
    made = [
        (_("For"), a.USE_LABELS[of.use][0]),
        (_("Form"), FORMAT_LABELS[of.format][0]),
        (_("Words"), query.get("words", "")),
        (
            _("Networks"),
            ", ".join(
                registry.get_connector(slug).label
                for slug in query.get("networks", ())
                if slug in registry.installed_slugs()
            ),
        ),
        (_("Kinds"), ", ".join(str(a.KIND_LABELS[kind]) for kind in query.get("kinds", ()) if kind in a.KIND_LABELS)),
        (_("Whose"), {True: _("Our own"), False: _("Others'")}.get(query.get("own"), "")),
        (_("Author"), ", ".join(query.get("authors", ()))),
        (_("From"), str(query.get("since", ""))[:10]),
        (_("Until before"), str(query.get("until", ""))[:10]),
        (_("Languages"), ", ".join(options.languages)),
        (_("Conditions kept"), ", ".join(str(CONDITION_LABELS[name]) for name in of.meets)),
        (_("Repeated texts"), _("once") if options.without_repeats else _("as often as they are there")),
        (_("Shares"), " / ".join(f"{share:.0%}" for share in options.shares)),
    ]
    return [(name, value) for name, value in made if value]


def mailto_link(asked: ConfirmationLink) -> str:
    """A mailto address with the whole letter in it; empty where the contact is no address of e-mail."""
    who, of = asked.recipient, asked.recipient.version.set
    if "@" not in who.contact or " " in who.contact or who.contact.startswith("http"):
        return ""
    subject = gettext("Taken back from the training set %(name)s") % {"name": of.name}
    body = gettext(
        "Hello %(who)s,\n\nyou were given version %(version)s of our training set “%(name)s”. Some of its records may not be used any more. Which they are, and where to confirm that you use them no more:\n\n%(link)s\n\nThank you."
    ) % {"who": who.name, "version": who.version.number, "name": of.name, "link": asked.link}
    return f"mailto:{quote(who.contact, safe='@')}?subject={quote(subject)}&body={quote(body)}"
