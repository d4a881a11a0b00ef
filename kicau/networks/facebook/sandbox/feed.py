"""A Page's feed: its posts, oldest first."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from kicau.connector.sandbox.server import RequestValidator
from kicau.networks._meta.sandbox.calls import Doc, sandbox_time
from kicau.networks._meta.sandbox.login import FacebookLogin


class FacebookFeedSandbox(FacebookLogin):
    def __init__(
        self, *, base_url: str = "", folder: Path | None = None, validators: Iterable[RequestValidator] = ()
    ) -> None:
        self.page_posts: dict[str, list[str]] = {}  # ids by Page, oldest first
        super().__init__(base_url=base_url, folder=folder, validators=validators)
        for post in self.store.all("post"):
            self.page_posts.setdefault(post["page"], []).append(post["id"])

    def add_post(
        self,
        page: str,
        *,
        message: str = "",
        link: str = "",
        photos: list[str] | None = None,
        video: str = "",
        at: float = 0.0,
    ) -> Doc:
        doc: Doc = {
            "id": f"{page}_{self.new_id()}",
            "page": page,
            "message": message,
            "link": link,
            "photos": photos or [],
            "video": video,
            "at": at or sandbox_time(self),
        }
        self.page_posts.setdefault(page, []).append(doc["id"])
        return self.store.put("post", doc["id"], doc)

    def forget_post(self, post_id: str) -> None:
        post = self.store.remove("post", post_id)
        if post:
            self.page_posts[post["page"]].remove(post_id)
