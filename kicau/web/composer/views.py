"""The composer's page and its pieces: shaped, looked at, kept and sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.files.uploadedfile import TemporaryUploadedFile
from django.http import HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from kicau.base import clock, outbound
from kicau.base.errors import Conflict, NotFound, Refusal
from kicau.base.ids import NO_ID, as_uuid, new_id
from kicau.channels import actions as channels
from kicau.channels.models import Channel
from kicau.connector.content import MediaKind
from kicau.media import link_previews
from kicau.media.actions import add_medium, crop_medium, one_medium
from kicau.media.models import Medium
from kicau.publishing.approval import reviews
from kicau.publishing.calendar import post_queries
from kicau.publishing.content import autosave, compositions
from kicau.publishing.models import Draft, DraftState
from kicau.publishing.scheduling import actions, schedule, scheduled_posts
from kicau.web.composer import previews, scheduled
from kicau.web.composer.form import MOST_MEDIA, Piece, Sheet, chosen, from_draft, from_form, unseen
from kicau.web.composer.form_actions import shape
from kicau.web.core.labels import by_field, said, sentence, told
from kicau.web.core.times import moment_of
from kicau.web.core.views import Asked, page, person_of
from kicau.workspaces.actors import Permission

LAST_CHOICE = "channels"  # the session's key: what was chosen for the last post
UNSENT = (DraftState.DRAFT, DraftState.SUBMITTED)


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
        sheet.date, sheet.time = request.GET.get("day", "")[:10], request.GET.get("time", "")[:5]
        if (only := request.GET.get("channel", "")) and any(c.key == only for c in every):
            sheet.channels = [only]
    elif pending := _pending(draft):
        sheet = pending
    else:
        sheet = from_draft(draft)
        if draft.state == DraftState.SCHEDULED:
            sheet.channels = []  # its deliveries say where it goes
        elif "desk" not in draft.extras:
            only = request.GET.get("channel", "")  # of what it answers
            sheet.channels = [only] if any(c.key == only for c in every) else _usual(request, every)
    if draft is not None and draft.state == DraftState.SCHEDULED:
        scheduled.fill(sheet, scheduled.deliveries(request, draft))
    sheet.hand = new_id().hex
    _with_time(sheet)
    shown = previews.whole_page(request, sheet, draft, every)
    return render(request, "web/composer.html", shown | {"pending": draft and draft.extras.get("pending")})


def _pending(draft: Draft) -> Sheet | None:
    """What was typed into a scheduled post and not saved yet, unless the post was changed since."""
    kept = draft.extras.get("pending")
    if not kept or kept["version"] != draft.version:
        return None
    sheet = from_form(QueryDict(kept["form"]), draft.id)
    sheet.version, sheet.rest = draft.version, unseen(draft)
    return sheet


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
    elif verb.startswith("crop:"):
        focus, failed = _crop(request, sheet, *verb.split(":")[1:3])
    elif verb.startswith("cover:"):
        focus, failed = _cover(request, sheet, *verb.split(":")[1:3])
    elif verb == "link:picture":
        failed = _card_picture(request, sheet)
    else:
        focus = shape(sheet, verb, chosen(sheet, every))
        if verb in ("link:on", "link:read"):
            failed = _read_page(request, sheet, anew=verb == "link:read")
    shown = previews.editor(request, sheet, draft, every) | {"focus": focus, "failed": failed}
    answer = render(request, "web/composer/editor.html", shown)
    answer["HX-Trigger-After-Settle"] = "shaped"
    return answer


@page
@require_POST
def look(request: Asked) -> HttpResponse:
    """What each chosen channel would show, with counts, problems and costs; nothing is saved."""
    sheet, draft = _asked_sheet(request)
    every = list(channels.channels(request.actor))
    return render(request, "web/composer/look.html", previews.looked(request, sheet, draft, every))


@page
@require_POST
def keep(request: Asked) -> HttpResponse:
    """Save what is being written. A post that is scheduled is not touched before its author says so: what is typed is
    kept beside it."""
    sheet, draft = _asked_sheet(request)
    if draft is None and sheet.is_blank:
        return _kept(request, sheet, "blank")
    try:
        if draft is not None and draft.state == DraftState.SCHEDULED:
            if sheet.version != draft.version:
                raise Conflict("Somebody changed this post meanwhile; read it again, then put your change in.")
            autosave.keep_pending(request.actor, draft.id, _typed(request), sheet.hand)
            return _kept(request, sheet, "by-hand")
        saved = autosave.keep(request.actor, sheet.draft, sheet.composition(), version=sheet.version, desk=sheet.desk())
    except Conflict as exc:
        return _kept(request, sheet, "conflict", sentence=said(exc), status=409)
    except Refusal as exc:
        return _kept(request, sheet, "refused", sentence=said(exc), status=422)
    sheet.version = saved.version
    return _kept(request, sheet, "saved")


def _kept(request: Asked, sheet: Sheet, how: str, *, sentence: str = "", status: int = 200) -> HttpResponse:
    shown = {"sheet": sheet, "how": how, "sentence": sentence, "at": clock.now()}
    return render(request, "web/composer/kept.html", shown, status=status)


def _typed(request: Asked) -> str:
    """The form as the browser sent it, without what guards the request."""
    form = request.POST.copy()
    for name in ("csrfmiddlewaretoken", "how", "act"):
        form.pop(name, None)
    return form.urlencode()


@page
@require_POST
def drop(request: Asked, draft_id: UUID) -> HttpResponse:
    """Forget what was typed into a scheduled post."""
    autosave.drop_pending(request.actor, draft_id)
    return redirect("compose-draft", draft_id=draft_id)


@page
@require_POST
def send(request: Asked) -> HttpResponse:
    """Schedule, submit or save. Whatever is wrong, the same page comes back with all that was typed."""
    sheet, draft = _asked_sheet(request)
    how = request.POST.get("how", "schedule")
    try:
        if draft is not None and how in ("theirs", "mine"):
            return _settle(request, sheet, draft, how)
        if draft is not None and draft.state == DraftState.SCHEDULED:
            return _save_scheduled(request, sheet, draft, how)
        saved = autosave.keep(request.actor, sheet.draft, sheet.composition(), version=sheet.version, desk=sheet.desk())
        sheet.version = saved.version
        return _finish(request, sheet, saved, how)
    except NotFound:
        raise
    except Refusal as exc:
        every = list(channels.channels(request.actor))
        shown = previews.whole_page(request, sheet, draft, every)
        if scheduled.asks_to_confirm(exc):
            shown |= {"confirm_again": by_field(exc).get("confirm", [])}
        else:
            clashes = isinstance(exc, Conflict) and draft is not None and sheet.version != draft.version
            shown |= {"errors": by_field(exc), "sentence": said(exc), "clash": clashes}
        return render(request, "web/composer.html", shown, status=422)


def _save_scheduled(request: Asked, sheet: Sheet, draft: Draft, how: str) -> HttpResponse:
    """Save content, time and channels of what has not begun. A form of before the post was scheduled changes nothing:
    a second press of its button leads to the post, and other words come back to their author."""
    if how in ("schedule", "submit"):
        if autosave.says(draft, sheet.composition()):
            return redirect("post", draft_id=draft.id)
        scheduled.fill(sheet, scheduled.deliveries(request, draft))
        raise Conflict("This post was scheduled meanwhile. Save your changes to it, or publish it again.")
    confirm = True if sheet.confirm or how == "save-confirmed" else False if how == "save-unconfirmed" else None
    usable = filter(previews.usable, channels.channels(request.actor))
    wanted = scheduled.change_of(sheet, usable, confirm=confirm)
    done = scheduled_posts.change(request.actor, draft.id, wanted, version=sheet.version)
    scheduled.report(request, done)
    return redirect("post", draft_id=draft.id)


def _settle(request: Asked, sheet: Sheet, draft: Draft, how: str) -> HttpResponse:
    """Two people changed one post: one version stays in its place, the other becomes a draft of its own."""
    if how == "mine":
        other = actions.duplicate(request.actor, draft.id)
        if draft.state in UNSENT:
            autosave.keep(request.actor, draft.id, sheet.composition(), version=draft.version, desk=sheet.desk())
        else:
            usable = filter(previews.usable, channels.channels(request.actor))
            wanted = scheduled.change_of(sheet, usable, confirm=sheet.confirm or None)
            scheduled_posts.change(request.actor, draft.id, wanted, version=draft.version)
        told = _("Your version is in its place; theirs is kept as a draft of its own.")
    else:
        other = autosave.keep(request.actor, new_id(), sheet.composition(), version=0, desk=sheet.desk())
        told = _("Their version is in its place; yours is kept as a draft of its own.")
    messages.success(
        request, format_html('{} <a href="{}">{}</a>', told, reverse("compose-draft", args=[other.id]), _("Open it"))
    )
    return redirect("compose-draft", draft_id=draft.id)


def _finish(request: Asked, sheet: Sheet, saved: Draft, how: str) -> HttpResponse:
    if how == "save":
        messages.success(request, _("Saved."))
    elif how == "submit":
        reviews.submit(request.actor, saved.id)
        messages.success(request, _("Handed to the editors."))
    else:
        _schedule(request, sheet, saved.id)
        request.session[LAST_CHOICE] = sheet.channels
    return redirect("post", draft_id=saved.id)


def _schedule(request: Asked, sheet: Sheet, draft_id: UUID) -> None:
    draft = compositions.one_draft(request.actor, draft_id)
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
    return compositions.whole(compositions.drafts(request.actor)).filter(id=draft_id).first()


def _usual(request: Asked, every: Sequence[Channel]) -> list[str]:
    """What was chosen for the last post, in this session or before it; before the first, all."""
    usable = {c.key for c in every if previews.usable(c)}
    last = request.session.get(LAST_CHOICE) or post_queries.last_choice(request.actor) or [c.key for c in every]
    return [key for key in last if key in usable]


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


def _crop(request: Asked, sheet: Sheet, key: str, medium: str) -> tuple[str, list[str]]:
    """The framed part of a picture in its place."""
    piece = _piece(sheet, key, medium)
    if piece is None:
        return "", []
    try:
        frame = [float(request.POST.get(name, "")) for name in ("left", "top", "width", "height")]
        piece.id = str(crop_medium(request.actor, medium, *frame).id)
    except ValueError:
        return key, [_("The frame must lie inside the picture.")]
    except Refusal as exc:
        return key, [said(exc)]
    return key, []


def _cover(request: Asked, sheet: Sheet, key: str, medium: str) -> tuple[str, list[str]]:
    """A video's cover: the frame `at`, a picture of the library or a new one; none of these takes it off."""
    piece = _piece(sheet, key, medium)
    if piece is None:
        return "", []
    at, picture = request.POST.get("at", ""), request.POST.get("picture", "")
    try:
        if file := request.FILES.get("file"):
            picture = str(store(request, file).id)
        if picture and one_medium(request.actor, picture).kind != MediaKind.IMAGE:
            return key, [_("A video's cover is a picture, or a frame of it.")]
    except Refusal as exc:
        return key, [said(exc)]
    piece.cover, piece.cover_ms = picture, int(at) if at.isdecimal() and len(at) < 9 and not picture else None
    return key, []


def _read_page(request: Asked, sheet: Sheet, *, anew: bool) -> list[str]:
    """The card says what the linked page says; what its author changes afterwards stays until the page is read again."""
    link = sheet.link
    if link is None or not link.url:
        return []
    try:
        page = outbound.run(request.actor.person_id, link_previews.read, request.actor, link.url, anew=anew)
    except Refusal as exc:
        return [said(exc)]
    if page.title:
        picture = str(page.picture_id) if page.picture_id else link.thumbnail
        sheet.link = replace(link, title=page.title, description=page.description, thumbnail=picture)
    return [told(page.why, page.said)] if page.why else []


def _card_picture(request: Asked, sheet: Sheet) -> list[str]:
    """Another picture for the card."""
    file = request.FILES.get("file")
    if sheet.link is None or file is None:
        return []
    try:
        medium = store(request, file)
    except Refusal as exc:
        return [said(exc)]
    if medium.kind != MediaKind.IMAGE:
        return [_("The picture of a link card is a picture.")]
    sheet.link = replace(sheet.link, thumbnail=str(medium.id))
    return []


def _piece(sheet: Sheet, key: str, medium: str) -> Piece | None:
    place = sheet.place(key)
    return next((p for p in place[0][place[1]].media if p.id == medium), None) if place else None


def store(request: Asked, file: Any) -> Medium:
    """An uploaded file as a medium of the library."""
    assert isinstance(file, TemporaryUploadedFile)
    return add_medium(request.actor, Path(file.temporary_file_path()), file.name or "file")
