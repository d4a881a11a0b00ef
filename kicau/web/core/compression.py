"""Pages, styles and scripts travel compressed."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware

COMPRESSIBLE_TYPES = (
    "text/css",
    "text/javascript",
    "image/svg+xml",
    "text/plain",
)  # small files that come with the product


class CompressionMiddleware(GZipMiddleware):
    """Answers as gzip where the browser takes it; each with random padding, so that its length tells nothing of a
    secret in it. Media and live streams go as they are."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if isinstance(response, StreamingHttpResponse):
            kind = response.get("Content-Type", "").partition(";")[0]
            if (
                kind not in COMPRESSIBLE_TYPES
                or response.status_code != 200
                or response.is_async
                or response.has_header("Content-Encoding")
            ):
                return response
            response = _complete_response(response)
        return super().process_response(request, response)


def _complete_response(response: StreamingHttpResponse) -> HttpResponse:
    whole = HttpResponse(b"".join(response), status=response.status_code, headers=dict(response.items()))
    whole._resource_closers.extend(response._resource_closers)  # type: ignore[attr-defined]
    return whole
