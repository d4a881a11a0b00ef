"""The door at which networks tell what happened: answered at once, worked on later (kicau/sync/webhook_inbox.py)."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from kicau.connector.roles.webhooks import MAX_WEBHOOK_BYTES
from kicau.sync import webhook_inbox


@csrf_exempt  # no browser asks, and nobody is signed in
@require_http_methods(["GET", "POST"])
def receive_webhook(request: HttpRequest, app_id: UUID) -> HttpResponse:
    """200 once it is kept; 403 for what is not the network's; how much is read at most, and how long, is seen to before
    (kicau/config/early_limits.py)."""
    try:
        if request.method == "GET":
            return _plain_response(webhook_inbox.answer_challenge(app_id, request.GET.dict()), 200)
        if len(request.body) > MAX_WEBHOOK_BYTES:
            return _plain_response("A webhook is smaller.", 413)
        webhook_inbox.store_webhook(
            app_id, {name.lower(): value for name, value in request.headers.items()}, request.body
        )
    except webhook_inbox.UnknownWebhookApp:
        return _plain_response("Nothing is told here.", 404)
    except webhook_inbox.InvalidSignature:
        return _plain_response("Its network did not sign this.", 403)
    except webhook_inbox.TooManyWebhooks:
        answer = _plain_response("Too many at once; send it again.", 429)
        answer["Retry-After"] = "60"
        return answer
    return _plain_response("", 200)


def _plain_response(text: str, status: int) -> HttpResponse:
    return HttpResponse(text, status=status, content_type="text/plain; charset=utf-8")
