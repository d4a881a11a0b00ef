"""Who the demo's channels are, and where they sign in."""

from __future__ import annotations

from dataclasses import dataclass

OWNER = "sari@kopisenja.example"
NAME = "Sari Wulandari"
WORKSPACE = "Kopi Senja & Kabar Pagi"
ZONE = "Asia/Jakarta"


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A channel: `signs_in` is the handle to choose at the consent page, `is_called` the identity to take from there."""

    key: str
    network: str
    signs_in: str
    is_called: str


CAST = (
    Member(key="x-kopi", network="x", signs_in="kopisenja", is_called="Kopi Senja"),
    Member(key="x-kabar", network="x", signs_in="kabarpagi", is_called="Kabar Pagi"),
    Member(key="page-kopi", network="facebook", signs_in="", is_called="Kopi Senja"),
    Member(key="ig-kopi", network="instagram", signs_in="kopisenja", is_called="Kopi Senja"),
    Member(key="li-sari", network="linkedin", signs_in="", is_called="Sari Wulandari"),
    Member(key="li-kopi", network="linkedin", signs_in="", is_called="Kopi Senja"),
)
