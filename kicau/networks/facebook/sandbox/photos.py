"""Photos of a Page: uploaded or fetched, checked, and shown."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

from PIL import Image, UnidentifiedImageError

from kicau.networks._meta.sandbox.calls import Doc, GraphError, GraphRequest, graph_time, sandbox_time
from kicau.networks.facebook.sandbox.pages import page_author
from kicau.networks.facebook.sandbox.videos import FacebookVideoSandbox

MAX_PHOTO_BYTES = 4_000_000  # bytes
PHOTO_FORMATS = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "GIF": "image/gif",
    "TIFF": "image/tiff",
    "BMP": "image/bmp",
    "WEBP": "image/webp",
    "MPO": "image/jpeg",
}


def _bad_photo_error() -> GraphError:
    return GraphError(
        324,
        "(#324) Missing or invalid image file",
        sub=1366046,
        title="Can't Read Files",
        user="Your photos couldn't be uploaded. Photos should be less than 4 MB and saved as JPG, PNG, GIF, TIFF, HEIF or WebP files.",
    )


class FacebookPhotoSandbox(FacebookVideoSandbox):
    async def create_photo(self, ask: GraphRequest, page: Doc) -> Doc:
        self.require(ask, "pages_manage_posts")
        body = await self._photo_bytes(ask)
        if len(body) > MAX_PHOTO_BYTES:
            raise _bad_photo_error()
        try:
            with Image.open(io.BytesIO(body)) as image:
                form, width, height = str(image.format), image.width, image.height
        except (UnidentifiedImageError, OSError, Image.DecompressionBombError, ValueError):
            raise _bad_photo_error() from None
        if form not in PHOTO_FORMATS:
            raise _bad_photo_error()
        published = ask.flag("published", default=True)
        caption = ask.params.get("message") or ask.params.get("caption") or ask.params.get("name", "")
        file = self.keep(body, PHOTO_FORMATS[form])
        photo = {
            "id": self.new_id(),
            "page": page["id"],
            "alt": ask.params.get("alt_text_custom", ""),
            "caption": caption.strip(),
            "published": published,
            "post": "",
            "file": file["id"],
            "mime": file["mime"],
            "sha256": file["sha256"],
            "width": width,
            "height": height,
            "at": sandbox_time(self),
        }
        self.store.put("photo", photo["id"], photo)
        if not published:
            return {"id": photo["id"]}
        post = self.add_post(page["id"], message=photo["caption"], photos=[photo["id"]])
        self.store.put("photo", photo["id"], {**photo, "post": post["id"]})
        self.meter(ask.token["app"], "posts")
        return {"id": photo["id"], "post_id": post["id"]}

    async def _photo_bytes(self, ask: GraphRequest) -> bytes:
        if ask.files:
            return next(iter(ask.files.values())).body
        if url := ask.params.get("url"):
            return await self.fetch(url, MAX_PHOTO_BYTES)
        raise GraphError(324, "(#324) Requires upload file", title="Missing Image File")

    def photo(self, photo: str) -> Doc:
        return self.store.get("photo", photo) or {}

    def photo_attachment(self, photo: Doc) -> Doc:
        source = self.file_url(photo["file"])
        image = {"src": source, "width": photo["width"], "height": photo["height"]}
        return {
            "type": "photo",
            "description": photo["alt"],
            "media": {"image": image},
            "target": {"id": photo["id"], "url": source},
            "url": source,
        }

    def photo_view(self, doc: Doc) -> dict[str, Callable[[], Any]]:
        return {
            "id": lambda: doc["id"],
            "name": lambda: doc["caption"] or None,
            "alt_text": lambda: doc["alt"] or "May be an image of a picture",
            "alt_text_custom": lambda: doc["alt"] or None,
            "created_time": lambda: graph_time(doc["at"]),
            "from": lambda: page_author(self, doc["page"]),
            "width": lambda: doc["width"],
            "height": lambda: doc["height"],
            "page_story_id": lambda: doc["post"] or None,
            "link": lambda: self.file_url(doc["file"]),
            "images": lambda: [{"source": self.file_url(doc["file"]), "width": doc["width"], "height": doc["height"]}],
        }
