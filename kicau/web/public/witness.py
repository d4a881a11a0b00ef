"""The door by which others' logs ask this instance for its co-signature; whoever asks shows who they are by their signature."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from kicau.evidence import witness

MAX_REQUEST_BYTES = 64 << 10  # bytes of a request


@csrf_exempt  # no browser asks, and nobody is signed in
@require_POST
def add_checkpoint(request: HttpRequest) -> HttpResponse:
    """https://c2sp.org/tlog-witness"""
    size = request.headers.get("Content-Length", "")
    if (size.isdigit() and int(size) > MAX_REQUEST_BYTES) or len(request.body) > MAX_REQUEST_BYTES:
        return HttpResponse("A checkpoint is smaller.\n", status=413, content_type="text/plain")
    try:
        line = witness.cosign_request(request.body.decode("utf-8"))
    except UnicodeDecodeError:
        return HttpResponse("The request is no text.\n", status=400, content_type="text/plain")
    except witness.CosignRefused as wrong:
        kind = "text/x.tlog.size" if wrong.status == 409 else "text/plain; charset=utf-8"
        return HttpResponse(wrong.body, status=wrong.status, content_type=kind)
    return HttpResponse(line, content_type="text/plain; charset=utf-8")
