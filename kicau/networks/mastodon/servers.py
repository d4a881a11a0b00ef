"""A server as it describes itself: which software, which version, which limits.

Whole Mastodon answers /api/v2/instance; others have only the older /api/v1/instance, or parts of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kicau.connector.errors import AuthExpired, Rejected, Unavailable
from kicau.connector.session import Session, SignInSession
from kicau.networks.mastodon import wire

MIN_QUOTE_API_VERSION = 7  # api_versions.mastodon: quoted_status_id and quote_approval_policy (4.5)

# Those that give back the same post for the same Idempotency-Key: Mastodon for an hour, Pleroma and Akkoma for six
# (lib/pleroma/web/plugs/idempotency_plug.ex, read 2026-11-24). Any other is asked for its posts instead.
IDEMPOTENT_SOFTWARE = frozenset({"mastodon", "pleroma", "akkoma"})

# What a software was seen not to do, though its answers say nothing of it. snac 2.75, tried 2026-11-24: a poll and a
# focus are ignored, "unlisted" comes back as "public" and "direct" as "private", DELETE is answered 404, of an alt text
# only the first line is kept, characters from U+20000 on come back as others (the bit that it sets is set already), and
# an edit changes the text alone (tried 2026-11-26).
MISSING_FEATURES: Mapping[str, frozenset[str]] = {
    "snac": frozenset({"polls", "focus", "unlisted", "direct", "delete", "alt-lines", "high-planes", "edit-rest"})
}

_COMPATIBLE_PATTERN = re.compile(r"\(compatible; ([A-Za-z]+)")  # "2.7.2 (compatible; Pleroma 2.6.0)"
_MASTODON_VERSION_PATTERN = re.compile(
    r"v?(?:[2-9]|[1-9]\d)\.\d+\.\d+(?:[-+~.][\w.+~-]*)?"
)  # "4.5.1", "4.4.0-rc.1", "4.5.0+glitch"
_OTHER_SOFTWARE = (
    "snac",
    "gotosocial",
    "pixelfed",
    "friendica",
    "mitra",
    "sharkey",
    "iceshrimp",
    "misskey",
    "hollo",
    "takahe",
)
# Where servers without `configuration` say the same (Pleroma, older Mastodon forks).
_ALTERNATIVE_FIELDS: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("statuses", "max_characters"): ("max_toot_chars",),
    ("media_attachments", "description_limit"): ("description_limit",),
    ("media_attachments", "image_size_limit"): ("upload_limit",),
    ("media_attachments", "video_size_limit"): ("upload_limit",),
    ("polls", "max_options"): ("poll_limits", "max_options"),
    ("polls", "max_characters_per_option"): ("poll_limits", "max_option_chars"),
    ("polls", "min_expiration"): ("poll_limits", "min_expiration"),
    ("polls", "max_expiration"): ("poll_limits", "max_expiration"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerInfo:
    host: str
    version: str  # as it says, which others than Mastodon spell in their own way
    software: str  # "mastodon", "snac", "pleroma", …; "" where it cannot be told
    source: str  # the address that was asked
    api_version: int = 0
    answer: Mapping[str, Any] = field(default_factory=dict)

    @property
    def keeps_keys(self) -> bool:
        """Whether sending a post again with its Idempotency-Key is harmless."""
        return self.software in IDEMPOTENT_SOFTWARE

    @property
    def can_quote(self) -> bool:
        return self.api_version >= MIN_QUOTE_API_VERSION

    def has(self, what: str) -> bool:
        return what not in MISSING_FEATURES.get(self.software, ())

    def limit(self, *path: str) -> int | None:
        """A number of its configuration; None where it says none that can be read."""
        section, name = path
        found = _int_at(self.answer, ("configuration", *path))
        if found is None and (section, name) in _ALTERNATIVE_FIELDS:
            found = _int_at(self.answer, _ALTERNATIVE_FIELDS[section, name])
        # 0 means something for an address (counted as it is); of anything else it is no limit that one can keep
        return found if found is not None and (found > 0 or name == "characters_reserved_per_url") else None

    @property
    def mimes(self) -> frozenset[str]:
        configuration = self.answer.get("configuration")
        media = configuration.get("media_attachments") if isinstance(configuration, dict) else None
        listed = media.get("supported_mime_types") if isinstance(media, dict) else None
        return frozenset(str(one) for one in listed) if isinstance(listed, list) else frozenset()


def _int_at(answer: Any, path: tuple[str, ...]) -> int | None:
    for name in path:
        answer = answer.get(name) if isinstance(answer, dict) else None
    return answer if isinstance(answer, int) and not isinstance(answer, bool) and answer >= 0 else None


async def fetch_server_info(lent: SignInSession | Session, host: str, token: str = "") -> ServerInfo:
    """What the server tells of itself. Raises Rejected where it speaks no such API, or a passing error."""
    for path in ("/api/v2/instance", "/api/v1/instance"):
        try:
            answer = (await wire.send_request(lent, host, "GET", path, token=token)).json()
        except (Rejected, AuthExpired):
            if path == "/api/v1/instance":
                raise
            continue
        if isinstance(answer, dict) and isinstance(answer.get("version"), str):
            return parse_server_info(answer, host, f"{wire.server_url(lent, host)}{path}")
    raise Unavailable(f"{host} did not say what it is")


def parse_server_info(answer: Mapping[str, Any], host: str, source: str) -> ServerInfo:
    version = str(answer.get("version") or "")[:200]
    return ServerInfo(
        host=host,
        version=version,
        software=software_name(version, str(answer.get("source_url") or "")),
        source=source,
        api_version=_int_at(answer, ("api_versions", "mastodon")) or 0,
        answer=answer,
    )


def software_name(version: str, source_url: str = "") -> str:
    """Which software a version and the address of its source tell of; "" where they tell of none known."""
    if told := _COMPATIBLE_PATTERN.search(version):
        return told[1].lower()
    both = f"{version} {source_url}".lower()
    if named := next((name for name in _OTHER_SOFTWARE if name in both), ""):
        return named
    return "mastodon" if _MASTODON_VERSION_PATTERN.fullmatch(version) else ""
