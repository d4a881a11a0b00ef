"""What every page's frame shows."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest

import kicau
from kicau.web.core.language import theme_of
from kicau.workspaces.actors import Permission


def page_frame(request: HttpRequest) -> dict[str, Any]:
    actor = getattr(request, "actor", None)
    shown: dict[str, Any] = {
        "kicau_version": kicau.__version__,
        "theme": theme_of(request),
        "languages": settings.LANGUAGES,
    }
    if actor is not None:
        shown |= {
            "actor": actor,
            "workspace": actor.workspace,
            "memberships": getattr(request, "memberships", []),
            "unread": getattr(request, "unread", 0),
            "may": {permission.value: actor.may(permission) for permission in Permission},
        }
    return shown
