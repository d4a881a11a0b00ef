"""Signed cookies for what a browser must answer soon, such as a passkey challenge or a sign-in at the identity provider.

Nothing is stored on the server, so requests for challenges make no rows, however many there are.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from django.conf import settings
from django.http import HttpRequest, HttpResponse


@dataclass(frozen=True, slots=True, kw_only=True)
class ChallengeCookie:
    name: str
    salt: str
    lifetime_seconds: int
    same_site: Literal["Strict", "Lax"]  # Lax where the browser returns from another site

    def set(self, response: HttpResponse, content: Mapping[str, Any]) -> None:
        response.set_signed_cookie(
            self.name,
            json.dumps(content),
            salt=self.salt,
            max_age=self.lifetime_seconds,
            secure=settings.SESSION_COOKIE_SECURE,
            httponly=True,
            samesite=self.same_site,
        )

    def read(self, request: HttpRequest) -> dict[str, Any]:
        """Empty where the cookie is missing, expired or changed."""
        content = request.get_signed_cookie(self.name, "", salt=self.salt, max_age=self.lifetime_seconds)
        return dict(json.loads(content)) if content else {}

    def delete(self, response: HttpResponse) -> None:
        response.delete_cookie(self.name, samesite=self.same_site)
