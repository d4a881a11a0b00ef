"""Who signs in where in the demo, and what their channels are called in `posts.csv`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

OWNER_EMAIL, OWNER_NAME, WORKSPACE_NAME, OWNER_TIMEZONE = (
    "sari@kopi-senja.example.com",
    "Sari Wulandari",
    "Kopi Senja & Kabar Pagi",
    "Asia/Jakarta",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CastMember:
    key: str  # of the channel
    network: str
    signs_in: str  # handle at the consent page
    name: str  # of the identity that becomes the channel
    kind: str
    answers: Mapping[str, str] = field(default_factory=dict)  # to what the network asks before the sign-in


CAST_MEMBERS = (
    CastMember(key="x-kopi", network="x", signs_in="kopisenja", name="Kopi Senja", kind="person"),
    CastMember(key="x-kabar", network="x", signs_in="kabarpagi", name="Kabar Pagi", kind="person"),
    CastMember(key="page-kopi", network="facebook", signs_in="sari.wulandari", name="Kopi Senja", kind="page"),
    CastMember(key="ig-kopi", network="instagram", signs_in="kopisenja", name="Kopi Senja", kind="professional"),
    CastMember(key="li-sari", network="linkedin", signs_in="sari-wulandari", name="Sari Wulandari", kind="person"),
    CastMember(key="li-kopi", network="linkedin", signs_in="sari-wulandari", name="Kopi Senja", kind="organisation"),
    CastMember(
        key="bsky-kopi",
        network="bluesky",
        signs_in="kopisenja.test",
        name="Kopi Senja",
        kind="person",
        answers={"handle": "kopisenja.test"},
    ),
    CastMember(
        key="masto-kabar",
        network="mastodon",
        signs_in="kabarpagi",
        name="Kabar Pagi",
        kind="person",
        answers={"server": "kabar.social"},
    ),
    CastMember(key="threads-kopi", network="threads", signs_in="kopisenja", name="Kopi Senja", kind="person"),
)
