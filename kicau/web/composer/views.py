"""The composer's page and its pieces: shaped, looked at, kept and sent."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.files.uploadedfile import TemporaryUploadedFile
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from kicau.base import clock
from kicau.base.errors import Conflict, NotFound, Refusal
from kicau.base.ids import NO_ID, as_uuid, new_id
from kicau.channels import acts as channels
from kicau.channels.live import capabilities_of
from kicau.channels.models import Channel, ChannelState
from kicau.connector.capabilities import Ability, Option, PollRule
from kicau.connector.content import RenderedPart
from kicau.media.acts import add_medium, all_media
from kicau.media.models import Medium
from kicau.publishing import acts, compose, reading, schedule, writing
from kicau.publishing.models import Draft, DraftState
from kicau.publishing.schedule import Preview
from kicau.web import marks
from kicau.web.composer.shaping import shape
from kicau.web.composer.sheet import MOST_MEDIA, Leaf, Piece, Sheet, chosen, from_draft, from_form, unseen
from kicau.web.frame import Asked, page, person_of
from kicau.web.times import moment_of, zones
from kicau.web.words import by_field, said, sentence
from kicau.workspaces.actors import Permission

LAST_CHOICE = "channels"  # the session's key: what was chosen for the last post
SHOWN_IN_LIBRARY = 60


@page
@require_safe
def new(request: Asked) -> HttpResponse:
    """A fresh id, so that a reload shows the same post."""
    query = request.GET.urlencode()
    return HttpResponseRedirect(reverse("compose-draft", args=[new_id()]) + (f"?{query}" if query else ""))


@page
@require_safe
def composer(request: Asked, draft_id: UUID) -> HttpResponse:
    request.actor.require(Permission.WRITE)
    draft = _draft(request, draft_id)
    every = list(channels.channels(request.actor))
    if draft is None:
        sheet = Sheet(draft=draft_id, timezone=person_of(request).timezone, channels=_usual(request, every))
        sheet.leaves[""][0].text = request.GET.get("text", "")
        sheet.date = request.GET.get("day", "")
    else:
        sheet = from_draft(draft)
        if "desk" not in draft.extras and draft.state != DraftState.SCHEDULED:
            sheet.channels = _usual(request, every)
        elif draft.state == DraftState.SCHEDULED:
            sheet.channels = list(dict.fromkeys(row.channel.key for row in reading.deliveries_of(request.actor, draft)))
    sheet.hand = new_id().hex
    _with_time(sheet)
    return render(request, "web/composer.html", _shown(request, sheet, draft, every))


@page
@require_POST
def reshape(request: Asked) -> HttpResponse:
    """The editor again, after one of its buttons (or an upload) changed the sheet."""
    sheet, draft = _asked_sheet(request)
    every = list(channels.channels(request.actor))
    verb = request.POST.get("act", "")
    failed: list[str] = []
    focus = ""
    if verb.startswith("upload:"):
        focus, failed = _upload(request, sheet, verb.removeprefix("upload:"))
    else:
        focus = shape(sheet, verb, chosen(sheet, every))
    shown = _shown(request, sheet, draft, every) | {"focus": focus, "failed": failed}
    answer = render(request, "web/composer.html#editor", shown)
    answer["HX-Trigger-After-Settle"] = "shaped"
    return answer


@page
@require_POST
def look(request: Asked) -> HttpResponse:
    """What each chosen channel would show, with counts, problems and costs; nothing is saved."""
    sheet, draft = _asked_sheet(request)
    every = list(channels.channels(request.actor))
    return render(request, "web/composer.html#look", _looked(request, sheet, draft, every))


@page
@require_POST
def keep(request: Asked) -> HttpResponse:
    """Save what is being written. A post that is scheduled is not touched before its author says so."""
    sheet, draft = _asked_sheet(request)
    if draft is None and sheet.is_blank:
        return render(request, "web/composer.html#kept", {"sheet": sheet, "how": "blank"})
    if draft is not None and draft.state == DraftState.SCHEDULED:
        return render(request, "web/composer.html#kept", {"sheet": sheet, "how": "by-hand"})
    try:
        saved = writing.keep(request.actor, sheet.draft, sheet.composition(), version=sheet.version, desk=sheet.desk())
    except Conflict as exc:
        return render(
            request, "web/composer.html#kept", {"sheet": sheet, "how": "conflict", "sentence": said(exc)}, status=409
        )
    except Refusal as exc:
        return render(
            request, "web/composer.html#kept", {"sheet": sheet, "how": "refused", "sentence": said(exc)}, status=422
        )
    sheet.version = saved.version
    return render(request, "web/composer.html#kept", {"sheet": sheet, "how": "saved", "at": clock.now()})


@page
@require_POST
def send(request: Asked) -> HttpResponse:
    """Schedule, submit or save. Whatever is wrong, the same page comes back with all that was typed."""
    sheet, draft = _asked_sheet(request)
    how = request.POST.get("how", "schedule")
    try:
        if draft is not None and draft.state == DraftState.SCHEDULED:
            saved = acts.edit_draft(request.actor, draft.id, sheet.composition(), version=sheet.version)
            sheet.version = saved.version
        else:
            saved = writing.keep(
                request.actor, sheet.draft, sheet.composition(), version=sheet.version, desk=sheet.desk()
            )
            sheet.version = saved.version
        return _finish(request, sheet, saved, how)
    except NotFound:
        raise
    except Refusal as exc:
        every = list(channels.channels(request.actor))
        shown = _shown(request, sheet, draft, every) | {"errors": by_field(exc), "sentence": said(exc)}
        return render(request, "web/composer.html", shown, status=422)


def _finish(request: Asked, sheet: Sheet, saved: Draft, how: str) -> HttpResponse:
    if how == "save":
        messages.success(request, _("Saved."))
    elif how == "submit":
        acts.submit(request.actor, saved.id)
        messages.success(request, _("Handed to the editors."))
    else:
        _schedule(request, sheet, saved.id)
        request.session[LAST_CHOICE] = sheet.channels
    return redirect("post", draft_id=saved.id)


def _schedule(request: Asked, sheet: Sheet, draft_id: UUID) -> None:
    draft = compose.one_draft(request.actor, draft_id)
    picked = chosen(sheet, channels.channels(request.actor))
    if not picked:
        schedule.schedule(request.actor, draft, [], clock.now())  # raises, in the domain's own words
    if sheet.when == "slot":
        wanted = [
            schedule.Wanted(
                draft=draft, channels=[c], due_at=schedule.next_free_slot(request.actor, c), timezone=sheet.timezone
            )
            for c in picked
        ]
    else:
        at = clock.now() if sheet.when == "now" else moment_of(sheet.date, sheet.time, sheet.timezone)
        wanted = [schedule.Wanted(draft=draft, channels=picked, due_at=at, timezone=sheet.timezone)]
    done = schedule.schedule_many(request.actor, wanted, confirm=sheet.confirm)
    said_now = _("On its way.") if sheet.when == "now" else _("Scheduled.")
    messages.success(request, said_now)
    for notice in done.notices:
        if notice.code == "duplicate":
            messages.warning(request, sentence(notice))


def _asked_sheet(request: Asked) -> tuple[Sheet, Draft | None]:
    request.actor.require(Permission.WRITE)
    draft_id = as_uuid(request.POST.get("draft", ""))
    if draft_id == NO_ID:
        raise NotFound("post", request.POST.get("draft", ""))
    draft = _draft(request, draft_id)
    sheet = from_form(request.POST, draft_id)
    sheet.timezone = sheet.timezone or person_of(request).timezone
    if draft is not None:
        sheet.rest = unseen(draft)
    return sheet, draft


def _draft(request: Asked, draft_id: UUID) -> Draft | None:
    return compose.whole(compose.drafts(request.actor)).filter(id=draft_id).first()


def _usual(request: Asked, every: Sequence[Channel]) -> list[str]:
    """What was chosen for the last post; before the first, all."""
    usable = {c.key for c in every if _usable(c)}
    return [key for key in request.session.get(LAST_CHOICE) or [c.key for c in every] if key in usable]


def _usable(channel: Channel) -> bool:
    return channel.state in (ChannelState.ACTIVE, ChannelState.EXPIRED)


def _with_time(sheet: Sheet) -> None:
    """A time to begin with: the next full hour that is at least one hour away."""
    local = (clock.now() + timedelta(hours=2)).astimezone(clock.zone(sheet.timezone))
    sheet.date = sheet.date or f"{local:%Y-%m-%d}"
    sheet.time = sheet.time or f"{local:%H}:00"


def _upload(request: Asked, sheet: Sheet, key: str) -> tuple[str, list[str]]:
    """Put uploaded files into the library and into the part; what could not be used is told by file."""
    place = sheet.place(key)
    if place is None:
        return "", []
    leaf = place[0][place[1]]
    failed = []
    for file in request.FILES.getlist("file")[:MOST_MEDIA]:
        try:
            medium = store(request, file)
        except Refusal as exc:
            failed.append(said(exc))
            continue
        if str(medium.id) not in {p.id for p in leaf.media}:
            leaf.media.append(Piece(id=str(medium.id)))
    return key, failed


def store(request: Asked, file: Any) -> Medium:
    """An uploaded file as a medium of the library."""
    assert isinstance(file, TemporaryUploadedFile)
    return add_medium(request.actor, Path(file.temporary_file_path()), file.name or "file")


# What the page shows


@dataclass(slots=True, kw_only=True)
class Group:
    """The text for all, or one network's own."""

    network: str
    leaves: list[Leaf]
    can_thread: bool
    max_media: int


@dataclass(slots=True, kw_only=True)
class NetworkForm:
    """A network's own questions, from its capabilities."""

    network: str
    fields: list[tuple[Option, str]]  # with what was answered


@dataclass(slots=True, kw_only=True)
class Extras:
    """Which optional parts of a post the chosen channels know."""

    poll: PollRule | None = None
    link_card: bool = False
    first_comment: list[str] = field(default_factory=list)  # networks
    thread: bool = False


def _shown(request: Asked, sheet: Sheet, draft: Draft | None, every: Sequence[Channel]) -> dict[str, Any]:
    picked = chosen(sheet, every)
    media = (
        {str(m.id): m for m in all_media(request.actor).filter(id__in=sheet.media_ids())} if sheet.media_ids() else {}
    )
    for leaf in sheet.every_leaf():
        leaf.media = [p for p in leaf.media if p.id in media]
    networks = list(dict.fromkeys(c.network for c in picked))
    groups = [_group(g, leaves, picked, sheet) for g, leaves in sheet.leaves.items() if not g or g in networks]
    return _looked(request, sheet, draft, every) | {
        "draft": draft,
        "groups": groups,
        "hidden": [(g, leaves) for g, leaves in sheet.leaves.items() if g and g not in networks],
        "media": media,
        "usable": [c for c in every if _usable(c)],
        "networks": networks,
        "without_own": [n for n in networks if n not in sheet.leaves] if len(networks) > 1 else [],
        "forms": _forms(picked, sheet),
        "extras": _extras(picked),
        "campaigns": reading.campaigns(request.actor),
        "zones": zones(sheet.timezone, request.actor.workspace.timezone),
        "by_hand": draft is not None and draft.state == DraftState.SCHEDULED,
        "poll_lengths": sorted({*_poll_lengths(picked), sheet.poll_minutes}),
    }


def _poll_lengths(picked: Iterable[Channel]) -> list[int]:
    """Minutes that the chosen networks offer, or usual ones within their bounds."""
    rules = [rule for rule in (capabilities_of(c).poll for c in picked) if rule]
    offered = [set(rule.durations) for rule in rules if rule.durations]
    usual = [60, 360, 720, 1440, 4320, 10080, 20160]
    found = sorted(set.intersection(*offered)) if offered else usual
    return [m for m in found if all(rule.min_minutes <= m <= rule.max_minutes for rule in rules)]


def _group(network: str, leaves: list[Leaf], picked: Sequence[Channel], sheet: Sheet) -> Group:
    ours = [c for c in picked if c.network == network or (not network and c.network not in sheet.leaves)]
    able = [capabilities_of(c) for c in ours]
    return Group(
        network=network,
        leaves=leaves,
        can_thread=any(c.can(Ability.THREAD) for c in able),
        max_media=max((c.max_media for c in able), default=0),
    )


def _forms(picked: Iterable[Channel], sheet: Sheet) -> list[NetworkForm]:
    found: dict[str, dict[str, Option]] = {}
    for channel in picked:
        found.setdefault(channel.network, {}).update({o.name: o for o in capabilities_of(channel).options})
    return [
        NetworkForm(
            network=network, fields=[(o, sheet.options.get(f"{network}.{o.name}", o.default)) for o in options.values()]
        )
        for network, options in found.items()
        if options
    ]


def _extras(picked: Iterable[Channel]) -> Extras:
    extras = Extras()
    for channel in picked:
        can = capabilities_of(channel)
        extras.poll = extras.poll or can.poll
        extras.link_card = extras.link_card or can.can(Ability.LINK_CARD)
        extras.thread = extras.thread or can.can(Ability.THREAD)
        if can.can(Ability.FIRST_COMMENT) and channel.network not in extras.first_comment:
            extras.first_comment.append(channel.network)
    return extras


def _looked(request: Asked, sheet: Sheet, draft: Draft | None, every: Sequence[Channel]) -> dict[str, Any]:
    """Previews of all chosen channels, and for each part's key its counts."""
    picked = chosen(sheet, every)
    shown: dict[str, Any] = {
        "look_at": reverse("compose-look"),
        "sheet": sheet,
        "previews": [],
        "counts": {},
        "blank": sheet.is_blank,
        "picked": picked,
    }
    shown["confirming"] = [c for c in picked if capabilities_of(c).needs_confirmation]
    shown |= _time_note(request, sheet)
    try:
        made = writing.unsaved(request.actor, sheet.composition())
        if draft is not None:
            made.id = draft.id
        previews = schedule.preview(request.actor, made, picked, due_at=shown["moment"])
    except Refusal as exc:
        return shown | {"unseen": said(exc), "keys": [leaf.key for leaf in sheet.every_leaf()]}
    costs = schedule.cost(previews)
    counts: dict[str, list[tuple[Channel, RenderedPart]]] = {}
    for one in previews:
        leaves = sheet.leaves.get(one.channel.network) or sheet.leaves[""]
        for leaf, part in zip(leaves, one.rendered.parts, strict=False):
            told = counts.setdefault(leaf.key, [])
            if all((c.network, p.used, p.limit) != (one.channel.network, part.used, part.limit) for c, p in told):
                told.append((one.channel, part))
    blocked = [] if sheet.is_blank else [p for one in previews for p in one.rendered.problems]
    return shown | {
        "previews": previews, "counts": counts, "costs": [(micro, currency) for currency, micro in costs.items()], "problems": len(blocked),
        "keys": [leaf.key for leaf in sheet.every_leaf()], "split": _splittable(sheet, previews), "labels": marks.label,
    }  # fmt: skip


def _splittable(sheet: Sheet, previews: Iterable[Preview]) -> dict[str, bool]:
    """Parts that would fit as a thread, by key."""
    found = {}
    for one in previews:
        leaves = sheet.leaves.get(one.channel.network) or sheet.leaves[""]
        for problem in one.rendered.problems:
            where = problem.field.split(".")
            if (
                problem.mend == "split"
                and where[0] == "parts"
                and len(where) > 1
                and where[1].isdigit()
                and int(where[1]) < len(leaves)
            ):
                found[leaves[int(where[1])].key] = True
    return found


def _time_note(request: Asked, sheet: Sheet) -> dict[str, Any]:
    """When it would go out, also as the reader's own clock shows it; or what is wrong with the time."""
    if sheet.when != "at":
        return {"moment": None}
    try:
        moment: datetime | None = moment_of(sheet.date, sheet.time, sheet.timezone)
    except Refusal as exc:
        return {"moment": None, "time_error": said(exc)}
    note: dict[str, Any] = {"moment": moment}
    if sheet.timezone != person_of(request).timezone:
        note["elsewhere"] = True
    if moment is not None and moment < clock.now() - schedule.GRACE:
        note["time_error"] = _("This time is in the past; choose a time to come, or now.")
    return note


@page
@require_safe
def pick(request: Asked) -> HttpResponse:
    """The library as a choice for one part."""
    found = all_media(request.actor)
    if words := request.GET.get("words", "").strip():
        found = found.filter(name__icontains=words) | found.filter(alt__icontains=words)
    return render(
        request,
        "web/composer.html#library",
        {"key": request.GET.get("key", ""), "media": list(found[:SHOWN_IN_LIBRARY])},
    )
