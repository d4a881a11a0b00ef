"""The archive: finding, reading about one item, taking archives in, getting everything out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal

from asgiref.sync import sync_to_async
from django.contrib import messages
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from kicau.archive import exports, item_queries, record_statements, search, semantic_search
from kicau.archive.imports import actions
from kicau.archive.imports.copy_rows import HASHED_ID_PREFIX
from kicau.archive.imports.readers import readable_networks
from kicau.archive.models import Import, ImportState
from kicau.base import clock
from kicau.base.errors import DomainError, ValidationFailed
from kicau.base.ids import as_uuid
from kicau.connector import registry
from kicau.publishing.models import Campaign
from kicau.rights.models import USES
from kicau.rights.statements import NewStatement
from kicau.web.core.labels import error_sentence, errors_by_field
from kicau.web.core.views import MemberRequest, is_partial, member_page, run_action
from kicau.web.rights import forms
from kicau.web.rights import labels as w
from kicau.workspaces.actors import Permission


@member_page
@require_safe
def item_list(request: MemberRequest) -> HttpResponse:
    """Whole, or for htmx its list only."""
    request.actor.require(Permission.READ)
    query, trouble = _parse_query(request)
    try:
        if request.GET.get("near") and query.words:
            found = search.SearchPage(
                items=[n.item for n in semantic_search.find_similar(request.actor, query.words, query)], following=""
            )
        else:
            found = search.find_items(request.actor, query, after=request.GET.get("after", ""))
    except DomainError as exc:
        found, trouble = search.SearchPage(items=[], following=""), error_sentence(exc)
    asked = {k: v for k, v in request.GET.items() if v and k != "after"}
    shown: dict[str, Any] = {
        "by_meaning": bool(request.GET.get("near") and query.words),
        "items": found.items,
        "following": found.following,
        "query": query,
        "asked": asked,
        "trouble": trouble,
        "kinds": w.KIND_LABELS.items(),
        "ways": w.ACQUISITION_LABELS.items(),
        "uses": [(use, name) for use, (name, _about) in w.USE_LABELS.items()],
        "answers": w.VERDICT_BADGES.items(),
        "networks": registry.installed_slugs(),
        "campaigns": Campaign.objects.filter(workspace=request.actor.workspace).order_by("name")[:200],
    }
    return render(request, "archive/item_list.html", shown)


@member_page
@require_safe
def facets(request: MemberRequest) -> HttpResponse:
    """By what the list can be narrowed; fetched after the list itself."""
    query, _trouble = _parse_query(request)
    found = search.count_facets(request.actor, query)
    answers = [(key, w.VERDICT_BADGES[key].word, n) for key, n in found.answers.items()]
    shown = {
        "facets": found,
        "ways": w.ACQUISITION_LABELS,
        "kinds": w.KIND_LABELS,
        "query": query,
        "answers": answers,
        "use": w.USE_LABELS[found.use][0],
    }
    return render(request, "archive/facets.html", shown)


@member_page
@require_safe
def item_detail(request: MemberRequest, item_id: str) -> HttpResponse:
    return _render_item(request, item_id)


def _render_item(request: MemberRequest, item_id: str, wrong: dict[str, list[str]] | None = None) -> HttpResponse:
    """With `wrong`, the form as it was filled in."""
    story = item_queries.item_history(request.actor, item_id)
    form = forms.read_form(request.POST)
    shown = {
        "story": story,
        "item": story.item,
        "hashed": story.item.remote_id.startswith(HASHED_ID_PREFIX),
        "uses": [(use, *w.USE_LABELS[use], story.decisions[use]) for use in USES],
        "values": w.VALUE_LABELS.items(),
        "form": form,
        "conditions": forms.condition_rows(form["conditions"]),
        "errors": wrong or {},
    }
    return render(request, "archive/item_detail.html", shown, status=422 if wrong else 200)


@member_page
@require_POST
def add_item_statement(request: MemberRequest, item_id: str) -> HttpResponse:
    """What the form's author says of this very item; taking it back is a statement of its own."""
    found = item_queries.get_item(request.actor, item_id)
    taken_back = request.POST.get("verb") == "withdraw"
    try:
        form = forms.check_lengths(forms.read_form(request.POST))
        given = NewStatement(
            layer="withdrawal" if taken_back else "author",
            party="author" if found.standing.own else "workspace",
            party_name=request.actor.name,
            subject="item",
            item=found.id,
            says=dict.fromkeys(USES, "deny") if taken_back else form["says"],
            conditions={} if taken_back else forms.stated_conditions(request.POST),
            note=form["note"],
        )
        record_statements.add_statements(request.actor, [given])
    except ValidationFailed as exc:
        return _render_item(request, item_id, errors_by_field(exc))
    messages.success(
        request,
        _("The consent to use this content was withdrawn. From now on, the content may not be used for anything.")
        if taken_back
        else _("The rights statement was saved."),
    )
    return redirect("archive-item", item_id=item_id)


@member_page
@require_POST
def end_statement(request: MemberRequest, item_id: str, statement_id: str) -> HttpResponse:
    run_action(
        request,
        lambda: record_statements.end_statement(request.actor, statement_id),
        _("The rights statement was removed."),
    )
    return redirect("archive-item", item_id=item_id)


@member_page
@require_safe
def import_list(request: MemberRequest) -> HttpResponse:
    return _render_imports(request)


def _render_imports(request: MemberRequest, wrong: list[str] | None = None) -> HttpResponse:
    """With `wrong`, the form as it was filled in; a browser gives no file back."""
    rows = list(actions.list_imports(request.actor)[:100])
    shown = {
        "rows": [_import_context(row) for row in rows],
        "readable": readable_networks(),
        "networks": registry.installed_slugs(),
        "wrong": wrong,
        "form": {name: request.POST.get(name, "") for name in ("network", "account", "acquired")},
        "ways": w.OWNERSHIP_QUESTIONS.items(),
    }
    template = "archive/import_rows.html" if is_partial(request) else "archive/import_list.html"
    return render(request, template, shown, status=422 if wrong else 200)


@member_page
@require_POST
def begin_import(request: MemberRequest) -> HttpResponse:
    request.actor.require(Permission.WRITE)
    files, wrong = request.FILES.getlist("file"), []
    told = {name: request.POST.get(name, "").strip() for name in ("network", "account", "acquired")}
    for file in files:
        try:
            row = actions.begin_upload(request.actor, file, **told)
            if row.state != "asking":
                messages.success(
                    request, _("Kicau is importing the file %(name)s. You can leave this page.") % {"name": row.name}
                )
        except DomainError as exc:
            wrong.append(error_sentence(exc))
    if not files:
        wrong.append(_("First choose a file to import."))
    return _render_imports(request, wrong) if wrong else redirect("archive-imports")


@member_page
@require_POST
def act_on_import(request: MemberRequest, import_id: str, verb: str) -> HttpResponse:
    actor = request.actor
    what = {
        "own": lambda: actions.answer_import(actor, import_id, "imported"),
        "received": lambda: actions.answer_import(actor, import_id, "received"),
        "stop": lambda: actions.stop_import(actor, import_id),
        "resume": lambda: actions.resume_import(actor, import_id),
        "values": lambda: actions.answer_values(actor, import_id, request.POST.dict()),
    }.get(verb)
    if what is not None:
        run_action(
            request,
            what,
            _("The import was stopped. Posts and files that were already imported stay in the archive.")
            if verb == "stop"
            else _("Kicau is importing the file in the background. You can continue working."),
        )
    return redirect("archive-imports")


@member_page
@require_safe
def export(request: MemberRequest) -> HttpResponseBase:
    query, _trouble = _parse_query(request)
    pieces = exports.export_zip(request.actor, query)
    content = _as_async_pieces(pieces) if isinstance(request, ASGIRequest) else pieces
    answer = StreamingHttpResponse(content, content_type="application/zip")
    answer["Content-Disposition"] = f'attachment; filename="archive-{clock.now().date()}.zip"'
    return answer


async def _as_async_pieces(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    following = sync_to_async(lambda: next(pieces, None))
    while (piece := await following()) is not None:
        yield piece


def _parse_query(request: MemberRequest) -> tuple[search.ArchiveQuery, str]:
    """What the form asks; and a sentence about what in it cannot be read, which then does not count."""
    get = request.GET.get
    since, until = _parse_day(get("since", "")), _parse_day(get("until", ""))
    trouble = (
        ""
        if since is not False and until is not False
        else _("Enter a date as year, month and day, for example 2027-01-31.")
    )
    since, until = since or None, (until + timedelta(days=1)) if until else None  # people mean the whole day
    year = get("year", "")
    if year.isdecimal() and 1970 <= int(year) <= 9000:
        since, until = datetime(int(year), 1, 1, tzinfo=UTC), datetime(int(year) + 1, 1, 1, tzinfo=UTC)
    own = {"yes": True, "no": False}.get(get("own", ""))
    use = get("use", "")
    return search.ArchiveQuery(
        words=get("words", "")[:500],
        networks=_as_tuple(get("network")),
        authors=_as_tuple(get("author")),
        kinds=_as_tuple(get("kind")),
        acquired=_as_tuple(get("acquired")),
        own=own,
        campaign=as_uuid(get("campaign")) if get("campaign") else None,
        use=use if use in USES else "",
        answers=_as_tuple(get("answer") or "yes") if get("answer", "yes") in w.VERDICT_BADGES else ("yes",),
        oldest_first=get("order") == "oldest",
        since=since,
        until=until,
    ), trouble


def _parse_day(given: str) -> datetime | Literal[False] | None:
    """None where nothing is given, False where it is no day."""
    try:
        return datetime.combine(date.fromisoformat(given), time(), UTC) if given else None
    except ValueError:
        return False


def _as_tuple(value: str | None) -> tuple[str, ...]:
    return (value,) if value else ()


# Codes of what an archive says of itself that was not found in it: shown without a click.
INCOMPLETE_SKIP_CODES = frozenset(
    {"incomplete", "missing", "partial", "missing-posts", "missing-nodes", "cut", "no-list"}
)


def _import_context(row: Import) -> dict[str, Any]:
    share = min(100, round(100 * row.read / row.expected)) if row.expected else 0
    state = actions.display_state(row)
    nothing = state == ImportState.DONE and bool(row.skips) and not row.new + row.known
    asks_values = row.problem.get("code") == actions.VALUES_QUESTION and row.state == ImportState.ASKING
    badge = (
        w.HAS_QUESTION_BADGE
        if asks_values
        else w.NOTHING_IMPORTED_BADGE
        if nothing
        else w.WAITING_TO_RESUME_BADGE
        if state != row.state
        else w.IMPORT_STATE_BADGES[state]
    )
    return {
        "row": row,
        "state": state,
        "working": row.state in ("waiting", "running"),  # its section reloads itself, and no other's half-filled form
        "badge": badge,
        "nothing": nothing,
        "is_incomplete": any(one["code"] in INCOMPLETE_SKIP_CODES for one in row.skips),
        "share": share,
        "problem": item_queries.problem_from_json(row.problem) if row.problem else None,
        "skips": [(item_queries.problem_from_json(one), one) for one in row.skips],
        "way": w.ACQUISITION_LABELS[row.acquired],
        "values": [
            (
                one,
                w.COLUMN_LABELS[one.column],
                [(meaning, w.MEANING_LABELS[one.column][meaning]) for meaning in one.meanings],
            )
            for one in (actions.unknown_values(row) if row.state == ImportState.ASKING else ())
        ],
    }
