"""File sizes, durations and formats as people read them."""

from __future__ import annotations

from kicau.connector.content import MediaKind

MEDIA_KIND_NAMES = {
    MediaKind.IMAGE: "image",
    MediaKind.GIF: "GIF",
    MediaKind.VIDEO: "video",
    MediaKind.DOCUMENT: "document",
}


def format_megabytes(size: float) -> str:
    """Bytes for people: "8 MB", "9.4 MB", "0.2 MB"; decimal, as the networks count."""
    return f"{size / 1_000_000:.1f}".removesuffix(".0") + " MB"


def format_duration(milliseconds: float) -> str:
    """A duration for people: "140 s", "3 h 0 min", "15 min"."""
    total = round(milliseconds / 1000)
    if total >= 3600:
        return f"{total // 3600} h {total % 3600 // 60} min"
    if total > 300 and total % 60 == 0:
        return f"{total // 60} min"
    return f"{milliseconds / 1000:.1f}".removesuffix(".0") + " s"


def short_mime_name(mime: str) -> str:
    return {
        "image/jpeg": "JPEG",
        "image/png": "PNG",
        "image/gif": "GIF",
        "image/webp": "WebP",
        "video/mp4": "MP4",
        "video/quicktime": "MOV",
        "application/pdf": "PDF",
    }.get(mime, mime)
