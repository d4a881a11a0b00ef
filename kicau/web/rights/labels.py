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
    "train_gen": (
        _("Train a generative AI model"),
        _("An AI model that creates text or images learns from the content"),
    ),
    "train_other": (
        _("Train an AI model that is not generative"),
        _("Another kind of AI model learns from the content, for example one that sorts or recommends posts"),
    ),
    "ground": (
        _("Use the content as a source for AI answers"),
        _("An AI model uses the content as a source for its answers"),
    ),
    "embed": (
        _("Make the content searchable by meaning (embeddings)"),
        _("An AI model converts the text to numbers (embeddings) that describe its meaning"),
    ),
    "synthesise": (
        _("Imitate the writing style of the content"),
        _("An AI model writes new texts in the style of this content"),
    ),
    "search": (_("Show the content in search"), _("People find the content in search and see excerpts")),
    "redistribute": (_("Share the content with others"), _("The content is given to others unchanged")),
    "archive": (_("Store the content in an archive"), _("The content is stored in an archive")),
}
VERDICT_BADGES: dict[str, Badge] = {
    RightsVerdict.YES: Badge(pgettext_lazy("rights", "Yes"), "check", "leaf"),
    RightsVerdict.NO: Badge(pgettext_lazy("rights", "No"), "cross", "ember"),
    RightsVerdict.UNKNOWN: Badge(pgettext_lazy("rights", "Unknown"), "question", "sun"),
}
VALUE_LABELS: dict[str, Any] = {
    "allow": pgettext_lazy("rights", "allowed"),
    "deny": pgettext_lazy("rights", "not allowed"),
    "conditional": pgettext_lazy("rights", "allowed under conditions"),
    "unknown": pgettext_lazy("rights", "not specified"),
}
ACQUISITION_LABELS: dict[str, Any] = {
    Origin.COMPOSED: _("Content published with Kicau"),
    Origin.IMPORTED: _("Content from our own archive"),
    Origin.FETCHED: _("Content fetched from the network"),
    Origin.RECEIVED: _("Content received from others"),
    Origin.GENERATED: _("Content created by an AI model"),
}
OWNERSHIP_QUESTIONS: dict[str, Any] = {
    "": _("Use the owner named in the file, or ask me if the file names none"),
    Origin.IMPORTED: _("Our own content"),
    Origin.RECEIVED: _("Another person's content, which they gave to us"),
}
LAYER_LABELS: dict[str, Any] = {
    Layer.WITHDRAWAL: _("Withdrawn consent to use the content"),
    Layer.GRANT: _("Permission or refusal that someone gave explicitly"),
    Layer.CONTRACT: _("Terms under which the content was obtained"),
    Layer.AUTHOR: _("What the author allows or denies"),
    Layer.LICENCE: _("Licence"),
    Layer.SITE: _("What the website allows or denies"),
    Layer.DEFAULT: _("Content rights rule of this workspace"),
}
SUBJECT_LABELS: dict[str, Any] = {
    Subject.EVERYTHING: _("all content in this workspace"),
    Subject.NETWORK: _("all content from one social network"),
    Subject.SITE: _("all content of a website or of one of its folders"),
    Subject.LICENCE: _("all content under one licence"),
    Subject.AUTHOR: _("all content by one author"),
    Subject.FILE: _("one image or file"),
    Subject.ITEM: _("only this post or file"),
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
    "kind": pgettext_lazy("column", "content type"),
    "visibility": pgettext_lazy("column", "who can see the content"),
}
MEANING_LABELS: dict[str, dict[str, Any]] = {
    "kind": {
        "post": _("Our own post"),
        "repost": _("Another person's post, reposted"),
        "message": _("A private message (Kicau does not import it)"),
    },
    "visibility": {
        "public": _("Visible to everybody"),
        "private": _("Visible to some people only (Kicau does not import it)"),
    },
}
HAS_QUESTION_BADGE = Badge(pgettext_lazy("import", "Import needs your answer"), "hand", "sun")
IMPORT_STATE_BADGES: dict[str, Badge] = {
    ImportState.WAITING: Badge(pgettext_lazy("import", "Import waiting to start"), "clock", "sky"),
    ImportState.ASKING: Badge(pgettext_lazy("import", "Who owns the content that you import?"), "hand", "sun"),
    ImportState.RUNNING: Badge(pgettext_lazy("import", "Import running"), "send", "sky"),
    ImportState.DONE: Badge(pgettext_lazy("import", "Import finished"), "check", "leaf"),
    ImportState.FAILED: Badge(pgettext_lazy("import", "Import failed"), "alert", "ember"),
    ImportState.CANCELED: Badge(pgettext_lazy("import", "Import stopped"), "pause", "still"),
}
WAITING_TO_RESUME_BADGE = Badge(
    pgettext_lazy("import", "Import waiting to resume"), "clock", "sky"
)  # whose worker is gone in the middle of it
NOTHING_IMPORTED_BADGE = Badge(
    pgettext_lazy("import", "Nothing was imported"), "alert", "sun"
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
    "HTTP headers": _("the HTTP headers that the web server sends"),
    "HTML meta": _("the head section of the web page (HTML)"),
    "robots.txt": "robots.txt",
    "tdmrep.json": "tdmrep.json",
    "RSL": _("the licence file"),
    "RSL in the page": _("a licence for web crawlers (RSL) inside the web page"),
    "XMP in the file": _("the information inside the image file (XMP metadata)"),
    "C2PA manifest in the file": _("the Content Credentials (C2PA) inside the image file"),
    "AT protocol record": _("the AI settings in the account itself (on networks that use the AT Protocol)"),
    "ODRL policy": _("the usage policy"),
    "training and data mining assertion": _(
        "the statement about AI training and data mining (CAWG) in the file that Kicau read"
    ),
}
RULE_FORM_LABELS: dict[str, tuple[Any, Any]] = {
    "robots": (
        "robots.txt",
        _(
            "Put these lines into the robots.txt file of your website. They tell crawlers which AI uses you allow or deny and where to find your licence."
        ),
    ),
    "headers": (
        _("HTTP headers (sent by your web server with each page)"),
        _(
            "Ask the person who runs your web server to send these headers with every page, image and file of your website."
        ),
    ),
    "html": (
        "HTML",
        _(
            "If you cannot change the settings of the web server, put these HTML tags into the head section of your web pages."
        ),
    ),
    "tdmrep": (
        _("Text and data mining notice (TDMRep file)"),
        _(
            "Save this file as /.well-known/tdmrep.json on your website. It says that, under European law, others need your permission for text and data mining (automated analysis) of your content."
        ),
    ),
    "rsl": (
        _("Licence for web crawlers (RSL)"),
        _(
            "A licence that web crawlers (programs that read websites) understand. Kicau already publishes this licence for you. The lines for your robots.txt file contain its address."
        ),
    ),
    "lexicon-ai": (
        _("AI settings in the account itself (on networks that use the AT Protocol)"),
        _(
            "With this setting, an account tells AI companies whether they may use its posts. Kicau saves the setting on the network for you if the account is connected as a channel."
        ),
    ),
    "iptc": (
        _("Rights information inside image files (IPTC)"),
        _(
            "Enter this value in the field “Data Mining” of your image editor. You can also use the command kicau rights write iptc to write it into an image file."
        ),
    ),
    "cawg": (
        _("What an image's proof of origin says about AI use (Content Credentials, CAWG)"),
        _(
            "Give this statement about AI use to the person who adds the proof of origin (C2PA) to your images. Or enter it in the tool for this."
        ),
    ),
    "odrl": (
        _("Usage policy (ODRL)"),
        _(
            "Your rules for the use of your content (ODRL policy), in a form that data catalogs and contract software can read."
        ),
    ),
}
