"""Whether the instance is well, for load balancers and people: /healthz (is it working) and /readyz (can it serve)."""

from __future__ import annotations

from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse

from kicau.publishing.delivery.lateness import delivery_health


def healthz(request: HttpRequest) -> JsonResponse:
    """200 while deliveries go out in time; 503 when one is late, no worker lives, or the database is away."""
    try:
        found = delivery_health()
    except DatabaseError:
        return JsonResponse({"ok": False, "says": "The database does not answer."}, status=503)
    body = {
        "ok": found.ok,
        "says": found.says,
        "workers": found.workers,
        "late": found.late,
        "latest_seconds": round(found.latest.total_seconds(), 1),
    }
    return JsonResponse(body, status=200 if found.ok else 503)


def readyz(request: HttpRequest) -> JsonResponse:
    """200 when pages can be served."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return JsonResponse({"ok": False, "says": "The database does not answer."}, status=503)
    return JsonResponse({"ok": True})
