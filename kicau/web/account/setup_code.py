"""Who may be the first visitor, and so become the owner: who sits at the machine, or knows the code from its log."""

from __future__ import annotations

import secrets
from ipaddress import ip_address
from urllib.parse import urlsplit

import structlog
from django.conf import settings
from django.http import HttpRequest

from kicau.base import keys

# Headers by which a proxy says that somebody else asks. Any of them, with any value, is enough.
PROXY_HEADERS = (
    "HTTP_FORWARDED",
    "HTTP_VIA",
    "HTTP_X_FORWARDED_FOR",
    "HTTP_X_FORWARDED_HOST",
    "HTTP_X_FORWARDED_PROTO",
    "HTTP_X_REAL_IP",
    "HTTP_X_CLIENT_IP",
    "HTTP_TRUE_CLIENT_IP",
    "HTTP_CF_CONNECTING_IP",
)

log = structlog.get_logger("kicau.web")


def is_local(request: HttpRequest) -> bool:
    """Whether somebody at this machine asks, without a proxy between: by the connection, and by the address that the
    operator has set. (No other address than that one is answered: ALLOWED_HOSTS.)"""
    try:
        peer = ip_address(request.META.get("REMOTE_ADDR", ""))
    except ValueError:
        return False
    if any(request.META.get(name) for name in PROXY_HEADERS):
        return False
    if getattr(request, "scope", {}).get("http_version") == "1.0":  # proxies speak it where nobody told them otherwise
        return False
    return peer.is_loopback and _is_this_machine(urlsplit(settings.KICAU_PUBLIC_URL).hostname)


def is_setup_code(given: str) -> bool:
    """Whether it is the code from the log; blanks, hyphens and case do not matter."""
    plain = "".join(c for c in given.upper() if c.isalnum() and c.isascii())
    return secrets.compare_digest(plain, _setup_code().replace("-", ""))


def log_setup_code(seen: list[bool] = []) -> None:  # noqa: B006 (once for each process)
    """Write the code into the log, where `kicau up` may not have run."""
    if not seen:
        seen.append(True)
        log.warning(
            "first visit from another machine",
            first_visit=_setup_code(),
            what_to_do="Give this code on the page /welcome.",
        )


def _setup_code() -> str:
    return keys.first_visit_code(settings.SECRET_KEY)


def _is_this_machine(host: str | None) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host or "").is_loopback
    except ValueError:
        return False
