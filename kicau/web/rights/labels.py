"""The archive's and rights' terms as readers see them."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from kicau.archive.models import ImportState
from kicau.rights.decisions import RightsVerdict
from kicau.rights.models import Layer, Origin, Subject
from kicau.web.core.labels import Badge

USE_LABELS: dict[str, tuple[Any, Any]] = {
    "train_gen": (_("Train a generative model"), _("A model that writes or draws learns from it")),
    "train_other": (_("Train another model"), _("Such as one that sorts or recommends")),
    "ground": (_("Ground answers on it"), _("A model is given it as a source to answer from")),
    "embed": (_("Embed it"), _("Turned into numbers, for search by meaning")),
    "synthesise": (_("Write in its manner"), _("New texts made after its example")),
    "search": (_("Search"), _("Found, and shown in excerpts")),
    "redistribute": (_("Pass it on"), _("Given to others as it is")),
    "archive": (_("Keep it"), _("Kept in an archive")),
}
VERDICT_BADGES: dict[str, Badge] = {
    RightsVerdict.YES: Badge(pgettext_lazy("rights", "Yes"), "check", "leaf"),
    RightsVerdict.NO: Badge(pgettext_lazy("rights", "No"), "cross", "ember"),
    RightsVerdict.UNKNOWN: Badge(pgettext_lazy("rights", "Not known"), "question", "sun"),
}
VALUE_LABELS: dict[str, Any] = {
    "allow": pgettext_lazy("rights", "allowed"),
    "deny": pgettext_lazy("rights", "not allowed"),
    "conditional": pgettext_lazy("rights", "under conditions"),
    "unknown": pgettext_lazy("rights", "left open"),
}
ACQUISITION_LABELS: dict[str, Any] = {
    Origin.COMPOSED: _("Published with Kicau"),
    Origin.IMPORTED: _("From our own archive"),
    Origin.FETCHED: _("Fetched from the network"),
    Origin.RECEIVED: _("Received from others"),
    Origin.GENERATED: _("Made by a model"),
}
OWNERSHIP_QUESTIONS: dict[str, Any] = {
    "": _("The file says it, as a network's download does; else ask me"),
    Origin.IMPORTED: _("Our own"),
    Origin.RECEIVED: _("Somebody else's, who gave them to us"),
}
LAYER_LABELS: dict[str, Any] = {
    Layer.WITHDRAWAL: _("Taken back"),
    Layer.GRANT: _("Grant or refusal"),
    Layer.CONTRACT: _("Terms it was acquired under"),
    Layer.AUTHOR: _("Author's wish"),
    Layer.LICENCE: _("Licence"),
    Layer.SITE: _("Site's wish"),
    Layer.DEFAULT: _("Rule of this workspace"),
}
SUBJECT_LABELS: dict[str, Any] = {
    Subject.EVERYTHING: _("everything here"),
    Subject.NETWORK: _("all of a network"),
    Subject.SITE: _("all under an address"),
    Subject.LICENCE: _("all under a licence"),
    Subject.AUTHOR: _("all of an author"),
    Subject.FILE: _("one picture or file"),
    Subject.ITEM: _("this item"),
}
KIND_LABELS: dict[str, Any] = {
    "post": pgettext_lazy("kind", "Post"),
    "reply": pgettext_lazy("kind", "Reply"),
    "repost": pgettext_lazy("kind", "Repost"),
    "quote": pgettext_lazy("kind", "Quote"),
    "comment": pgettext_lazy("kind", "Comment"),
    "article": pgettext_lazy("kind", "Article"),
    "message": pgettext_lazy("kind", "Message"),
}
COLUMN_LABELS: dict[str, Any] = {
    "kind": pgettext_lazy("column", "kind"),
    "visibility": pgettext_lazy("column", "visibility"),
}
MEANING_LABELS: dict[str, dict[str, Any]] = {
    "kind": {
        "post": _("Our own post"),
        "repost": _("Somebody else's post, passed on"),
        "message": _("A private message: leave it out"),
    },
    "visibility": {"public": _("For everybody"), "private": _("For some people only: leave it out")},
}
HAS_QUESTION_BADGE = Badge(pgettext_lazy("import", "Has a question"), "hand", "sun")
IMPORT_STATE_BADGES: dict[str, Badge] = {
    ImportState.WAITING: Badge(pgettext_lazy("import", "Waits for its turn"), "clock", "sky"),
    ImportState.ASKING: Badge(pgettext_lazy("import", "Whose is it?"), "hand", "sun"),
    ImportState.RUNNING: Badge(pgettext_lazy("import", "Being read"), "send", "sky"),
    ImportState.DONE: Badge(pgettext_lazy("import", "Read"), "check", "leaf"),
    ImportState.FAILED: Badge(pgettext_lazy("import", "Could not be read"), "alert", "ember"),
    ImportState.CANCELED: Badge(pgettext_lazy("import", "Stopped"), "pause", "still"),
}
WAITING_TO_RESUME_BADGE = Badge(
    pgettext_lazy("import", "Waits to go on"), "clock", "sky"
)  # whose worker is gone in the middle of it
NOTHING_IMPORTED_BADGE = Badge(
    pgettext_lazy("import", "Nothing taken"), "alert", "sun"
)  # read to its end, and all of it was left out
VOCABULARY_LABELS: dict[str, Any] = {
    "aipref": "IETF AI Preferences",
    "content-signal": "Content Signals",
    "rsl": "Really Simple Licensing",
    "tdmrep": "TDM Reservation Protocol",
    "cawg": "CAWG / C2PA",
    "iptc": "IPTC Data Mining",
    "lexicon-ai": "AT Protocol",
    "odrl": "ODRL",
    "spdx": "SPDX",
}
DECLARATION_PLACE_LABELS: dict[str, Any] = {
    "HTTP headers": _("the answer's headers"),
    "HTML meta": _("the page's head"),
    "robots.txt": "robots.txt",
    "tdmrep.json": "tdmrep.json",
    "RSL": _("its licence"),
    "RSL in the page": _("a licence in the page"),
    "XMP in the file": _("the picture itself"),
    "C2PA manifest in the file": _("the manifest in the picture"),
    "AT protocol record": _("the account's record"),
    "ODRL policy": _("its policy"),
    "training and data mining assertion": _("its assertion"),
}
RULE_FORM_LABELS: dict[str, tuple[Any, Any]] = {
    "robots": (
        "robots.txt",
        _(
            "Put these lines into the robots.txt at the root of your website: AI Preferences, Content Signals, and where your licence stands."
        ),
    ),
    "headers": (
        _("HTTP headers"),
        _("Whoever runs your web server adds them to every answer; they count for pictures and files, too."),
    ),
    "html": ("HTML", _("Into the head of your pages, where you cannot change the server.")),
    "tdmrep": (
        _("TDM reservation file"),
        _("As /.well-known/tdmrep.json on your website: the reservation of text and data mining under European law."),
    ),
    "rsl": (
        _("Licence (RSL)"),
        _("A licence that crawlers read; Kicau serves yours already, and robots.txt names it."),
    ),
    "lexicon-ai": (
        _("Account record (AT Protocol)"),
        _("What an account says for all of its posts; on a channel of such a network Kicau writes it for you."),
    ),
    "iptc": (
        _("In pictures (IPTC)"),
        _("The value of “Data Mining” for your picture editor; kicau rights write iptc puts it into a file."),
    ),
    "cawg": (_("Content credentials (CAWG)"), _("The assertion for whoever signs your pictures with C2PA.")),
    "odrl": (_("Policy (ODRL)"), _("For catalogues of data and contracts that programs read.")),
}
