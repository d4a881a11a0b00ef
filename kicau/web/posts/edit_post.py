"""A published post is changed: its words beside how its readers would see them, then the act on its network."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from kicau.base import outbound
from kicau.channels.channel_session import capabilities_of
from kicau.connector import registry
from kicau.connector.capabilities import Option
from kicau.publishing import transitions
from kicau.publishing.edits import post_edits
from kicau.publishing.edits.post_edits import PostEditInput, PostEditPreview
from kicau.publishing.scheduling import actions
from kicau.web.core.views import MemberRequest, is_partial, member_page, run_action


@member_page
@require_http_methods(["GET", "HEAD", "POST"])
def edit_post(request: MemberRequest, delivery_id: str) -> HttpResponse:
    """The form and, as one types, the preview; with `do` the change is made."""
    change = _parse_edit(request)
    shown = _edit_context(post_edits.preview_edit(request.actor, delivery_id, change))
    if is_partial(request):
        return render(request, "posts/edit_post.html#look", shown)
    if request.method != "POST":
        return render(request, "posts/edit_post.html", shown)
    row = shown["proposed"].row
    if shown["proposed"].problems:
        return render(request, "posts/edit_post.html", shown, status=422)
    done = _("Kicau changed the published post on {network}.").format(network=registry.get_connector(row.network).label)
    if run_action(
        request,
        lambda: outbound.run_request(request.actor.person_id, post_edits.apply_edit, request.actor, row.id, change),
        done,
    ):
        return redirect("post", draft_id=row.draft_id)
    if transitions.has_unfinished_edit(actions.one_delivery(request.actor, row.id)):
        return redirect("post", draft_id=row.draft_id)
    return render(request, "posts/edit_post.html", shown, status=422)


@member_page
@require_POST
def resolve_edit(request: MemberRequest, delivery_id: str) -> HttpResponse:
    """After an answer that was lost: the network is asked, or a person says how the post reads there."""
    row = actions.one_delivery(request.actor, delivery_id)
    reads = request.POST.get("reads", "")
    run_action(
        request,
        lambda: outbound.run_request(
            request.actor.person_id, post_edits.resolve_edit, request.actor, row.id, reads=reads
        ),
        _("The published post on the network now has the content that you edited in Kicau."),
    )
    return redirect("post", draft_id=row.draft_id)


def _parse_edit(request: MemberRequest) -> PostEditInput:
    texts: dict[int, str] = {}
    alts: dict[tuple[int, int], str] = {}
    options: dict[str, str] = {}
    for name, value in request.POST.items():
        kind, _sign, rest = name.partition(":")
        value = str(value).replace("\r\n", "\n")
        numbers = [int(one) for one in rest.split(".") if one.isdecimal() and len(one) < 4]
        if kind == "text" and len(numbers) == 1:
            texts[numbers[0]] = value
        elif kind == "alt" and len(numbers) == 2:
            alts[numbers[0], numbers[1]] = value
        elif kind == "option":
            options[rest] = value
    return PostEditInput(texts=texts, alts=alts, options=options)


def _edit_context(proposed: PostEditPreview) -> dict[str, Any]:
    can = capabilities_of(proposed.row.channel)
    fields: list[tuple[Option, str]] = [
        (option, proposed.after.options.get(option.name, option.default))
        for option in can.options
        if f"options.{option.name}" in can.editable
    ]
    return {
        "proposed": proposed,
        "row": proposed.row,
        "parts": list(zip(proposed.written, proposed.after.parts, strict=True)),
        "alts": "alt" in can.editable,
        "fields": fields,
    }
