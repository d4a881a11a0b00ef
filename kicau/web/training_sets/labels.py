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
    RecordFormat.TEXT: (_("Plain text"), _("Each record in the training set is one text")),
    RecordFormat.PROMPT: (
        _("Instruction to the AI (prompt) and answer (completion)"),
        _(
            "Each record is a question with an answer. The answer is your text. The question is the post that you replied to, or a prompt (instruction to the AI) that you write"
        ),
    ),
    RecordFormat.CHAT: (
        _("Chat messages"),
        _("Each record of the training set is a whole conversation, with your posts as the AI assistant's answers"),
    ),
}
USES_OF_SETS = ("train_gen", "train_other", "ground", "embed", "synthesise", "redistribute")
SPLIT_LABELS: dict[str, Any] = {
    "train": pgettext_lazy("split", "Training"),
    "validation": pgettext_lazy("split", "Validation"),
    "test": pgettext_lazy("split", "Test"),
}
PERSONAL_DATA_LABELS: dict[str, Any] = {
    "email": _("E-mail addresses"),
    "phone": _("Phone numbers"),
    "nik": _("NIK (Indonesian ID numbers)"),
    "npwp": _("NPWP (Indonesian tax numbers)"),
    "card": _("Payment card numbers"),
    "account": _("Bank account numbers"),
    "address": _("Street addresses"),
    "bpjs": _("BPJS numbers (Indonesian social insurance)"),
    "passport": _("Passport numbers"),
    "plate": _("Vehicle licence plates"),
    "handle": _("Account names (@handles)"),
    "name": _("Names of people after a title (Bapak, Ibu, Dr., …)"),
}
VERSION_STATE_BADGES: dict[str, Badge] = {
    VersionState.WAITING: Badge(pgettext_lazy("version", "Version waiting to be created"), "clock", "sky"),
    VersionState.MAKING: Badge(pgettext_lazy("version", "Version being created"), "send", "sky"),
    VersionState.READY: Badge(pgettext_lazy("version", "Version ready"), "check", "leaf"),
    VersionState.FAILED: Badge(pgettext_lazy("version", "Version could not be created"), "alert", "ember"),
    VersionState.SUPERSEDED: Badge(
        pgettext_lazy("version", "Version with records that may no longer be used"), "undo", "sun"
    ),
}
FILE_LABELS: dict[str, Any] = {
    "README.md": _("Data card: a description of this training set in plain language"),
    "croissant.json": _("Description of the training set for other programs (file format Croissant 1.1)"),
    "excluded.csv": _("All posts and files left out of the training set, with the reason for each"),
    "redactions.csv": _("All text passages in which Kicau replaced personal data"),
    "manifest.json": _("List of all files with their checksums (SHA-256)"),
    "manifest.json.sig": _("Digital signature (Ed25519) that shows whether someone changed the list of files"),
}
SPLIT_FILE_LABELS: dict[str, Any] = {
    "train": _("Records for training the AI model"),
    "validation": _("Records for checking the AI model during training (validation)"),
    "test": _("Records for testing the AI model"),
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
        return _("Ask the author for permission, and record the author's answer"), reverse("rights")
    if message == s.UNREVIEWED_TERMS.message:
        return _("Ask the server administrator to review the network's terms of use"), reverse("rights")
    if message == s.UNMET_CONDITIONS.message:
        return _(
            "If you meet the conditions for using this content, select these conditions in the settings of the training set"
        ), reverse("training-set-change", args=[of.id])
    if message in _OWN_RULE_MESSAGES:
        return _(
            "To include this content in the training set, change the content rights rules of this workspace"
        ), reverse("rights")
    if message in (r.OTHER_LANGUAGE, r.TOO_SHORT):
        return _("Choose more languages or allow shorter texts in the settings of the training set"), reverse(
            "training-set-change", args=[of.id]
        )
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
        (_("Intended use of the content"), a.USE_LABELS[of.use][0]),
        (_("File format"), FORMAT_LABELS[of.format][0]),
        (_("Only content that contains these words"), query.get("words", "")),
        (
            _("Networks"),
            ", ".join(
                registry.get_connector(slug).label
                for slug in query.get("networks", ())
                if slug in registry.installed_slugs()
            ),
        ),
        (
            _("Content types"),
            ", ".join(str(a.KIND_LABELS[kind]) for kind in query.get("kinds", ()) if kind in a.KIND_LABELS),
        ),
        (
            _("Owner of the content"),
            {True: _("Our own content"), False: _("Other people's content")}.get(query.get("own"), ""),
        ),
        (_("Author"), ", ".join(query.get("authors", ()))),
        (_("Content dated from"), str(query.get("since", ""))[:10]),
        (_("Content dated before"), str(query.get("until", ""))[:10]),
        (_("Languages"), ", ".join(options.languages)),
        (
            _("Conditions of use that we meet"),
            ", ".join(str(CONDITION_LABELS[name]) for name in of.meets),
        ),
        (
            _("Repeated texts"),
            _("texts that appear several times: include only one copy")
            if options.without_repeats
            else _("texts that appear several times: include every copy"),
        ),
        (
            _("Percentage of records for training / validation / test"),
            " / ".join(f"{share:.0%}" for share in options.shares),
        ),
    ]
    return [(name, value) for name, value in made if value]


def mailto_link(asked: ConfirmationLink) -> str:
    """A mailto address with the whole letter in it; empty where the contact is no address of e-mail."""
    who, of = asked.recipient, asked.recipient.version.set
    if "@" not in who.contact or " " in who.contact or who.contact.startswith("http"):
        return ""
    subject = gettext("Records in the training set “%(name)s” that you may no longer use") % {"name": of.name}
    body = gettext(
        "Hello %(who)s,\n\nYou received version %(version)s of our training set “%(name)s”. You may no longer use some of the records in it. To see these records and confirm that you no longer use them, open this link:\n\n%(link)s\n\nThank you."
    ) % {"who": who.name, "version": who.version.number, "name": of.name, "link": asked.link}
    return f"mailto:{quote(who.contact, safe='@')}?subject={quote(subject)}&body={quote(body)}"
