"""Who lives in the two sandboxes: one person, her two Pages, and an Instagram account beside each."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class SeededPage:
    page: str
    name: str
    handle: str
    category: str
    instagram: str  # id of the professional account, as publishing names it
    scoped: str  # the same account's id as one app sees it


USER_ID = "10220000000000001"
USER_NAME = "Sari Wulandari"
SEEDED_PAGES = (
    SeededPage(
        page="102200000000101",
        name="Kopi Senja",
        handle="kopisenja",
        category="Coffee shop",
        instagram="17841400000000101",
        scoped="26710000000000101",
    ),
    SeededPage(
        page="102200000000102",
        name="Kabar Pagi",
        handle="kabarpagi",
        category="Newspaper",
        instagram="17841400000000102",
        scoped="26710000000000102",
    ),
)
