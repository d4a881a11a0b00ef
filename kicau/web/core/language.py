"""The reader's language, zone and theme: what a person chose wins over what their browser says."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone, translation

from kicau.base import clock
from kicau.workspaces.models import Person

THEME_COOKIE = "kicau_theme"
THEMES = ("auto", "light", "dark", "contrast")
YEAR_SECONDS = 365 * 86400  # seconds


class PersonLanguage:
    """Middleware, after the one that signs people in."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path.startswith("/api/"):
            return self.get_response(request)
        person = request.user
        if isinstance(person, Person):
            translation.activate(person.language)
            request.LANGUAGE_CODE = translation.get_language()
            try:
                timezone.activate(clock.find_zone(person.timezone))
            except LookupError:
                timezone.deactivate()
        try:
            return self.get_response(request)
        finally:
            timezone.deactivate()


def theme_of(request: HttpRequest) -> str:
    chosen = request.COOKIES.get(THEME_COOKIE, "auto")
    return chosen if chosen in THEMES else "auto"


def remember_theme(response: HttpResponse, theme: str) -> None:
    if theme in THEMES:
        response.set_cookie(
            THEME_COOKIE,
            theme,
            max_age=YEAR_SECONDS,
            samesite="Lax",
            httponly=True,
            secure=settings.SESSION_COOKIE_SECURE,
        )


def remember_language(response: HttpResponse, language: str) -> None:
    """For visitors who are not signed in."""
    if language in dict(settings.LANGUAGES):
        response.set_cookie(
            settings.LANGUAGE_COOKIE_NAME,
            language,
            max_age=YEAR_SECONDS,
            samesite="Lax",
            httponly=True,
            secure=settings.SESSION_COOKIE_SECURE,
        )
