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
from kicau.base.errors import Conflict, DomainError, NotFound
from kicau.base.ids import NO_ID, as_uuid, new_id
from kicau.channels import actions as channels
from kicau.channels.models import Channel
from kicau.connector.content import MediaKind
from kicau.media import link_previews
from kicau.media.actions import add_medium, crop_medium, one_medium
from kicau.media.models import Medium
from kicau.publishing.approval import reviews
from kicau.publishing.calendar import post_queries
from kicau.publishing.content import autosave, compositions, snippets
from kicau.publishing.models import ChannelGroup, Draft, DraftState
from kicau.publishing.scheduling import actions, schedule, scheduled_posts
from kicau.web.composer import channel_groups, previews, publishing_time, scheduled
from kicau.web.composer.form import (
    MAX_MEDIA_PER_PART,
    MediumForm,
    PostForm,
    from_draft,
    from_form,
    hidden_content,
    selected_channels,
)
from kicau.web.composer.form_actions import apply_action
from kicau.web.core.labels import error_sentence, errors_by_field, localize_sentence, sentence
from kicau.web.core.views import MemberRequest, member_page, person_of
from kicau.workspaces.actors import Permission

EDITABLE_STATES = (DraftState.DRAFT, DraftState.SUBMITTED)


@member_page
@require_safe
def new_post(request: MemberRequest) -> HttpResponse:
    """A fresh id, so that a reload shows the same post."""
    query = request.GET.urlencode()
    return HttpResponseRedirect(reverse("compose-draft", args=[new_id()]) + (f"?{query}" if query else ""))


@member_page
@require_safe
def composer(request: MemberRequest, draft_id: UUID) -> HttpResponse:
    request.actor.require(Permission.WRITE)
    draft = _draft(request, draft_id)
    every, groups = _channels_and_groups(request)
    if draft is None:
        chosen = _default_channels(request, every, groups)
        sheet = PostForm(draft=draft_id, timezone=person_of(request).timezone, channels=chosen)
        sheet.leaves[""][0].text = request.GET.get("text", "")
        sheet.date, sheet.time = request.GET.get("day", "")[:10], request.GET.get("time", "")[:5]
        if (only := request.GET.get("channel", "")) and any(c.key == only for c in every):
            sheet.channels = [only]
    elif pending := _pending_edit(request, draft):
        sheet = pending
    else:
        sheet = from_draft(draft)
        if sheet.time_text:
            publishing_time.read_text(sheet, request.actor.workspace)
        if draft.state == DraftState.SCHEDULED:
            sheet.channels = []  # its deliveries say where it goes
        elif "desk" not in draft.extras:
            only = request.GET.get("channel", "")  # of what it answers
            sheet.channels = [only] if any(c.key == only for c in every) else _default_channels(request, every, groups)
    if draft is not None and draft.state == DraftState.SCHEDULED:
        scheduled.fill_form(sheet, scheduled.active_deliveries(request, draft))
    sheet.hand = new_id().hex
    _with_default_time(sheet)
    shown = previews.page_context(request, sheet, draft, every, groups)
    return render(request, "composer/composer.html", shown | {"pending": draft and draft.extras.get("pending")})


def _pending_edit(request: MemberRequest, draft: Draft) -> PostForm | None:
    """What was typed into a scheduled post and not saved yet, unless the post was changed since."""
    kept = draft.extras.get("pending")
    if not kept or kept["version"] != draft.version:
        return None
    form = QueryDict(kept["form"])
    sheet = from_form(form, draft.id)
    publishing_time.read_time_field(sheet, form, request.actor.workspace)
    sheet.version, sheet.rest = draft.version, hidden_content(draft)
    return sheet


@member_page
@require_POST
def change_form(request: MemberRequest) -> HttpResponse:
    """The editor again, after one of its buttons (or an upload) changed the sheet."""
    sheet, draft = _form_and_draft(request)
    every, groups = _channels_and_groups(request)
    verb = request.POST.get("act", "")
    failed: list[str] = []
    focus = ""
    if verb.startswith("upload:"):
        focus, failed = _upload_files(request, sheet, verb.removeprefix("upload:"))
    elif verb.startswith("crop:"):
        focus, failed = _crop_picture(request, sheet, *verb.split(":")[1:3])
    elif verb.startswith("cover:"):
        focus, failed = _set_cover(request, sheet, *verb.split(":")[1:3])
    elif verb == "link:picture":
        failed = _set_card_picture(request, sheet)
    else:
        focus = apply_action(sheet, verb, selected_channels(sheet, every))
        if verb in ("link:on", "link:read"):
            failed = _fill_link_card(request, sheet, refresh=verb == "link:read")
    shown = previews.editor_context(request, sheet, draft, every, groups) | {"focus": focus, "failed": failed}
    answer = render(request, "composer/editor.html", shown)
    answer["HX-Trigger-After-Settle"] = "shaped"
    return answer


@member_page
@require_POST
def preview(request: MemberRequest) -> HttpResponse:
    """What each chosen channel would show, with counts, problems and costs; nothing is saved."""
    sheet, draft = _form_and_draft(request)
    every = list(channels.channels(request.actor))
    shown = previews.preview_context(request, sheet, draft, every) | {"zone_field": request.POST.get("timezone", "")}
    return render(request, "composer/preview.html", shown)


@member_page
@require_POST
def autosave_form(request: MemberRequest) -> HttpResponse:
    """Save what is being written. A post that is scheduled is not touched before its author says so: what is typed is
    kept beside it."""
    sheet, draft = _form_and_draft(request)
    if draft is None and sheet.is_blank:
        return _autosave_response(request, sheet, "blank")
    try:
        if draft is not None and draft.state == DraftState.SCHEDULED:
            if sheet.version != draft.version:
                raise Conflict(
                    "Someone else changed this post after you opened it. Open the post again to see the change, then repeat your own change."
                )
            autosave.save_pending_form(request.actor, draft.id, _submitted_form(request), sheet.hand)
            return _autosave_response(request, sheet, "by-hand")
        saved = autosave.autosave(
            request.actor, sheet.draft, sheet.composition(), version=sheet.version, desk=sheet.desk()
        )
    except Conflict as exc:
        return _autosave_response(request, sheet, "conflict", sentence=error_sentence(exc), status=409)
    except DomainError as exc:
        return _autosave_response(request, sheet, "refused", sentence=error_sentence(exc), status=422)
    sheet.version = saved.version
    return _autosave_response(request, sheet, "saved")


def _autosave_response(
    request: MemberRequest, sheet: PostForm, how: str, *, sentence: str = "", status: int = 200
) -> HttpResponse:
    shown = {"sheet": sheet, "how": how, "sentence": sentence, "at": clock.now()}
    return render(request, "composer/autosave_form.html", shown, status=status)


def _submitted_form(request: MemberRequest) -> str:
    """The form as the browser sent it, without what guards the request."""
    form = request.POST.copy()
    for name in ("csrfmiddlewaretoken", "how", "act"):
        form.pop(name, None)
    return form.urlencode()


@member_page
@require_POST
def discard_pending(request: MemberRequest, draft_id: UUID) -> HttpResponse:
    """Forget what was typed into a scheduled post."""
    autosave.discard_pending_form(request.actor, draft_id)
    return redirect("compose-draft", draft_id=draft_id)


@member_page
@require_POST
def submit_form(request: MemberRequest) -> HttpResponse:
    """Schedule, submit or save. Whatever is wrong, the same page comes back with all that was typed."""
    sheet, draft = _form_and_draft(request)
    how = request.POST.get("how", "schedule")
    try:
        if draft is not None and how in ("theirs", "mine"):
            return _resolve_conflict(request, sheet, draft, how)
        if draft is not None and draft.state == DraftState.SCHEDULED:
            return _save_scheduled(request, sheet, draft, how)
        saved = autosave.autosave(
            request.actor, sheet.draft, sheet.composition(), version=sheet.version, desk=sheet.desk()
        )
        sheet.version = saved.version
        return _redirect_to_saved(request, sheet, saved, how)
    except NotFound:
        raise
    except DomainError as exc:
        every, groups = _channels_and_groups(request)
        shown = previews.page_context(request, sheet, draft, every, groups)
        if scheduled.asks_to_confirm(exc):
            shown |= {"confirm_again": errors_by_field(exc).get("confirm", [])}
        else:
            clashes = isinstance(exc, Conflict) and draft is not None and sheet.version != draft.version
            shown |= {"errors": errors_by_field(exc), "sentence": error_sentence(exc), "clash": clashes}
        return render(request, "composer/composer.html", shown, status=422)


def _save_scheduled(request: MemberRequest, sheet: PostForm, draft: Draft, how: str) -> HttpResponse:
    """Save content, time and channels of what has not begun. A form of before the post was scheduled changes nothing:
    a second press of its button leads to the post, and other words come back to their author."""
    if how in ("schedule", "submit"):
        if autosave.has_same_content(draft, sheet.composition()):
            return redirect("post", draft_id=draft.id)
        scheduled.fill_form(sheet, scheduled.active_deliveries(request, draft))
        raise Conflict(
            "This post was scheduled while you were writing. Save your changes to the scheduled post. To publish the same content a second time, choose “Publish again” on the post's page."
        )
    confirm = True if sheet.confirm or how == "save-confirmed" else False if how == "save-unconfirmed" else None
    usable = filter(previews.usable, channels.channels(request.actor))
    wanted = scheduled.change_from_form(sheet, usable, confirm=confirm)
    done = scheduled_posts.change_post(request.actor, draft.id, wanted, version=sheet.version)
    scheduled.report_result(request, done)
    return redirect("post", draft_id=draft.id)


def _resolve_conflict(request: MemberRequest, sheet: PostForm, draft: Draft, how: str) -> HttpResponse:
    """Two people changed one post: one version stays in its place, the other becomes a draft of its own."""
    if how == "mine":
        other = actions.duplicate(request.actor, draft.id)
        if draft.state in EDITABLE_STATES:
            autosave.autosave(request.actor, draft.id, sheet.composition(), version=draft.version, desk=sheet.desk())
        else:
            usable = filter(previews.usable, channels.channels(request.actor))
            wanted = scheduled.change_from_form(sheet, usable, confirm=sheet.confirm or None)
            scheduled_posts.change_post(request.actor, draft.id, wanted, version=draft.version)
        told = _(
            "This post keeps the content that you wrote. The version that another person saved is now a separate draft."
        )
    else:
        other = autosave.autosave(request.actor, new_id(), sheet.composition(), version=0, desk=sheet.desk())
        told = _("This post keeps the content that another person saved. Your own version is now a separate draft.")
    messages.success(
        request,
        format_html('{} <a href="{}">{}</a>', told, reverse("compose-draft", args=[other.id]), _("Open in Kicau")),
    )
    return redirect("compose-draft", draft_id=draft.id)


def _redirect_to_saved(request: MemberRequest, sheet: PostForm, saved: Draft, how: str) -> HttpResponse:
    if how == "save":
        messages.success(request, _("Your changes are saved."))
    elif how == "submit":
        reviews.submit(request.actor, saved.id)
        messages.success(request, _("The post was submitted for approval."))
    else:
        _schedule(request, sheet, saved.id)
    return redirect("post", draft_id=saved.id)


def _schedule(request: MemberRequest, sheet: PostForm, draft_id: UUID) -> None:
    draft = compositions.one_draft(request.actor, draft_id)
    picked = selected_channels(sheet, channels.channels(request.actor))
    if not picked:
        schedule.schedule(request.actor, draft, [], clock.now())  # raises, in the domain's own words
    match sheet.when:
        case "slot":
            at = None
        case "now":
            at = clock.now()
        case _:
            at = publishing_time.moment_of(sheet)
    wanted = schedule.ScheduleRequest(draft=draft, channels=picked, due_at=at, timezone=sheet.timezone)
    done = schedule.schedule_many(request.actor, [wanted], confirm=sheet.confirm)
    said_now = _("Kicau is publishing the post now.") if sheet.when == "now" else _("The post is scheduled.")
    messages.success(request, said_now)
    for notice in done.notices:
        if notice.code == "duplicate":
            messages.warning(request, sentence(notice))


def _form_and_draft(request: MemberRequest) -> tuple[PostForm, Draft | None]:
    request.actor.require(Permission.WRITE)
    draft_id = as_uuid(request.POST.get("draft", ""))
    if draft_id == NO_ID:
        raise NotFound("post", request.POST.get("draft", ""))
    draft = _draft(request, draft_id)
    sheet = from_form(request.POST, draft_id)
    sheet.timezone = sheet.timezone or person_of(request).timezone
    publishing_time.read_time_field(sheet, request.POST, request.actor.workspace)
    if draft is not None:
        sheet.rest = hidden_content(draft)
    return sheet, draft


def _draft(request: MemberRequest, draft_id: UUID) -> Draft | None:
    return compositions.with_content(compositions.drafts(request.actor)).filter(id=draft_id).first()


def _channels_and_groups(request: MemberRequest) -> tuple[list[Channel], list[ChannelGroup]]:
    return list(channels.channels(request.actor)), list(snippets.channel_groups(request.actor))


def _default_channels(request: MemberRequest, every: Sequence[Channel], groups: Sequence[ChannelGroup]) -> list[str]:
    """What this person chose in this workspace for the last post; before the first, the largest brand."""
    usable = [c for c in every if previews.usable(c)]
    keys = {c.key for c in usable}
    if last := [key for key in post_queries.last_chosen_channels(request.actor) if key in keys]:
        return last
    brands = channel_groups.brands(usable, groups)
    first = max(brands, key=lambda brand: (bool(brand.name), len(brand.channels)), default=None)
    return [c.key for c in first.channels] if first else []


def _with_default_time(sheet: PostForm) -> None:
    """A time to begin with: the next full hour that is at least one hour away."""
    if sheet.time_text:
        return
    local = (clock.now() + timedelta(hours=2)).astimezone(clock.find_zone(sheet.timezone))
    sheet.date = sheet.date or f"{local:%Y-%m-%d}"
    sheet.time = sheet.time or f"{local:%H}:00"


def _upload_files(request: MemberRequest, sheet: PostForm, key: str) -> tuple[str, list[str]]:
    """Put uploaded files into the library and into the part; what could not be used is told by file."""
    place = sheet.place(key)
    if place is None:
        return "", []
    leaf = place[0][place[1]]
    failed = []
    for file in request.FILES.getlist("file")[:MAX_MEDIA_PER_PART]:
        try:
            medium = store_upload(request, file)
        except DomainError as exc:
            failed.append(error_sentence(exc))
            continue
        if str(medium.id) not in {p.id for p in leaf.media}:
            leaf.media.append(MediumForm(id=str(medium.id)))
    return key, failed


def _crop_picture(request: MemberRequest, sheet: PostForm, key: str, medium: str) -> tuple[str, list[str]]:
    """The framed part of a picture in its place."""
    piece = _find_medium(sheet, key, medium)
    if piece is None:
        return "", []
    try:
        frame = [float(request.POST.get(name, "")) for name in ("left", "top", "width", "height")]
        piece.id = str(crop_medium(request.actor, medium, *frame).id)
    except ValueError:
        return key, [
            _(
                "The crop area must be inside the image and at least one pixel wide and high. Move the area or change its size."
            )
        ]
    except DomainError as exc:
        return key, [error_sentence(exc)]
    return key, []


def _set_cover(request: MemberRequest, sheet: PostForm, key: str, medium: str) -> tuple[str, list[str]]:
    """A video's cover: the frame `at`, a picture of the library or a new one; none of these takes it off."""
    piece = _find_medium(sheet, key, medium)
    if piece is None:
        return "", []
    at, picture = request.POST.get("at", ""), request.POST.get("picture", "")
    try:
        if file := request.FILES.get("file"):
            picture = str(store_upload(request, file).id)
        if picture and one_medium(request.actor, picture).kind != MediaKind.IMAGE:
            return key, [_("The video can have only one cover. Choose either an image or a frame from the video.")]
    except DomainError as exc:
        return key, [error_sentence(exc)]
    piece.cover, piece.cover_ms = picture, int(at) if at.isdecimal() and len(at) < 9 and not picture else None
    return key, []


def _fill_link_card(request: MemberRequest, sheet: PostForm, *, refresh: bool) -> list[str]:
    """The card says what the linked page says; what its author changes afterwards stays until the page is read again."""
    link = sheet.link
    if link is None or not link.url:
        return []
    try:
        page = outbound.run_request(
            request.actor.person_id, link_previews.read_page, request.actor, link.url, refresh=refresh
        )
    except DomainError as exc:
        return [error_sentence(exc)]
    if page.title:
        picture = str(page.picture_id) if page.picture_id else link.thumbnail
        sheet.link = replace(link, title=page.title, description=page.description, thumbnail=picture)
    return [localize_sentence(page.why, page.said)] if page.why else []


def _set_card_picture(request: MemberRequest, sheet: PostForm) -> list[str]:
    """Another picture for the card."""
    file = request.FILES.get("file")
    if sheet.link is None or file is None:
        return []
    try:
        medium = store_upload(request, file)
    except DomainError as exc:
        return [error_sentence(exc)]
    if medium.kind != MediaKind.IMAGE:
        return [_("Choose an image file for the link preview.")]
    sheet.link = replace(sheet.link, thumbnail=str(medium.id))
    return []


def _find_medium(sheet: PostForm, key: str, medium: str) -> MediumForm | None:
    place = sheet.place(key)
    return next((p for p in place[0][place[1]].media if p.id == medium), None) if place else None


def store_upload(request: MemberRequest, file: Any) -> Medium:
    """An uploaded file as a medium of the library."""
    assert isinstance(file, TemporaryUploadedFile)
    return add_medium(request.actor, Path(file.temporary_file_path()), file.name or "file")
