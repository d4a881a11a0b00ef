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
from kicau.archive.imports.copy_rows import HASHED
from kicau.archive.imports.readers import readable
from kicau.archive.models import Import, ImportState
from kicau.base import clock
from kicau.base.errors import Refusal, Unacceptable
from kicau.base.ids import as_uuid
from kicau.connector import registry
from kicau.publishing.models import Campaign
from kicau.rights.models import USES
from kicau.rights.statements import NewStatement
from kicau.web.core.labels import by_field, said
from kicau.web.core.views import Asked, attempt, is_partial, page
from kicau.web.rights import forms
from kicau.web.rights import labels as w
from kicau.workspaces.actors import Permission


@page
@require_safe
def index(request: Asked) -> HttpResponse:
    """Whole, or for htmx its list only."""
    request.actor.require(Permission.READ)
    query, trouble = _query(request)
    try:
        if request.GET.get("near") and query.words:
            found = search.Page(
                items=[n.item for n in semantic_search.near(request.actor, query.words, query)], following=""
            )
        else:
            found = search.find(request.actor, query, after=request.GET.get("after", ""))
    except Refusal as exc:
        found, trouble = search.Page(items=[], following=""), said(exc)
    asked = {k: v for k, v in request.GET.items() if v and k != "after"}
    shown: dict[str, Any] = {
        "by_meaning": bool(request.GET.get("near") and query.words),
        "items": found.items,
        "following": found.following,
        "query": query,
        "asked": asked,
        "trouble": trouble,
        "kinds": w.KINDS.items(),
        "ways": w.WAYS.items(),
        "uses": [(use, name) for use, (name, _about) in w.USES.items()],
        "answers": w.ANSWERS.items(),
        "networks": registry.slugs(),
        "campaigns": Campaign.objects.filter(workspace=request.actor.workspace).order_by("name")[:200],
    }
    return render(request, "web/archive/index.html", shown)


@page
@require_safe
def facets(request: Asked) -> HttpResponse:
    """By what the list can be narrowed; fetched after the list itself."""
    query, _trouble = _query(request)
    found = search.facets(request.actor, query)
    answers = [(key, w.ANSWERS[key].word, n) for key, n in found.answers.items()]
    shown = {
        "facets": found,
        "ways": w.WAYS,
        "kinds": w.KINDS,
        "query": query,
        "answers": answers,
        "use": w.USES[found.use][0],
    }
    return render(request, "web/archive/facets.html", shown)


@page
@require_safe
def item(request: Asked, item_id: str) -> HttpResponse:
    return _item(request, item_id)


def _item(request: Asked, item_id: str, wrong: dict[str, list[str]] | None = None) -> HttpResponse:
    """With `wrong`, the form as it was filled in."""
    story = item_queries.story(request.actor, item_id)
    form = forms.read(request.POST)
    shown = {
        "story": story,
        "item": story.item,
        "hashed": story.item.remote_id.startswith(HASHED),
        "uses": [(use, *w.USES[use], story.decisions[use]) for use in USES],
        "values": w.VALUES.items(),
        "form": form,
        "conditions": forms.rows(form["conditions"]),
        "errors": wrong or {},
    }
    return render(request, "web/archive/item.html", shown, status=422 if wrong else 200)


@page
@require_POST
def say(request: Asked, item_id: str) -> HttpResponse:
    """What the form's author says of this very item; taking it back is a statement of its own."""
    found = item_queries.one_item(request.actor, item_id)
    taken_back = request.POST.get("verb") == "withdraw"
    try:
        form = forms.checked(forms.read(request.POST))
        given = NewStatement(
            layer="withdrawal" if taken_back else "author",
            party="author" if found.standing.own else "workspace",
            party_name=request.actor.name,
            subject="item",
            item=found.id,
            says=dict.fromkeys(USES, "deny") if taken_back else form["says"],
            conditions={} if taken_back else forms.conditions(request.POST),
            note=form["note"],
        )
        record_statements.say(request.actor, [given])
    except Unacceptable as exc:
        return _item(request, item_id, by_field(exc))
    messages.success(
        request, _("Taken back: from now on nobody may use it for anything.") if taken_back else _("Kept.")
    )
    return redirect("archive-item", item_id=item_id)


@page
@require_POST
def end(request: Asked, item_id: str, statement_id: str) -> HttpResponse:
    attempt(request, lambda: record_statements.end_statement(request.actor, statement_id), _("Ended."))
    return redirect("archive-item", item_id=item_id)


@page
@require_safe
def imports(request: Asked) -> HttpResponse:
    return _imports(request)


def _imports(request: Asked, wrong: list[str] | None = None) -> HttpResponse:
    """With `wrong`, the form as it was filled in; a browser gives no file back."""
    rows = list(actions.imports(request.actor)[:100])
    shown = {
        "rows": [_shown(row) for row in rows],
        "readable": readable(),
        "networks": registry.slugs(),
        "wrong": wrong,
        "form": {name: request.POST.get(name, "") for name in ("network", "account", "acquired")},
        "ways": w.WHOSE.items(),
    }
    template = "web/archive/rows.html" if is_partial(request) else "web/archive/imports.html"
    return render(request, template, shown, status=422 if wrong else 200)


@page
@require_POST
def begin(request: Asked) -> HttpResponse:
    request.actor.require(Permission.WRITE)
    files, wrong = request.FILES.getlist("file"), []
    told = {name: request.POST.get(name, "").strip() for name in ("network", "account", "acquired")}
    for file in files:
        try:
            row = actions.begin_upload(request.actor, file, **told)
            if row.state != "asking":
                messages.success(request, _("%(name)s is being read. You can leave this page.") % {"name": row.name})
        except Refusal as exc:
            wrong.append(said(exc))
    if not files:
        wrong.append(_("Choose a file first."))
    return _imports(request, wrong) if wrong else redirect("archive-imports")


@page
@require_POST
def do(request: Asked, import_id: str, verb: str) -> HttpResponse:
    actor = request.actor
    what = {
        "own": lambda: actions.answer_import(actor, import_id, "imported"),
        "received": lambda: actions.answer_import(actor, import_id, "received"),
        "stop": lambda: actions.stop_import(actor, import_id),
        "resume": lambda: actions.resume_import(actor, import_id),
        "values": lambda: actions.answer_values(actor, import_id, request.POST.dict()),
    }.get(verb)
    if what is not None:
        attempt(request, what, _("Stopped; what was read stays.") if verb == "stop" else _("It is read by and by."))
    return redirect("archive-imports")


@page
@require_safe
def export(request: Asked) -> HttpResponseBase:
    query, _trouble = _query(request)
    pieces = exports.zipped(request.actor, query)
    content = _in_turn(pieces) if isinstance(request, ASGIRequest) else pieces
    answer = StreamingHttpResponse(content, content_type="application/zip")
    answer["Content-Disposition"] = f'attachment; filename="archive-{clock.now().date()}.zip"'
    return answer


async def _in_turn(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    following = sync_to_async(lambda: next(pieces, None))
    while (piece := await following()) is not None:
        yield piece


def _query(request: Asked) -> tuple[search.Query, str]:
    """What the form asks; and a sentence about what in it cannot be read, which then does not count."""
    get = request.GET.get
    since, until = _day(get("since", "")), _day(get("until", ""))
    trouble = "" if since is not False and until is not False else _("Give a day such as 2027-01-31.")
    since, until = since or None, (until + timedelta(days=1)) if until else None  # people mean the whole day
    year = get("year", "")
    if year.isdecimal() and 1970 <= int(year) <= 9000:
        since, until = datetime(int(year), 1, 1, tzinfo=UTC), datetime(int(year) + 1, 1, 1, tzinfo=UTC)
    own = {"yes": True, "no": False}.get(get("own", ""))
    use = get("use", "")
    return search.Query(
        words=get("words", "")[:500],
        networks=_one(get("network")),
        authors=_one(get("author")),
        kinds=_one(get("kind")),
        acquired=_one(get("acquired")),
        own=own,
        campaign=as_uuid(get("campaign")) if get("campaign") else None,
        use=use if use in USES else "",
        answers=_one(get("answer") or "yes") if get("answer", "yes") in w.ANSWERS else ("yes",),
        oldest_first=get("order") == "oldest",
        since=since,
        until=until,
    ), trouble


def _day(given: str) -> datetime | Literal[False] | None:
    """None where nothing is given, False where it is no day."""
    try:
        return datetime.combine(date.fromisoformat(given), time(), UTC) if given else None
    except ValueError:
        return False


def _one(value: str | None) -> tuple[str, ...]:
    return (value,) if value else ()


# Codes of what an archive says of itself that was not found in it: shown without a click.
INCOMPLETE = frozenset({"incomplete", "missing", "partial", "missing-posts", "missing-nodes", "cut", "no-list"})


def _shown(row: Import) -> dict[str, Any]:
    share = min(100, round(100 * row.read / row.expected)) if row.expected else 0
    state = actions.state_of(row)
    nothing = state == ImportState.DONE and bool(row.skips) and not row.new + row.known
    asks_values = row.problem.get("code") == actions.VALUES and row.state == ImportState.ASKING
    badge = (
        w.ASKS_VALUES if asks_values else w.NOTHING if nothing else w.LEFT if state != row.state else w.STATES[state]
    )
    return {
        "row": row,
        "state": state,
        "working": row.state in ("waiting", "running"),  # its section reloads itself, and no other's half-filled form
        "badge": badge,
        "nothing": nothing,
        "is_incomplete": any(one["code"] in INCOMPLETE for one in row.skips),
        "share": share,
        "problem": item_queries.problem(row.problem) if row.problem else None,
        "skips": [(item_queries.problem(one), one) for one in row.skips],
        "way": w.WAYS[row.acquired],
        "values": [
            (one, w.COLUMNS[one.column], [(meaning, w.MEANINGS[one.column][meaning]) for meaning in one.meanings])
            for one in (actions.unknown_values(row) if row.state == ImportState.ASKING else ())
        ],
    }
