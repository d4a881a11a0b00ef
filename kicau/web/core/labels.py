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
from kicau.offboarding import announcements as withdrawals
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
    DeliveryState.PUBLISHING: Badge(pgettext_lazy("delivery", "On its way"), "send", "sky"),
    DeliveryState.PUBLISHED: Badge(pgettext_lazy("delivery", "Published"), "check", "leaf"),
    DeliveryState.HELD: Badge(pgettext_lazy("delivery", "Held"), "pause", "sun"),
    DeliveryState.FAILED: Badge(pgettext_lazy("delivery", "Needs mending"), "alert", "ember"),
    DeliveryState.UNKNOWN: Badge(pgettext_lazy("delivery", "Outcome unknown"), "question", "plum"),
    DeliveryState.PARKED: Badge(pgettext_lazy("delivery", "Stopped by a fault"), "alert", "ember"),
    DeliveryState.CANCELED: Badge(pgettext_lazy("delivery", "Cancelled"), "cross", "still"),
    DeliveryState.DELETED: Badge(pgettext_lazy("delivery", "Deleted from the network"), "bin", "still"),
}
CONFIRMATION_BADGE = Badge(_("Waits for confirmation"), "hand", "sun")
DRAFT_BADGES: dict[str, Badge] = {
    DraftState.DRAFT: Badge(pgettext_lazy("draft", "Draft"), "pen", "still"),
    DraftState.SUBMITTED: Badge(pgettext_lazy("draft", "Waits for an editor"), "hand", "sun"),
    DraftState.APPROVED: Badge(pgettext_lazy("draft", "Approved"), "check", "leaf"),
    DraftState.SCHEDULED: Badge(pgettext_lazy("draft", "Scheduled"), "clock", "sky"),
    DraftState.ARCHIVED: Badge(pgettext_lazy("draft", "Put away"), "box", "still"),
}
CHANNEL_BADGES: dict[str, Badge] = {
    ChannelState.ACTIVE: Badge(pgettext_lazy("channel", "Connected"), "check", "leaf"),
    ChannelState.EXPIRED: Badge(pgettext_lazy("channel", "Wants a reconnect"), "alert", "ember"),
    ChannelState.HELD: Badge(pgettext_lazy("channel", "Waits for a budget"), "coin", "sun"),
    ChannelState.REMOVED: Badge(pgettext_lazy("channel", "Disconnected"), "cross", "still"),
    ChannelState.WITHDRAWN: Badge(pgettext_lazy("channel", "Network withdrawn"), "cross", "still"),
}
WITHDRAWAL_BADGES: dict[str, Badge] = {
    OffboardingState.PROPOSED: Badge(pgettext_lazy("withdrawal", "Wants a decision"), "hand", "ember"),
    OffboardingState.ANNOUNCED: Badge(pgettext_lazy("withdrawal", "Has a date"), "clock", "sun"),
    OffboardingState.WITHDRAWN: Badge(pgettext_lazy("withdrawal", "Left"), "pause", "sun"),
    OffboardingState.REINSTATED: Badge(pgettext_lazy("withdrawal", "Taken back"), "check", "leaf"),
    OffboardingState.CALLED_OFF: Badge(pgettext_lazy("withdrawal", "Called off"), "cross", "still"),
}
NETWORK_LEFT_BADGE = Badge(pgettext_lazy("delivery", "Network left"), "pause", "sun")
PAUSED_BADGE = Badge(pgettext_lazy("channel", "Paused"), "pause", "sun")
HOLD_BADGES: dict[str, Badge] = {HoldReason.CONFIRMATION: CONFIRMATION_BADGE, HoldReason.WITHDRAWN: NETWORK_LEFT_BADGE}
ROLE_LABELS: dict[str, tuple[Any, Any]] = {
    Role.OWNER: (_("Owner"), _("Everything, and makes other owners")),
    Role.ADMIN: (_("Admin"), _("Channels, members and settings")),
    Role.EDITOR: (_("Editor"), _("Writes, schedules and publishes")),
    Role.CONTRIBUTOR: (_("Contributor"), _("Writes and submits; an editor publishes")),
    Role.VIEWER: (_("Viewer"), _("Reads only")),
}
SCOPE_LABELS: dict[str, Any] = {
    Permission.READ: _("Read posts, channels and media"),
    Permission.WRITE: _("Write drafts and add media"),
    Permission.PUBLISH: _("Schedule, cancel and publish"),
    Permission.CHANNELS: _("Connect and disconnect channels"),
    Permission.MEMBERS: _("Manage members"),
    Permission.SETTINGS: _("Change settings, webhooks, rights and training sets"),
    Permission.TOKENS: _("Manage tokens"),
}
ATTEMPT_LABELS: dict[str, Any] = {"publish": _("Sent"), "find": _("Looked up"), "person": _("Somebody acted")}
REVIEW_BADGES: dict[str, Badge] = {
    "comment": Badge(pgettext_lazy("review", "commented"), "comment", "sky"),
    "submitted": Badge(pgettext_lazy("review", "submitted it"), "hand", "sun"),
    "approved": Badge(pgettext_lazy("review", "approved it"), "check", "leaf"),
    "returned": Badge(pgettext_lazy("review", "asked for changes"), "retry", "ember"),
}
CLIENT_REVIEW_BADGES: dict[str, Badge] = {
    "approved": Badge(_("You approved it"), "check", "leaf"),
    "returned": Badge(_("You asked for changes"), "retry", "ember"),
}
AWAITING_CLIENT_BADGE = Badge(_("Waits for your word"), "hand", "sun")
READ_ONLY_BADGE = Badge(_("For you to read"), "eye", "sky")
WEEKDAY_NAMES = (_("Monday"), _("Tuesday"), _("Wednesday"), _("Thursday"), _("Friday"), _("Saturday"), _("Sunday"))
ACTION_LABELS: dict[str, Any] = {
    "budget.made": _("made a budget"),
    "budget.changed": _("changed a budget"),
    "budget.removed": _("removed a budget"),
    "answer.done": _("marked an answer as done"),
    "answer.reopened": _("let an answer wait again"),
    "reading.on": _("switched reading on"),
    "reading.off": _("switched reading off"),
    "webhooks.on": _("asked a network to tell"),
    "webhooks.taken-back": _("had a network tell no more of a disconnected channel"),
    "webhooks.left": _("could not have a network tell no more of a disconnected channel"),
    "webhooks.off": _("asked a network to tell no more"),
    "prices.added": _("added a price list"),
    "prices.removed": _("removed a price list"),
    "rate.set": _("set an exchange rate"),
    "rate.removed": _("removed an exchange rate"),
    "evidence.stamped": _("had the log of evidence stamped"),
    "channel.preferences": _("changed what an account says about AI use"),
    "channel.connected": _("connected a channel"),
    "channel.reconnected": _("reconnected a channel"),
    "channel.disconnected": _("disconnected a channel"),
    "channel.revoked": _("ended a channel's access at its network"),
    "channel.not_revoked": _("could not end a channel's access at its network"),
    "channel.expired": _("lost a channel's permission"),
    "channel.held": _("held a channel for a budget"),
    "channel.released": _("let a held channel go on"),
    "channel.paused": _("paused a channel"),
    "channel.resumed": _("resumed a channel"),
    "slots.set": _("changed a channel's slots"),
    "draft.created": _("wrote a post"),
    "draft.imported": _("imported posts"),
    "draft.edited": _("edited a post"),
    "draft.submitted": _("submitted a post"),
    "draft.approved": _("approved a post"),
    "draft.returned": _("sent a post back"),
    "draft.commented": _("commented on a post"),
    "comment.resolved": _("settled a comment"),
    "comment.reopened": _("opened a comment again"),
    "review.link_made": _("made a review link"),
    "review.link_revoked": _("took back a review link"),
    "review.comment": _("commented on a post"),
    "review.approved": _("approved a post"),
    "review.returned": _("asked for changes"),
    "sandbox.used": _("took the sandbox's keys"),
    "draft.archived": _("put a post away"),
    "delivery.scheduled": _("scheduled a delivery"),
    "delivery.canceled": _("cancelled a delivery"),
    "delivery.retried": _("retried a delivery"),
    "delivery.moved": _("moved a delivery"),
    "delivery.confirmed": _("confirmed a delivery"),
    "delivery.resolved": _("resolved an unknown outcome"),
    "delivery.deleted": _("deleted a post from its network"),
    "delivery.edited": _("changed a published post"),
    "contact.saved": _("kept a contact"),
    "contact.forgotten": _("removed a contact"),
    "text.saved": _("saved a text"),
    "text.forgotten": _("removed a saved text"),
    "group.saved": _("saved a group of channels"),
    "delivery.late-decided": _("decided about posts that were past their time"),
    "withdrawal.announced": _("set a date for leaving a network"),
    "withdrawal.withdrawn": _("left a network"),
    "withdrawal.proposed": _("found a network's door shut"),
    "withdrawal.called-off": _("called leaving off"),
    "withdrawal.reinstated": _("took a network back"),
    "withdrawal.retargeted": _("gave posts new targets"),
    "withdrawal.targets-taken-back": _("took new targets back"),
    "withdrawal.export-asked": _("asked for an export"),
    "withdrawal.retarget-asked": _("asked for new targets"),
    "group.forgotten": _("removed a group of channels"),
    "medium.added": _("added a file"),
    "medium.changed": _("changed a file"),
    "member.set": _("set a member's role"),
    "member.removed": _("removed a member"),
    "person.closed": _("closed an account"),
    "person.erased": _("deleted an account"),
    "person.exported": _("exported the data of an account"),
    "workspace.deleted": _("deleted the workspace"),
    "answers.purged": _("deleted old comments and mentions"),
    "member.invited": _("invited somebody"),
    "member.uninvited": _("took back an invitation"),
    "member.joined": _("joined"),
    "member.owner": _("handed the ownership over"),
    "sign-in.ok": _("signed in"),
    "sign-in.refused": _("Somebody was not signed in"),
    "person.added": _("got an account"),
    "person.changed": _("changed their account"),
    "person.proof_sent": _("had a confirmation link sent"),
    "person.address_proved": _("confirmed their address"),
    "person.access_ended": _("ended API tokens and other sessions"),
    "person.session_ended": _("signed out another device"),
    "person.sessions_ended": _("signed out all other devices"),
    "person.two_factor_on": _("set up an authenticator app"),
    "person.two_factor_off": _("turned the authenticator app off"),
    "person.recovery_codes": _("made new recovery codes"),
    "person.recovery_code_used": _("used a recovery code"),
    "person.passkey_added": _("added a passkey"),
    "person.passkey_removed": _("removed a passkey"),
    "person.identity_added": _("connected the identity provider"),
    "workspace.created": _("created the workspace"),
    "workspace.changed": _("changed the workspace"),
    "workspace.second_factor_on": _("required a second factor of every member"),
    "workspace.second_factor_off": _("no longer required a second factor"),
    "token.created": _("made a token"),
    "archive.import_begun": _("gave an archive"),
    "archive.import_answered": _("said whose an archive is"),
    "archive.import_stopped": _("stopped an import"),
    "archive.import_resumed": _("took an import up again"),
    "archive.import_done": _("read an archive"),
    "archive.import_asking": _("read an archive except rows whose kind or visibility is unknown"),
    "archive.import_values_answered": _("said what an archive's unknown kinds and visibilities mean"),
    "archive.import_failed": _("could not read an archive"),
    "rights.said": _("said what may be used"),
    "rights.ended": _("ended a statement"),
    "rights.terms_reviewed": _("reviewed a network's terms"),
    "rights.terms_added": _("added a network's terms"),
    "dataset.defined": _("described a training set"),
    "dataset.changed": _("changed a training set"),
    "dataset.ordered": _("had a training set made"),
    "dataset.given": _("gave a training set to somebody"),
    "dataset.reviewed": _("judged personal data in a training set"),
    "dataset.asked": _("asked a recipient of a training set"),
    "dataset.acknowledged": _("noted that a recipient uses something no more"),
    "audit.begun": _("had a data set searched"),
    "audit.stopped": _("stopped the search of a data set"),
    "audit.resumed": _("took the search of a data set up again"),
    "audit.evidence": _("made evidence of a search"),
    "canary.registered": _("registered a canary"),
    "canary.tested": _("held a model's scores against a canary"),
    "canary.evidence": _("made evidence of a canary's test"),
    "token.revoked": _("revoked a token"),
    "webhook.added": _("added a webhook"),
    "webhook.removed": _("removed a webhook"),
}

# Said by models in plain English, and looked up here by `localize_sentence`.
COST_PURPOSE_LABELS = (
    _("publishing"),
    _("looking up what happened"),
    _("connecting a channel"),
    _("keeping a channel alive"),
    _("reading what a channel can do"),
    _("reading answers"),
    _("reading numbers"),
    _("deleting a published post"),
    _("a day"),
    _("a month"),
    _("in total"),
    _("day"),
    _("month"),
    _("hour"),
    _("5 minutes"),
    _("an hour"),
    _("24 hours"),
)

SIGN_IN_METHOD_LABELS: dict[str, Any] = {
    "password": _("by password"),
    "code": _("by a code"),
    "passkey": _("by passkey"),
    "provider": _("by the identity provider"),
    "invitation": _("by an invitation"),
    "link": _("by a mailed link"),
    "first visit": _("as the first visitor"),
}
SUBJECT_LABELS: dict[str, Any] = {
    "draft": _("Posts"),
    "delivery": _("Deliveries"),
    "channel": _("Channels"),
    "medium": _("Library"),
    "member": _("Team"),
    "token": _("Tokens"),
    "archive": _("Archive"),
    "rights": _("Rights"),
    "dataset": _("Training sets"),
    "audit": _("Audits"),
    "canary": _("Canaries"),
    "webhook": _("Webhooks"),
    "withdrawal": _("Leaving a network"),
    "workspace": _("Workspace"),
    "slots": _("Queue slots"),
    "review": _("Reviews by clients"),
    "comment": _("Comments"),
    "contact": _("Contacts"),
}
VIA_LABELS: dict[str, Any] = {
    "page": _("on a page"),
    "api": _("by a program"),
    "cli": _("at the shell"),
    "system": _("by itself"),
    "link": _("by a review link"),
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
        return gettext("What this asks for is not in this workspace; it may have been removed, or be in another one.")
    return localize_sentence(exc.args[0] if exc.args and isinstance(exc.args[0], str) else str(exc))


def channel_reason(row: Channel) -> str:
    """Why a channel is not active, in the reader's language."""
    if row.state == ChannelState.EXPIRED:
        said = gettext(
            "{network} no longer accepts this channel's permission. Connect {name} again; its queue is kept and goes on by itself."
        )
        return said.format(network=network_label(row.network), name=row.name)
    if row.state == ChannelState.HELD:
        return localize_sentence(row.renewal_why, row.renewal_said)
    if row.state == ChannelState.WITHDRAWN:
        made = (withdrawals.channel_reason(row.network, row.leaves_at, known) for known in (True, False))
        return localize_sentence(next((sentence for sentence in made if sentence == row.reason), row.reason))
    return localize_sentence(row.reason)


def localize_sentence(text: str, kept: Sequence[Any] = ()) -> str:
    """A sentence in the reader's language and zone; `kept` is its stored form, where it was read from the database."""
    pieces = sentences.read_stored_pieces(text, kept) if kept else sentences.sentence_pieces(text)
    return " ".join(
        sentences.fill_template(gettext(message), _translate_params(params), _format_moment)
        for message, params in pieces
    )


# What networks' sentences are filled with: places in a post, units, and what to do now.
PHRASE_TRANSLATIONS = {
    "the text": _("the text"),
    "the post": _("the post"),
    "part {n} of the text": _("part {n} of the text"),
    "part {n} of the thread": _("part {n} of the thread"),
    "characters": _("characters"),
    "graphemes": _("graphemes"),
    "too many": _("too many"),
    "shorten it": _("shorten it"),
    "shorten it or split it into a thread": _("shorten it or split it into a thread"),
    "any": _("any"),
    "nothing": _("nothing"),
    "not active": _("not active"),
    "no answer in time": _("no answer in time"),
    "no reason given": _("no reason given"),
    "it gave no reason": _("it gave no reason"),
}
PHRASE_PARAMS = (
    "where",
    "unit",
    "actual",
    "now_what",
    "why",
    "said",
    "status",
    "known",
    "w",
    "h",
)  # places that hold one
# Kinds of files, as sentences name them.
FILE_KIND_NAMES: dict[str, Any] = {
    "picture": _("picture"),
    "pictures": _("pictures"),
    "GIF": _("GIF"),
    "GIFs": _("GIFs"),
    "video": _("video"),
    "videos": _("videos"),
    "document": _("document"),
    "documents": _("documents"),
    "a JPEG picture": _("a JPEG picture"),
    "a PNG picture": _("a PNG picture"),
    "a WebP picture": _("a WebP picture"),
    "a GIF": _("a GIF"),
    "a BMP picture": _("a BMP picture"),
    "a TIFF picture": _("a TIFF picture"),
    "a HEIC picture": _("a HEIC picture"),
    "an AVIF picture": _("an AVIF picture"),
    "an MP4 video": _("an MP4 video"),
    "a MOV video": _("a MOV video"),
    "a WebM video": _("a WebM video"),
    "a PDF document": _("a PDF document"),
    "a Word document of the old form": _("a Word document of the old form"),
    "a Word document": _("a Word document"),
    "a PowerPoint presentation of the old form": _("a PowerPoint presentation of the old form"),
    "a PowerPoint presentation": _("a PowerPoint presentation"),
    "a Windows program": _("a Windows program"),
    "a program": _("a program"),
    "a script": _("a script"),
    "an SVG drawing": _("an SVG drawing"),
    "a web page": _("a web page"),
    "an archive": _("an archive"),
    "a sound file": _("a sound file"),
    "a video of a type that is not known here": _("a video of a type that is not known here"),
    "a picture of a type that is not known here": _("a picture of a type that is not known here"),
    "an XML file": _("an XML file"),
    "an RTF document": _("an RTF document"),
    "plain text": _("plain text"),
    "a file": _("a file"),
    "something else": _("something else"),
    "JPEG picture": _("JPEG picture"),
    "PNG picture": _("PNG picture"),
    "WebP picture": _("WebP picture"),
    "BMP picture": _("BMP picture"),
    "TIFF picture": _("TIFF picture"),
    "HEIC picture": _("HEIC picture"),
    "AVIF picture": _("AVIF picture"),
    "PDF document": _("PDF document"),
}
# Who said what may be done with a work, and under which conditions.
PARTY_LABELS: dict[str, Any] = {
    Party.AUTHOR: _("who wrote it"),
    Party.NETWORK: _("the network"),
    Party.SITE: _("the site"),
    Party.WORKSPACE: _("this workspace"),
}
CONDITION_LABELS: dict[str, Any] = {
    "attribution": _("naming the author"),
    "payment": _("payment"),
    "non-commercial": _("not for money"),
    "share-alike": _("under the same licence"),
    "consent": _("asking first"),
    "geography": _("in certain countries"),
}
# What networks count, without their endings.
METRIC_LABELS: dict[str, Any] = {
    "like": _("likes"),
    "favourite": _("favourites"),
    "reblog": _("boosts"),
    "repost": _("reposts"),
    "share": _("shares"),
    "quote": _("quotes"),
    "reply": _("replies"),
    "comment": _("comments"),
    "bookmark": _("bookmarks"),
    "impression": _("impressions"),
    "view": _("views"),
}
# How a state reads within a sentence, behind "is": by its name, or by its English words.
DRAFT_STATE_NAMES: dict[str, Any] = {
    DraftState.DRAFT: _("a draft"),
    DraftState.SUBMITTED: _("with an editor"),
    DraftState.APPROVED: _("approved"),
    DraftState.ARCHIVED: _("put away"),
    DeliveryState.SCHEDULED: _("scheduled"),
    DeliveryState.PUBLISHING: _("on its way"),
    DeliveryState.PUBLISHED: _("published"),
    DeliveryState.HELD: _("held"),
    DeliveryState.FAILED: _("in need of mending"),
    DeliveryState.UNKNOWN: _("of unknown outcome"),
    DeliveryState.PARKED: _("stopped by a fault of ours"),
    DeliveryState.CANCELED: _("cancelled"),
    DeliveryState.DELETED: _("deleted from the network"),
    OffboardingState.PROPOSED: _("frozen until a person decides"),
    OffboardingState.ANNOUNCED: _("set for a date"),
    OffboardingState.WITHDRAWN: _("in effect"),
    OffboardingState.REINSTATED: _("taken back"),
    OffboardingState.CALLED_OFF: _("called off before its date"),
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
