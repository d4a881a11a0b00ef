"""Comments under posts and videos of a Page, and the webhooks that report them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from kicau.networks._meta.sandbox.calls import Doc, GraphError, GraphRequest, graph_time, sandbox_time
from kicau.networks._meta.sandbox.webhooks import WebhookSandbox, webhook_entry
from kicau.networks.facebook.sandbox.pages import page_author

SEEDED_VISITOR = {"id": "7100000000000001", "name": "Rini Hartati"}  # who comments where no Page does


class FacebookCommentSandbox(WebhookSandbox):
    post_comments: dict[str, list[str]]  # ids by post or video, oldest first

    def create_comment(self, ask: GraphRequest, doc: Doc) -> Doc:
        self.require(ask, "pages_manage_engagement")
        message = ask.params.get("message", "").strip()
        if not message and not ask.params.get("attachment_url"):
            raise GraphError(100, "(#100) One of message, attachment_url must be given")
        top = str(doc.get("object") or doc["id"])
        comment = {
            "id": f"{top.rpartition('_')[2]}_{self.new_id()}",
            "object": top,
            "page": doc["page"],
            "message": message,
            "at": sandbox_time(self),
        }
        comment |= {"under": doc["id"]} if top != doc["id"] else {}
        self.store.put("comment", comment["id"], comment)
        self.post_comments.setdefault(top, []).append(comment["id"])
        self._tell_comment(comment, "add")
        return {"id": comment["id"]}

    def comment(self, post_id: str, text: str) -> str:
        """What somebody else writes under a post or video on the site itself; the comment's id."""
        doc = self.store.get("post", post_id) or self.store.get("video", post_id) or {}
        comment = {
            "id": f"{post_id.rpartition('_')[2]}_{self.new_id()}",
            "object": post_id,
            "page": doc["page"],
            "message": text,
            "at": sandbox_time(self),
            "by": SEEDED_VISITOR,
        }
        self.store.put("comment", comment["id"], comment)
        self.post_comments.setdefault(post_id, []).append(comment["id"])
        self._tell_comment(comment, "add")
        return str(comment["id"])

    def recomment(self, comment_id: str, text: str) -> None:
        """Who wrote a comment says it otherwise."""
        comment = self.store.put(
            "comment", comment_id, {**(self.store.get("comment", comment_id) or {}), "message": text}
        )
        self._tell_comment(comment, "edited")

    def uncomment(self, comment_id: str) -> None:
        """Who wrote a comment deletes it."""
        comment = self.store.get("comment", comment_id) or {}
        self.forget_comment(comment)
        self._tell_comment(comment, "remove")

    def forget_comment(self, comment: Doc) -> None:
        self.post_comments[comment["object"]].remove(comment["id"])
        self.store.remove("comment", comment["id"])

    def _tell_comment(self, comment: Doc, verb: str) -> None:
        post = next(
            (one["id"] for one in self.store.all("post") if one["video"] == comment["object"]), comment["object"]
        )
        value = {
            "from": comment.get("by") or page_author(self, comment["page"]),
            "item": "comment",
            "comment_id": comment["id"],
            "post_id": post,
            "parent_id": post,
            "verb": verb,
            "created_time": int(comment["at"]),
        }
        if verb != "remove":
            value["message"] = comment["message"]
        self.tell(comment["page"], "feed", webhook_entry("page", comment["page"], sandbox_time(self), "feed", value))

    def comment_fields(self, doc: Doc, ask: GraphRequest) -> dict[str, Callable[[], Any]]:
        """What readers made of a post or video: edges that a call may ask for as fields."""
        none = {"data": [], "summary": {"total_count": 0}}
        return {
            "comments": lambda: self._comments(doc, ask),
            "reactions": lambda: none,
            "likes": lambda: none,
            "shares": lambda: None,
        }

    def _comments(self, doc: Doc, ask: GraphRequest) -> Doc:
        """The edge as a field, with the modifiers that the call gives it. Comments of others want a permission more."""
        asked = re.search(r"\bcomments((?:\.\w+\([^)]*\))*)", ask.params.get("fields", ""))
        said = dict(re.findall(r"\.(\w+)\(([^)]*)\)", asked[1])) if asked else {}
        objects = [doc["id"], *(one for one in (doc.get("video"),) if one)]
        ids = [one for each in objects for one in self.post_comments.get(each, [])]
        found = sorted(
            (one for key in ids if (one := self.store.get("comment", key))), key=lambda one: float(one["at"])
        )
        if any("by" in one for one in found):
            self.require(ask, "pages_read_user_content")
        if said.get("order") == "reverse_chronological":
            found.reverse()
        views = [self.comment_view(one) for one in found[: int(said.get("limit", 25))]]
        shown = [
            {
                name: value
                for name in ("id", "message", "created_time", "from", "parent")
                if (value := view[name]()) is not None
            }
            for view in views
        ]
        summary = {
            "summary": {"order": said.get("order", "chronological"), "total_count": len(found), "can_comment": True}
        }
        return {"data": shown, **(summary if said.get("summary") == "true" else {})}

    def comment_view(self, doc: Doc) -> dict[str, Callable[[], Any]]:
        return {
            "id": lambda: doc["id"],
            "message": lambda: doc["message"],
            "created_time": lambda: graph_time(doc["at"]),
            "from": lambda: doc.get("by") or page_author(self, doc["page"]),
            "parent": lambda: {"id": doc["under"]} if doc.get("under") else None,
            "comment_count": lambda: sum(
                (self.store.get("comment", one) or {}).get("under") == doc["id"]
                for one in self.post_comments.get(doc["object"], [])
            ),
            "like_count": lambda: 0,
            "is_hidden": lambda: False,
        }
