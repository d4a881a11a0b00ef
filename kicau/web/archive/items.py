"""The archive: searching it, and the page of one item."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from kicau.archive import item_queries, record_statements, search, semantic_search
from kicau.archive.imports.copy_rows import HASHED_ID_PREFIX
from kicau.base.errors import DomainError, ValidationFailed
from kicau.base.ids import as_uuid
from kicau.connector import registry
from kicau.publishing.models import Campaign
from kicau.rights.models import USES
from kicau.rights.statements import NewStatement
from kicau.web.core.labels import error_sentence, errors_by_field
from kicau.web.core.views import MemberRequest, member_page, run_action
from kicau.web.rights import forms
from kicau.web.rights import labels as w
from kicau.workspaces.actors import Permission


@member_page
@require_safe
def item_list(request: MemberRequest) -> HttpResponse:
    """Whole, or for htmx its list only."""
    request.actor.require(Permission.READ)
    query, trouble = parse_query(request)
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
    query, _trouble = parse_query(request)
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
        _("The rights statement has ended. What it says about using the content no longer applies."),
    )
    return redirect("archive-item", item_id=item_id)


def parse_query(request: MemberRequest) -> tuple[search.ArchiveQuery, str]:
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
