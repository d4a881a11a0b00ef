"""The web application, for an ASGI server."""

from __future__ import annotations

import gc
import os

from django.core.asgi import get_asgi_application
from django.urls import get_resolver

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kicau.config.settings")
application = get_asgi_application()


def settle_in() -> None:
    """Loads every page's code, and keeps it from being looked through for garbage, which would hold up one answer in
    twenty for a tenth of a second."""
    get_resolver().url_patterns  # noqa: B018 (reading it imports them)
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


settle_in()
