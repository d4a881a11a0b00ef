"""Saved texts in the composer: templates, signatures and groups of hashtags."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from kicau.base.errors import DomainError
from kicau.publishing.content import snippets
from kicau.publishing.models import SavedText
from kicau.web.core.labels import error_sentence
from kicau.web.core.views import MemberRequest, member_page


@member_page
@require_safe
def saved_texts(request: MemberRequest) -> HttpResponse:
    return _render_texts(request)


@member_page
@require_POST
def save_text(request: MemberRequest) -> HttpResponse:
    given = {name: request.POST.get(f"saved-{name}", "") for name in ("kind", "name", "text")}
    try:
        snippets.save_text(request.actor, given["kind"], given["name"], given["text"].replace("\r\n", "\n"))
    except DomainError as exc:
        return _render_texts(request, sentence=error_sentence(exc), given=given)
    return _render_texts(request)


@member_page
@require_POST
def delete_text(request: MemberRequest, text_id: UUID) -> HttpResponse:
    snippets.delete_text(request.actor, text_id)
    return _render_texts(request)


def _render_texts(request: MemberRequest, *, sentence: str = "", given: dict[str, str] | None = None) -> HttpResponse:
    rows = list(snippets.saved_texts(request.actor))
    names = {
        SavedText.Kind.TEMPLATE: _("Post templates"),
        SavedText.Kind.HASHTAGS: _("Hashtags"),
        SavedText.Kind.SIGNATURE: _("Post signatures"),
    }
    groups = [(kind, name, [row for row in rows if row.kind == kind]) for kind, name in names.items()]
    return render(request, "composer/saved_texts.html", {"groups": groups, "sentence": sentence, "given": given or {}})
