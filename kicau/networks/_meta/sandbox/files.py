"""Files that the sandbox keeps, serves, or gets from a public address as the network's crawler does."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

import aiohttp
from aiohttp import web

from kicau.connector.sandbox.server import Sandbox
from kicau.networks._meta.sandbox.calls import Doc, unfetchable_error


class GraphFiles(Sandbox):
    media_folder: Path | None
    media_bytes: dict[str, bytes]  # where there is no folder
    _client: aiohttp.ClientSession | None
    _last_id: int

    def new_id(self) -> str:
        """Digits, growing, never given twice, also after a restart."""
        self._last_id = max(self._last_id + 1, time.time_ns() // 1000)
        return str(self._last_id)

    def keep(self, body: bytes, mime: str) -> Doc:
        """Store a file, once for the same content; its key, SHA-256 and address."""
        key, digest = self.new_id(), hashlib.sha256(body).hexdigest()
        if self.media_folder is None:
            self.media_bytes.setdefault(digest, body)
        elif not (path := self.media_folder / digest).exists():
            path.write_bytes(body)
        return self.store.put("file", key, {"id": key, "mime": mime, "size": len(body), "sha256": digest})

    def kept(self, name: str) -> bytes:
        """The bytes kept under a SHA-256, or under the name of an upload that is under way."""
        return (self.media_folder / name).read_bytes() if self.media_folder else self.media_bytes[name]

    def file_url(self, key: str) -> str:
        return f"{self.base_url}/scontent/{key}"

    async def _media(self, request: web.Request) -> web.Response:
        doc = self.store.get("file", request.match_info["key"])
        if doc is None:
            return self.page("Not here", "<p>There is no such file.</p>", status=404)
        return web.Response(body=self.kept(doc["sha256"]), content_type=doc["mime"])

    async def fetch(self, url: str, most: int) -> bytes:
        """Get a file from its public address, as the network's own crawler does. Raises GraphError 9004 or 36000."""
        if self._client is None:
            self._client = aiohttp.ClientSession(headers={"User-Agent": "facebookexternalhit/1.1"})
        try:
            async with self._client.get(url, timeout=aiohttp.ClientTimeout(total=60)) as answer:
                if answer.status != 200:
                    raise unfetchable_error(url)
                body = await answer.content.read(most + 1)
                while len(body) <= most and (rest := await answer.content.read(most + 1 - len(body))):
                    body += rest
                return body
        except (aiohttp.ClientError, TimeoutError, ValueError):
            raise unfetchable_error(url) from None
