"""Who signs in where in the demo, and what their channels are called in `posts.csv`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

OWNER, NAME, WORKSPACE, ZONE = (
    "sari@kopi-senja.example.com",
    "Sari Wulandari",
    "Kopi Senja & Kabar Pagi",
    "Asia/Jakarta",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    key: str  # of the channel
    network: str
    signs_in: str  # handle at the consent page
    name: str  # of the identity that becomes the channel
    kind: str
    answers: Mapping[str, str] = field(default_factory=dict)  # to what the network asks before the sign-in


CAST = (
    Member(key="x-kopi", network="x", signs_in="kopisenja", name="Kopi Senja", kind="person"),
    Member(key="x-kabar", network="x", signs_in="kabarpagi", name="Kabar Pagi", kind="person"),
    Member(key="page-kopi", network="facebook", signs_in="sari.wulandari", name="Kopi Senja", kind="page"),
    Member(key="ig-kopi", network="instagram", signs_in="kopisenja", name="Kopi Senja", kind="professional"),
    Member(key="li-sari", network="linkedin", signs_in="sari-wulandari", name="Sari Wulandari", kind="person"),
    Member(key="li-kopi", network="linkedin", signs_in="sari-wulandari", name="Kopi Senja", kind="organisation"),
    Member(
        key="bsky-kopi",
        network="bluesky",
        signs_in="kopisenja.test",
        name="Kopi Senja",
        kind="person",
        answers={"handle": "kopisenja.test"},
    ),
    Member(
        key="masto-kabar",
        network="mastodon",
        signs_in="kabarpagi",
        name="Kabar Pagi",
        kind="person",
        answers={"server": "kabar.social"},
    ),
    Member(key="threads-kopi", network="threads", signs_in="kopisenja", name="Kopi Senja", kind="person"),
)
