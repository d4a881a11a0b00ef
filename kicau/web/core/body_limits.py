"""What a person reads whose request was cut off before a page saw it (kicau/config/request_limits.py)."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils import translation
from django.utils.translation import gettext as _


def body_limit_sentence(request: HttpRequest, kind: str, limit: str) -> str:
    """In the visitor's language. `kind`: the slug of the API's problem; `limit`: the most that is taken, with its unit."""
    with translation.override(translation.get_language_from_request(request)):
        match kind:
            case "no-token":
                said = _(
                    "You are not signed in, or the data that you sent is larger than {limit}. Sign in, then send the data again."
                )
            case "too-large":
                said = _(
                    "The data that you sent is too large: this page accepts at most {limit}. Send a smaller file or a shorter text."
                )
            case "malformed":
                said = _("Your browser sent the data too slowly. Check your connection and try again.")
            case _other:
                said = _("The server is busy with other requests. Try again in a few seconds.")
        return said.format(limit=limit)
