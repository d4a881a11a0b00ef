"""The language and the theme of the pages."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from kicau.web.core.language import remember_language, remember_theme
from kicau.web.core.views import (
    redirect_back,
)
from kicau.workspaces import actions
from kicau.workspaces.models import Person


@require_POST
def choose_language(request: HttpRequest) -> HttpResponse:
    language = request.POST.get("language", "")
    if isinstance(request.user, Person) and language in dict(settings.LANGUAGES):
        actions.update_person(request.user, language=language)
    answer = redirect_back(request, "home")
    remember_language(answer, language)
    return answer


@require_POST
def choose_theme(request: HttpRequest) -> HttpResponse:
    answer = redirect_back(request, "home")
    remember_theme(answer, request.POST.get("theme", ""))
    return answer
