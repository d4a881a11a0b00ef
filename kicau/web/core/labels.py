"""The domain's states, roles and sentences as readers see them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any

from django.utils import formats, timezone
from django.utils.translation import get_language, gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from kicau.base import sentences
from kicau.base.errors import DomainError, NotFound, ServerBusy, ValidationFailed
from kicau.channels.models import Channel, ChannelState
from kicau.connector.content import Problem
from kicau.events.catalogue import PUBLIC_EVENTS
from kicau.offboarding import announcements as offboardings
from kicau.offboarding.models import OffboardingState
from kicau.publishing.calendar.calendar_queries import DeliverySummary
from kicau.publishing.models import (
    Delivery,
    DeliveryState,
    Draft,
    DraftState,
    HoldReason,
    Review,
    ReviewLink,
)
from kicau.rights.models import Party
from kicau.web.core.network_logos import network_label
from kicau.workspaces.actors import Permission
from kicau.workspaces.models import Role


@dataclass(frozen=True, slots=True)
class Badge:
    """A state in three ways, so that nobody depends on its colour: word, icon, tone."""

    word: Any  # a lazy translation
    icon: str
    tone: str  # a colour of the design language


DELIVERY_BADGES: dict[str, Badge] = {
    DeliveryState.SCHEDULED: Badge(pgettext_lazy("delivery", "Scheduled"), "clock", "sky"),
    DeliveryState.PUBLISHING: Badge(pgettext_lazy("delivery", "Being published"), "send", "sky"),
    DeliveryState.PUBLISHED: Badge(pgettext_lazy("delivery", "Published"), "check", "leaf"),
    DeliveryState.HELD: Badge(pgettext_lazy("delivery", "On hold"), "pause", "sun"),
    DeliveryState.FAILED: Badge(pgettext_lazy("delivery", "Failed"), "alert", "ember"),
    DeliveryState.UNKNOWN: Badge(pgettext_lazy("delivery", "Unknown if published"), "question", "plum"),
    DeliveryState.PARKED: Badge(pgettext_lazy("delivery", "Post stopped by an internal error"), "alert", "ember"),
    DeliveryState.CANCELED: Badge(pgettext_lazy("delivery", "Canceled"), "cross", "still"),
    DeliveryState.DELETED: Badge(pgettext_lazy("delivery", "Deleted from the network"), "bin", "still"),
}
CONFIRMATION_BADGE = Badge(_("Post waiting for confirmation"), "hand", "sun")
DRAFT_BADGES: dict[str, Badge] = {
    DraftState.DRAFT: Badge(pgettext_lazy("draft", "Draft"), "pen", "still"),
    DraftState.SUBMITTED: Badge(pgettext_lazy("draft", "Waiting for approval"), "hand", "sun"),
    DraftState.APPROVED: Badge(pgettext_lazy("draft", "Approved"), "check", "leaf"),
    DraftState.SCHEDULED: Badge(pgettext_lazy("draft", "Scheduled"), "clock", "sky"),
    DraftState.ARCHIVED: Badge(pgettext_lazy("draft", "Archived"), "box", "still"),
}
CHANNEL_BADGES: dict[str, Badge] = {
    ChannelState.ACTIVE: Badge(pgettext_lazy("channel", "Connected"), "check", "leaf"),
    ChannelState.EXPIRED: Badge(pgettext_lazy("channel", "Reconnect needed"), "alert", "ember"),
    ChannelState.HELD: Badge(pgettext_lazy("channel", "Publishing on hold because of a budget limit"), "coin", "sun"),
    ChannelState.REMOVED: Badge(pgettext_lazy("channel", "Disconnected"), "cross", "still"),
    ChannelState.OFFBOARDED: Badge(pgettext_lazy("channel", "You stopped using this network"), "cross", "still"),
}
OFFBOARDING_BADGES: dict[str, Badge] = {
    OffboardingState.PROPOSED: Badge(
        pgettext_lazy("offboarding", "Decision needed: stop or continue"), "hand", "ember"
    ),
    OffboardingState.ANNOUNCED: Badge(
        pgettext_lazy("offboarding", "Publishing will stop on a set date"), "clock", "sun"
    ),
    OffboardingState.OFFBOARDED: Badge(pgettext_lazy("offboarding", "Publishing stopped"), "pause", "sun"),
    OffboardingState.RESUMED: Badge(pgettext_lazy("offboarding", "Publishing resumed"), "check", "leaf"),
    OffboardingState.CANCELED: Badge(pgettext_lazy("offboarding", "Plan canceled"), "cross", "still"),
}
NETWORK_LEFT_BADGE = Badge(pgettext_lazy("delivery", "You stopped using this network"), "pause", "sun")
PAUSED_BADGE = Badge(pgettext_lazy("channel", "Publishing paused"), "pause", "sun")
HOLD_BADGES: dict[str, Badge] = {HoldReason.CONFIRMATION: CONFIRMATION_BADGE, HoldReason.OFFBOARDED: NETWORK_LEFT_BADGE}
ROLE_LABELS: dict[str, tuple[Any, Any]] = {
    Role.OWNER: (_("Owner"), _("Can do everything, including adding other owners")),
    Role.ADMIN: (_("Admin"), _("Can manage channels, members and settings")),
    Role.EDITOR: (_("Editor"), _("Can write, schedule and publish posts")),
    Role.CONTRIBUTOR: (_("Contributor"), _("Can write posts, but an editor must approve and publish them")),
    Role.VIEWER: (_("Viewer"), _("Can view, but not change anything")),
}
SCOPE_LABELS: dict[str, Any] = {
    Permission.READ: _("Read posts, channels and media"),
    Permission.WRITE: _("Write drafts and add media"),
    Permission.PUBLISH: _("Schedule, cancel and publish posts"),
    Permission.CHANNELS: _("Connect and disconnect channels"),
    Permission.MEMBERS: _("Manage members"),
    Permission.SETTINGS: _("Change settings, webhooks, content rights and training sets"),
    Permission.TOKENS: _("Manage API tokens"),
}
ATTEMPT_LABELS: dict[str, Any] = {
    "publish": _("Kicau sent the post to the network"),
    "find": _("Kicau checked whether the post is on the network"),
    "person": _("Action by a member of the workspace"),
}
REVIEW_BADGES: dict[str, Badge] = {
    "comment": Badge(pgettext_lazy("review", "commented on this post"), "comment", "sky"),
    "submitted": Badge(pgettext_lazy("review", "submitted this post for approval"), "hand", "sun"),
    "approved": Badge(pgettext_lazy("review", "approved this post"), "check", "leaf"),
    "returned": Badge(pgettext_lazy("review", "asked for changes to this post"), "retry", "ember"),
}
CLIENT_REVIEW_BADGES: dict[str, Badge] = {
    "approved": Badge(_("You approved this post"), "check", "leaf"),
    "returned": Badge(_("You asked for changes to this post"), "retry", "ember"),
}
AWAITING_CLIENT_BADGE = Badge(_("Waiting for your decision"), "hand", "sun")
READ_ONLY_BADGE = Badge(_("Your approval is not needed"), "eye", "sky")
WEEKDAY_NAMES = (_("Monday"), _("Tuesday"), _("Wednesday"), _("Thursday"), _("Friday"), _("Saturday"), _("Sunday"))
ACTION_LABELS: dict[str, Any] = {
    **{name: kind.activity for name, kind in PUBLIC_EVENTS.items() if kind.activity is not None},
    "budget.made": _("created a budget"),
    "budget.changed": _("changed a budget"),
    "budget.removed": _("removed a budget"),
    "answer.done": _("marked a comment or message in the inbox as done"),
    "answer.reopened": _("reopened a comment or message in the inbox"),
    "reading.on": _("turned on monitoring of comments, replies and post statistics"),
    "reading.off": _("turned off monitoring of comments, replies and post statistics"),
    "webhooks.on": _("turned on automatic updates (webhooks) from a network"),
    "webhooks.taken-back": _(
        "turned off the automatic updates (webhooks) that a network sends for a disconnected channel"
    ),
    "webhooks.left": _(
        "could not turn off the automatic updates (webhooks) that a network sends for a disconnected channel"
    ),
    "webhooks.off": _("turned off automatic updates (webhooks) from a network"),
    "prices.added": _("added a price list"),
    "prices.removed": _("removed a price list"),
    "rate.set": _("set an exchange rate"),
    "rate.removed": _("removed an exchange rate"),
    "evidence.stamped": _("got a timestamp that proves the date of the evidence log (a signed log that only grows)"),
    "channel.preferences": _("changed whether AI may use the content of a social media account"),
    "channel.revoked": _("ended Kicau's access to a channel on its social network"),
    "channel.not_revoked": _("could not end Kicau's access to a channel on its social network"),
    "slots.set": _("changed the posting times of a channel"),
    "draft.created": _("wrote a post"),
    "draft.imported": _("imported many posts at once"),
    "draft.edited": _("edited a post"),
    "draft.submitted": _("submitted a post for approval"),
    "draft.approved": _("approved a post"),
    "draft.returned": _("returned a post to its author for changes"),
    "draft.commented": _("commented on a post"),
    "comment.resolved": _("marked a comment on a post as resolved"),
    "comment.reopened": _("reopened a comment on a post"),
    "review.link_made": _("created a link for clients to review a post"),
    "review.link_revoked": _("revoked a link for clients to review a post"),
    "review.comment": _("commented on a post"),
    "review.approved": _("approved a post"),
    "review.returned": _("asked for changes to a post"),
    "app_keys.saved": _("saved the app keys of a network"),
    "sandbox.used": _("set up access to the sandbox (simulated test network)"),
    "draft.archived": _("archived a post"),
    "contact.saved": _("saved an account to mention in posts"),
    "contact.forgotten": _("removed an account from the accounts saved for mentions"),
    "text.saved": _("saved a text for reuse"),
    "text.forgotten": _("removed a text that was saved for reuse"),
    "group.saved": _("saved a group of channels"),
    "delivery.overdue-decided": _("decided what to do with posts that are past their scheduled time"),
    "offboarding.targets-taken-back": _("undid moving posts to other channels"),
    "offboarding.export-asked": _("requested an export of all data that Kicau has stored from a network"),
    "offboarding.retarget-asked": _("asked Kicau to move the posts that are on hold to other channels"),
    "group.forgotten": _("removed a group of channels"),
    "medium.added": _("added a file to the media library"),
    "medium.changed": _("changed a file in the media library"),
    "member.set": _("changed a member's role"),
    "member.removed": _("removed a member from the workspace"),
    "person.closed": _("closed a Kicau account"),
    "person.erased": _("deleted a Kicau account"),
    "person.exported": _("exported the data of a Kicau account"),
    "workspace.deleted": _("deleted the workspace"),
    "answers.purged": _("deleted old comments and mentions from Kicau"),
    "member.invited": _("invited a person to the workspace"),
    "member.uninvited": _("revoked an invitation"),
    "member.joined": _("joined the workspace"),
    "member.owner": _("transferred ownership of the workspace"),
    "sign-in.ok": _("signed in to Kicau"),
    "sign-in.refused": _("Kicau rejected an attempt to sign in"),
    "person.added": _("got an account on this server"),
    "person.changed": _("changed their account settings"),
    "person.proof_sent": _("requested a link to confirm their e-mail address"),
    "person.address_proved": _("confirmed their e-mail address"),
    "person.access_ended": _("revoked their own API tokens and signed out their other devices"),
    "person.session_ended": _("signed out one of their other devices"),
    "person.sessions_ended": _("signed out all of their other devices"),
    "person.two_factor_on": _("set up an authenticator app"),
    "person.two_factor_off": _("turned off sign-in with an authenticator app"),
    "person.recovery_codes": _("created new recovery codes"),
    "person.recovery_code_used": _("used a recovery code to sign in"),
    "person.passkey_added": _("added a passkey"),
    "person.passkey_removed": _("removed a passkey"),
    "person.identity_added": _("connected their account to single sign-on (identity provider)"),
    "workspace.created": _("created the workspace"),
    "workspace.changed": _("changed the workspace settings"),
    "workspace.second_factor_on": _("required two-factor authentication for all members"),
    "workspace.second_factor_off": _("stopped requiring two-factor authentication for members"),
    "token.created": _("created an API token"),
    "archive.import_begun": _("uploaded an archive of posts"),
    "archive.import_answered": _("recorded who owns the content of an imported archive"),
    "archive.import_stopped": _("stopped importing an archive of posts"),
    "archive.import_resumed": _("resumed importing an archive of posts"),
    "archive.import_done": _("imported an archive of posts"),
    "archive.import_asking": _(
        "imported an archive of posts, except posts whose type or visibility Kicau did not recognize"
    ),
    "archive.import_values_answered": _("decided how to import posts whose type or visibility Kicau did not recognize"),
    "archive.import_failed": _("failed to import an archive of posts"),
    "rights.said": _("saved a rights statement"),
    "rights.ended": _("ended a rights statement, so it no longer applies"),
    "rights.terms_reviewed": _("reviewed a network's terms of use"),
    "rights.terms_added": _("added a network's terms of use"),
    "dataset.defined": _("set up a training set"),
    "dataset.changed": _("changed a training set"),
    "dataset.ordered": _("created a new version of a training set"),
    "dataset.given": _("recorded who received a training set"),
    "dataset.reviewed": _("reviewed possible personal data in a training set"),
    "dataset.asked": _("asked a recipient of a training set to confirm that they no longer use removed data"),
    "dataset.acknowledged": _(
        "recorded that a recipient of a training set confirmed that they no longer use removed data"
    ),
    "audit.begun": _("started a search for posts in a dataset (dataset audit)"),
    "audit.stopped": _("stopped a search for posts in a dataset (dataset audit)"),
    "audit.resumed": _("resumed a search for posts in a dataset (dataset audit)"),
    "audit.evidence": _("created an evidence file for a search in a dataset (dataset audit)"),
    "canary.registered": _("registered a canary text (a marker text that reveals copying)"),
    "canary.tested": _("tested whether an AI model has seen a canary text (a marker text that reveals copying)"),
    "canary.evidence": _("created an evidence file for a test of a canary text (a marker text that reveals copying)"),
    "token.revoked": _("revoked an API token"),
    "webhook.added": _("added a webhook"),
    "webhook.removed": _("removed a webhook"),
}

# Said by models in plain English, and looked up here by `localize_sentence`.
COST_PURPOSE_LABELS = (
    _("publishing posts"),
    _("checking whether posts were published"),
    _("connecting a channel"),
    _("keeping Kicau connected to a channel"),
    _("checking which features a channel of the network supports"),
    _("checking for new comments and replies to your posts"),
    _("fetching post statistics"),
    _("deleting a published post from the network"),
    _("per day"),
    _("per month"),
    _("in total"),
    _("day"),
    _("month"),
    _("hour"),
    _("5 minutes"),
    _("an hour"),
    _("24 hours"),
)

SIGN_IN_METHOD_LABELS: dict[str, Any] = {
    "password": _("with a password"),
    "code": _("with a one-time code"),
    "passkey": _("with a passkey"),
    "provider": _("through single sign-on (identity provider)"),
    "invitation": _("with an invitation"),
    "link": _("with a link from an e-mail"),
    "first visit": _("while setting up this server"),
}
SUBJECT_LABELS: dict[str, Any] = {
    "draft": _("Posts"),
    "delivery": _("Scheduled and published posts"),
    "channel": _("Channels"),
    "medium": _("Library"),
    "member": _("Team"),
    "token": _("API tokens"),
    "archive": _("Archive"),
    "rights": _("Content rights"),
    "dataset": _("AI training sets"),
    "audit": _("Dataset audits"),
    "canary": _("Canary texts (to detect copying)"),
    "webhook": _("Webhooks"),
    "offboarding": _("Stop using a network"),
    "workspace": _("Workspace"),
    "slots": _("Posting times"),
    "review": _("Clients' reviews of your posts"),
    "comment": _("Comments"),
    "contact": _("Contacts"),
}
VIA_LABELS: dict[str, Any] = {
    "page": _("in the browser"),
    "api": _("through the API"),
    "cli": _("with a typed command (command line)"),
    "system": _("automatically"),
    "link": _("through a link for clients to review a post"),
}


def delivery_badge(row: Delivery | DeliverySummary) -> Badge:
    if row.standing == DeliveryState.HELD and row.hold in HOLD_BADGES:
        return HOLD_BADGES[row.hold]
    return DELIVERY_BADGES[row.standing]


def client_review_badge(link: ReviewLink, draft: Draft, theirs: Sequence[Review]) -> Badge:
    """How a post stands to the client behind a link: their own word on it as it is now, or that it is awaited."""
    decided = next(
        (r.kind for r in reversed(theirs) if r.kind in CLIENT_REVIEW_BADGES and r.version == draft.version), ""
    )
    if draft.state not in (DraftState.DRAFT, DraftState.SUBMITTED, DraftState.APPROVED):
        return DRAFT_BADGES[draft.state]
    return CLIENT_REVIEW_BADGES.get(decided, AWAITING_CLIENT_BADGE if link.may_approve else READ_ONLY_BADGE)


def channel_badge(row: Channel) -> Badge:
    return PAUSED_BADGE if row.state == ChannelState.ACTIVE and row.is_paused else CHANNEL_BADGES[row.state]


def sentence(problem: Problem) -> str:
    """The problem in the reader's language."""
    message = gettext(problem.message) if problem.message else ""
    try:
        return message.format_map(_translate_params(problem.params))
    except (KeyError, IndexError, ValueError, AttributeError):
        return problem.sentence


def error_sentence(exc: DomainError) -> str:
    """What a refusal says, in the reader's language where it is known there."""
    if isinstance(exc, ValidationFailed):
        return " ".join(dict.fromkeys(sentence(p) for p in exc.problems))
    if isinstance(exc, ServerBusy):
        return gettext("The server is busy with other requests. Try again in a few seconds.")
    if isinstance(exc, NotFound):
        return gettext(
            "Kicau cannot find this item in this workspace. The item may be deleted or belong to another workspace. Check the link, or switch to the other workspace."
        )
    return localize_sentence(exc.args[0] if exc.args and isinstance(exc.args[0], str) else str(exc))


def channel_reason(row: Channel) -> str:
    """Why a channel is not active, in the reader's language."""
    if row.state == ChannelState.EXPIRED:
        said = gettext(
            "{network} no longer gives Kicau access to {name}. Reconnect this channel to continue publishing its scheduled posts."
        )
        return said.format(network=network_label(row.network), name=row.name)
    if row.state == ChannelState.HELD:
        return localize_sentence(row.renewal_problem, row.renewal_said)
    if row.state == ChannelState.OFFBOARDED:
        made = (offboardings.channel_reason(row.network, row.leaves_at, known) for known in (True, False))
        return localize_sentence(next((sentence for sentence in made if sentence == row.reason), row.reason))
    return localize_sentence(row.reason)


def localize_sentence(text: str, kept: Sequence[Any] = ()) -> str:
    """A sentence in the reader's language and zone; `kept` is its stored form, where it was read from the database."""
    pieces = sentences.read_stored_pieces(text, kept) if kept else sentences.sentence_pieces(text)
    return " ".join(
        sentences.fill_template(gettext(message), _translate_params(params), _format_moment)
        for message, params in pieces
    )


# What sentences are filled with: places in a post, units, and what content is used for.
PHRASE_TRANSLATIONS = {
    "the text": _("the text"),
    "the post": _("the post"),
    "part {n} of the text": _("part {n} of the text"),
    "part {n} of the thread": _("part {n} of the thread"),
    "characters": _("characters"),
    "graphemes": _("characters"),
    "too many": _("too many"),
    "any": _("any number"),
    "nothing": _("none"),
    "not active": _("not active"),
    "the server did not reply in time": _("the server did not reply in time"),
    "no reason given": _("no reason given"),
    "training a generative AI model": _("training a generative AI model"),
    "training an AI model that is not generative": _("training an AI model that is not generative"),
    "AI answers that use the content as a source": _("AI answers that use the content as a source"),
    "search by meaning": _("search by meaning"),
    "imitating the content's writing style": _("imitating the content's writing style"),
    # Purposes as reasons were stored with them in former versions:
    "training another AI model (not generative)": _("training an AI model that is not generative"),
    "AI answers (as a source)": _("AI answers that use the content as a source"),
    "imitating its writing style": _("imitating the content's writing style"),
    "search results": _("search results"),
    "sharing with others": _("sharing with others"),
    "storage in an archive": _("storage in an archive"),
}
PHRASE_PARAMS = (
    "text_or_part",
    "unit",
    "actual",
    "why",
    "said",
    "status",
    "known",
    "w",
    "h",
    "purpose",
)  # places that hold one
# Kinds of files, as sentences name them.
FILE_KIND_NAMES: dict[str, Any] = {
    "image": _("image"),
    "images": _("images"),
    "GIF": _("GIF"),
    "GIFs": _("GIFs"),
    "video": _("video"),
    "videos": _("videos"),
    "document": _("document"),
    "documents": _("documents"),
    "a JPEG image": _("a JPEG image"),
    "a PNG image": _("a PNG image"),
    "a WebP image": _("a WebP image"),
    "a GIF": _("a GIF"),
    "a BMP image": _("a BMP image"),
    "a TIFF image": _("a TIFF image"),
    "a HEIC image": _("a HEIC image"),
    "an AVIF image": _("an AVIF image"),
    "an MP4 video": _("an MP4 video"),
    "a MOV video": _("a MOV video"),
    "a WebM video": _("a WebM video"),
    "a PDF document": _("a PDF document"),
    "a Word document in the old format (.doc)": _("a Word document in the old format (.doc)"),
    "a Word document": _("a Word document"),
    "a PowerPoint presentation in the old format (.ppt)": _("a PowerPoint presentation in the old format (.ppt)"),
    "a PowerPoint presentation": _("a PowerPoint presentation"),
    "a Windows program": _("a Windows program"),
    "a program": _("a program"),
    "a script": _("a script"),
    "an SVG vector image": _("an SVG vector image"),
    "a web page": _("a web page"),
    "a compressed archive file": _("a compressed archive file"),
    "an audio file": _("an audio file"),
    "a video of an unknown type": _("a video of an unknown type"),
    "an image of an unknown type": _("an image of an unknown type"),
    "an XML file": _("an XML file"),
    "an RTF document": _("an RTF document"),
    "plain text": _("plain text"),
    "a file": _("a file"),
    "a file of another type": _("a file of another type"),
    "JPEG image": _("JPEG image"),
    "PNG image": _("PNG image"),
    "WebP image": _("WebP image"),
    "BMP image": _("BMP image"),
    "TIFF image": _("TIFF image"),
    "HEIC image": _("HEIC image"),
    "AVIF image": _("AVIF image"),
    "PDF document": _("PDF document"),
}
# Why Kicau publishes a copy of a file instead of the file itself.
CONVERSION_REASONS: dict[str, Any] = {
    "format": _("format"),
    "file size": _("file size"),
    "width or height": _("width or height"),
    "number of pixels": _("number of pixels"),
    "ratio of width to height": _("ratio of width to height"),
}
# Who said what may be done with a work, and under which conditions.
PARTY_LABELS: dict[str, Any] = {
    Party.AUTHOR: _("the author"),
    Party.NETWORK: _("the network"),
    Party.SITE: _("the website"),
    Party.WORKSPACE: _("this workspace"),
}
CONDITION_LABELS: dict[str, Any] = {
    "attribution": _("crediting the author"),
    "payment": _("paying the rights holder"),
    "non-commercial": _("only non-commercial use"),
    "share-alike": _("sharing only under the same licence"),
    "consent": _("asking the rights holder for permission before use"),
    "geography": _("use only in certain countries"),
}
# What networks count, without their endings.
METRIC_LABELS: dict[str, Any] = {
    "like": _("likes"),
    "favourite": _("favorites"),
    "reblog": _("reposts"),
    "repost": _("reposts"),
    "share": _("shares"),
    "quote": _("quote posts"),
    "reply": _("replies"),
    "comment": _("comments"),
    "bookmark": _("bookmarks"),
    "impression": _("impressions"),
    "view": _("views"),
}
# How a state reads within a sentence: a post's behind "is", a plan's behind "Status of the plan:". By its name, or by
# its English words.
DRAFT_STATE_NAMES: dict[str, Any] = {
    DraftState.DRAFT: _("a draft"),
    DraftState.SUBMITTED: _("waiting for approval"),
    DraftState.APPROVED: _("approved"),
    DraftState.ARCHIVED: _("archived"),
    DeliveryState.SCHEDULED: _("scheduled"),
    DeliveryState.PUBLISHING: _("being published"),
    DeliveryState.PUBLISHED: _("published"),
    DeliveryState.HELD: _("on hold"),
    DeliveryState.FAILED: _("marked as failed"),
    DeliveryState.UNKNOWN: _("possibly published, but Kicau could not confirm it"),
    DeliveryState.PARKED: _("stopped by an error in Kicau"),
    DeliveryState.CANCELED: _("canceled"),
    DeliveryState.DELETED: _("deleted from the network"),
    OffboardingState.PROPOSED: _("waiting for a decision to stop or continue"),
    OffboardingState.ANNOUNCED: _("planned for a later date"),
    OffboardingState.OFFBOARDED: _("in effect"),
    OffboardingState.RESUMED: _("plan ended, because publishing to the network was resumed"),
    OffboardingState.CANCELED: _("plan canceled before publishing to the network stopped"),
}
DRAFT_STATE_NAMES |= {
    str(state.label): DRAFT_STATE_NAMES[state]
    for states in (DraftState, DeliveryState, OffboardingState)
    for state in states
}
WEEKDAY_PATTERN = "Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday"
DAY_PATTERN = re.compile(
    rf"(?P<on>on )?(?:(?P<weekday>{WEEKDAY_PATTERN}) )?(?P<day>\d{{4}}-\d\d-\d\d)(?:(?: at)? (?P<time>\d\d:\d\d)(?P<utc> UTC)?)?"
)
ROW_PATTERN = re.compile(r"row ([0-9]+)")
PLACE_PATTERN = re.compile(r"(part )([0-9]+)( of the (?:text|thread))")


def translate_phrase(text: str) -> str:
    """A piece of a sentence in the reader's language; what is not known stays as it is."""
    if place := PLACE_PATTERN.fullmatch(text):
        return str(PHRASE_TRANSLATIONS[f"{place[1]}{{n}}{place[3]}"]).format(n=place[2])
    return str(PHRASE_TRANSLATIONS.get(text, text))


def _translate_params(params: Mapping[str, Any]) -> dict[str, Any]:
    """Params that are words of ours are told in the reader's language, too."""
    parties = {Party(party).label: word for party, word in PARTY_LABELS.items()}

    def word(key: str, value: Any) -> Any:
        if key == "state" and value in DRAFT_STATE_NAMES:
            return str(DRAFT_STATE_NAMES[value])
        if key in ("role", "who") and value in ROLE_LABELS:
            return str(ROLE_LABELS[value][0]).lower()
        if key == "permission" and value in SCOPE_LABELS:
            return _as_clause(SCOPE_LABELS[value])
        if key == "beyond" and isinstance(value, str):
            return "; ".join(_as_clause(SCOPE_LABELS.get(name, name)) for name in value.split(", "))
        if key == "conditions" and isinstance(value, str):
            return ", ".join(str(CONDITION_LABELS.get(name, name)) for name in value.split(", "))
        if key == "who" and value in parties:
            return str(parties[value])
        if key in ("day", "when") and isinstance(value, str):
            if row := ROW_PATTERN.fullmatch(value):
                return gettext("row {n}").format(n=row[1])
            return DAY_PATTERN.sub(_format_day_match, value)
        if key in ("held", "claimed", "what", "kind") and value in FILE_KIND_NAMES:
            return str(FILE_KIND_NAMES[value])
        if key == "kinds" and isinstance(value, str):
            return gettext(" and ").join(str(FILE_KIND_NAMES.get(one, one)) for one in value.split(" and "))
        if key == "reasons" and isinstance(value, str):
            reasons = (one.partition(" (") for one in value.split(" and "))
            return gettext(" and ").join(f"{CONVERSION_REASONS.get(name, name)} ({rest}" for name, __, rest in reasons)
        return translate_phrase(value) if key in PHRASE_PARAMS and isinstance(value, str) else value

    return {key: word(key, value) for key, value in params.items()}


def _as_clause(words: Any) -> str:
    """A sentence's beginning as a part of another."""
    text = str(words)
    return text[:1].lower() + text[1:]


def _format_day_match(found: re.Match[str]) -> str:
    """A day, and a time of it where there is one, which a sentence was filled with as 2026-12-02 at 09:00; what is in
    UTC is told in the reader's zone."""
    try:
        at = datetime.fromisoformat(f"{found['day']}T{found['time'] or '00:00'}")
    except ValueError:
        return found[0]
    if found["utc"]:
        at = timezone.localtime(at.replace(tzinfo=UTC))
    told = formats.date_format(at, "l j M Y" if found["weekday"] else "j M Y")
    if found["time"]:
        told = f"{told}, {clock_time(at)}"
    return gettext("on {when}").format(when=told) if found["on"] else told


def _format_moment(at: datetime) -> str:
    local = timezone.localtime(at)
    return f"{formats.date_format(local, 'j M Y')}, {clock_time(local)}"


def clock_time(local: datetime) -> str:
    """Hour and minute as the reader's language writes them: 10:05, in Indonesian 10.05."""
    return f"{local:%H.%M}" if (get_language() or "").startswith("id") else f"{local:%H:%M}"


def day_words(day: date, form: str) -> str:
    """A day as Django's `date` filter writes it in the reader's language; a calendar asks for the same ones all the time."""
    return _day_words(get_language(), day, form)


@lru_cache(maxsize=4096)
def _day_words(language: str | None, day: date, form: str) -> str:
    return formats.date_format(day, form)


def errors_by_field(exc: DomainError) -> dict[str, list[str]]:
    """Sentences by the field that they belong beside; "" for those of the whole form."""
    if not isinstance(exc, ValidationFailed):
        return {"": [error_sentence(exc)]}
    found: dict[str, list[str]] = {}
    for problem in exc.problems:
        found.setdefault(problem.field, []).append(sentence(problem))
    return found
