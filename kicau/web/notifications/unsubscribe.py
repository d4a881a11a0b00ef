"""The page that the unsubscribe link of an e-mail opens."""

from __future__ import annotations

from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from kicau.base.ids import as_uuid
from kicau.notifications import actions, emails
from kicau.notifications.events import EVENTS, EmailFrequency
from kicau.workspaces.models import Person


@csrf_exempt  # mail programs press this button for their people (RFC 8058); the ticket says who and what
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, ticket: str) -> HttpResponse:
    """No more e-mail about what a letter was about; without signing in."""
    try:
        person_id, events = emails.read_unsubscribe_link(ticket)
        person = Person.objects.get(id=as_uuid(person_id))
    except (signing.BadSignature, Person.DoesNotExist):
        return render(request, "notifications/unsubscribe.html", {"state": "unknown"}, status=404)
    with translation.override(person.language):
        if request.method == "POST":
            chosen = actions.preferences(person)
            actions.set_preferences(person, {event: (chosen[event][0], EmailFrequency.NEVER) for event in events})
        shown = {
            "state": "done" if request.method == "POST" else "asked",
            "events": [EVENTS[e] for e in events],
            "person": person,
        }
        return render(request, "notifications/unsubscribe.html", shown)
