"""Repositories: files by their content, records by their keys, and what the server refuses of both."""

from __future__ import annotations

import hashlib
import io
import secrets
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiohttp import web

from kicau.networks.bluesky.sandbox import cid, errors, schemas
from kicau.networks.bluesky.sandbox.errors import invalid_request_error
from kicau.networks.bluesky.sandbox.tokens import BlueskyCaller

if TYPE_CHECKING:
    from kicau.networks.bluesky.sandbox.server import Server

type Doc = dict[str, Any]

TID_ALPHABET = "234567abcdefghijklmnopqrstuvwxyz"
CREATE_TYPE = "com.atproto.repo.applyWrites#create"
UPDATE_TYPE = "com.atproto.repo.applyWrites#update"
DELETE_TYPE = "com.atproto.repo.applyWrites#delete"


def detect_mime(head: bytes) -> str:
    """What a file is by its first bytes; "" where they do not tell, and its sender is believed."""
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head.startswith(b"\x89PNG\r\n\x1a\n") and head[12:16] == b"IHDR":
        return "image/png"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "image/webp"
    return "video/mp4" if head[4:8] == b"ftyp" and head[8:12] not in (b"heic", b"avif", b"qt  ") else ""


class BlueskyFileStore:
    """The bytes, in a folder where there is one, else in memory."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder / "files" if folder else None
        self._held: dict[str, bytes] = {}
        if self._folder:
            self._folder.mkdir(parents=True, exist_ok=True)

    async def take(self, blocks: AsyncIterator[bytes], most: int) -> tuple[str, str, int, bytes] | None:
        """CID, SHA-256, size and first bytes of what came in; None where it is more than `most` bytes."""
        digest, size, head, name = hashlib.sha256(), 0, b"", "part-" + secrets.token_hex(8)
        part = self._folder / name if self._folder else None
        with part.open("wb") if part else io.BytesIO() as file:
            async for block in blocks:
                size += len(block)
                if size > most:
                    break
                head = head or block[:16]
                digest.update(block)
                file.write(block)
            content = b"" if part else file.getvalue()  # type: ignore[union-attr]
        if size > most:
            if part:
                part.unlink()
            return None
        found = cid.cid_of_bytes(digest.digest())
        if part:
            part.replace(part.with_name(found))
        else:
            self._held[found] = content
        return found, digest.hexdigest(), size, head

    def read(self, name: str) -> bytes:
        return (self._folder / name).read_bytes() if self._folder else self._held[name]


class RepositoryApi:
    def __init__(self, box: Server, folder: Path | None) -> None:
        self.box, self.files = box, BlueskyFileStore(folder)
        self.keys: dict[tuple[str, str], dict[str, None]] = {}  # (did, collection) -> keys, oldest first
        for doc in box.store.all("record"):
            self.keys.setdefault((doc["did"], doc["collection"]), {})[doc["key"]] = None
        self._last = 0

    # Files

    async def upload(self, request: web.Request, caller: BlueskyCaller) -> Doc:
        declared = request.content_length
        if declared is not None and declared > self.box.blob_limit:
            raise errors.BlueskyApiError(413, "PayloadTooLarge", "request entity too large")
        taken = await self.files.take(_body_chunks(request), self.box.blob_limit)
        if taken is None:
            raise errors.BlueskyApiError(413, "PayloadTooLarge", "request entity too large")
        name, digest, size, head = taken
        mime = detect_mime(head) or request.headers.get("Content-Type", "").split(";")[0].strip()
        self.box.store.put("blob", f"{caller.did}/{name}", {"mime": mime, "size": size, "sha256": digest})
        return {"blob": {"$type": "blob", "ref": {"$link": name}, "mimeType": mime, "size": size}}

    def blob(self, did: str, name: str) -> Doc | None:
        return self.box.store.get("blob", f"{did}/{name}")

    def _check_blobs(self, did: str, value: Any) -> None:
        for one in find_blobs(value):
            known = self.blob(did, one["ref"]["$link"])
            if known is None:
                raise invalid_request_error(f"Could not find blob: {one['ref']['$link']}", "BlobNotFound")
            if known.get("kept"):
                continue  # a record shows it already: what is said of it is no longer compared
            if known["mime"] != one["mimeType"]:
                raise invalid_request_error(
                    f"Referenced Mimetype does not match stored blob. Expected: {known['mime']}, Got: {one['mimeType']}",
                    "InvalidMimeType",
                )
            if known["size"] != one["size"]:
                raise invalid_request_error(
                    f"Referenced Size does not match stored blob. Expected: {known['size']}, Got: {one['size']}",
                    "InvalidSize",
                )
            self.box.store.put("blob", f"{did}/{one['ref']['$link']}", {**known, "kept": True})

    # Writing

    def must_own(self, caller: BlueskyCaller, repo: Any) -> None:
        did = self.box.did_of(str(repo))
        if did is None:
            raise errors.BlueskyApiError(403, "AccountNotFound", "Account not found")
        if did != caller.did:
            raise errors.unauthenticated_error("Authentication Required")
        if not caller.scopes & {
            "com.atproto.access",
            "com.atproto.appPass",
            "com.atproto.appPassPrivileged",
            "transition:generic",
        }:
            raise errors.BlueskyApiError(
                403, "ScopeMissingError", 'Missing required scope "repo:app.bsky.feed.post?action=create"'
            )

    def checked(self, did: str, collection: Any, key: Any, value: Any, path: str) -> tuple[Doc, str]:
        """A record as it will be kept, and how far it was checked. Raises BlueskyApiError in the server's words."""
        if not isinstance(collection, str) or not schemas.NSID_PATTERN.fullmatch(collection):
            raise invalid_request_error(f'Invalid nsid (got "{collection}") at $.collection')
        if not isinstance(key, str) or not schemas.RECORD_KEY_PATTERN.fullmatch(key):
            raise invalid_request_error(f'Invalid record key (got "{key}") at $.rkey')
        if not isinstance(value, dict):
            raise invalid_request_error(f"Expected object value type at {path}")
        schema = schemas.SCHEMAS_BY_COLLECTION.get(collection)
        if value.get("$type", collection) != collection:
            raise invalid_request_error(f"Invalid $type: expected {collection}, got {value['$type']}")
        if schema and not schemas.TID_PATTERN.fullmatch(key):
            raise invalid_request_error(f'Invalid record key for {collection}: Invalid TID string (got "{key}") at $')
        record = {**value, "$type": collection}
        if schema:
            try:
                schema.check(record, path)
            except schemas.SchemaFault as fault:
                raise invalid_request_error(f"Invalid {collection} record: {fault}") from None
        self._check_blobs(did, record)
        return record, "valid" if schema else "unknown"

    def put(self, did: str, collection: str, key: str, record: Doc) -> tuple[str, bool]:
        """Keep a record; its CID, and whether anything changed."""
        try:
            made = cid.cid_of_record(record)
        except ValueError:
            odd, path = cid.find_unknown_value(record, "$.record") or (record, "$.record")
            raise invalid_request_error(
                f"Expected one of null, boolean, integer, string, cid, bytes, array or object value type (got {odd}) at {path}"
            ) from None
        name, before = f"{did}/{collection}/{key}", self.record(did, collection, key)
        if before and before["cid"] == made:
            return made, False
        at = (before or {}).get("at") or self.box.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
        self.box.store.put(
            "record", name, {"did": did, "collection": collection, "key": key, "cid": made, "value": record, "at": at}
        )
        self.keys.setdefault((did, collection), {})[key] = None
        return made, True

    def record(self, did: str, collection: str, key: str) -> Doc | None:
        return self.box.store.get("record", f"{did}/{collection}/{key}")

    def remove(self, did: str, collection: str, key: str) -> bool:
        if self.box.store.remove("record", f"{did}/{collection}/{key}") is None:
            return False
        self.keys.get((did, collection), {}).pop(key, None)
        return True

    def tid(self) -> str:
        self._last = max(self._last + 1, int(self.box.stamp() * 1_000_000))
        number = self._last << 10 | 7
        return "".join(TID_ALPHABET[number >> 5 * place & 31] for place in range(12, -1, -1))

    def _commit(self, did: str) -> Doc:
        rev = self.tid()
        return {"cid": cid.cid_of_record({"did": did, "rev": rev, "version": 3}), "rev": rev}

    # Calls

    async def create(self, body: Doc, caller: BlueskyCaller) -> Doc:
        self.must_own(caller, body["repo"])
        did, collection, key = caller.did, body["collection"], body.get("rkey", "")
        key = key or self.tid()
        record, status = self.checked(did, collection, key, body["record"], "$.record")
        if self.record(did, collection, key):
            raise errors.internal_error()
        made, _ = self.put(did, collection, key, record)
        self.box.spend(3)
        return {
            "uri": f"at://{did}/{collection}/{key}",
            "cid": made,
            "commit": self._commit(did),
            "validationStatus": status,
        }

    async def replace(self, body: Doc, caller: BlueskyCaller) -> Doc:
        self.must_own(caller, body["repo"])
        did, collection, key = caller.did, body["collection"], body["rkey"]
        record, status = self.checked(did, collection, key, body["record"], "$.record")
        if "swapRecord" in body:
            there = self.record(did, collection, key)
            if (there["cid"] if there else None) != body["swapRecord"]:
                raise invalid_request_error(f"Record was at {there['cid'] if there else 'null'}", "InvalidSwap")
        made, changed = self.put(did, collection, key, record)
        self.box.spend(2)
        commit = {"commit": self._commit(did)} if changed else {}
        return {"uri": f"at://{did}/{collection}/{key}", "cid": made, **commit, "validationStatus": status}

    async def apply(self, body: Doc, caller: BlueskyCaller) -> Doc:
        """Several writes, all or none."""
        self.must_own(caller, body["repo"])
        did, ready = caller.did, list[tuple[str, str, str, Doc, str]]()
        for n, one in enumerate(body["writes"]):
            kind, collection = one.get("$type"), one.get("collection")
            key = one.get("rkey") or (self.tid() if kind == CREATE_TYPE else "")
            if kind not in (CREATE_TYPE, UPDATE_TYPE, DELETE_TYPE):
                raise invalid_request_error(f'Invalid $type (got "{kind}") at $.writes[{n}]')
            record, status = (
                (dict[str, Any](), "")
                if kind == DELETE_TYPE
                else self.checked(did, collection, key, one.get("value"), f"$.writes[{n}].record")
            )
            if (self.record(did, str(collection), str(key)) is not None) == (kind == CREATE_TYPE):
                raise errors.internal_error()
            ready.append((kind, str(collection), str(key), record, status))
        results: list[Doc] = []
        for kind, collection, key, record, status in ready:
            if kind == DELETE_TYPE:
                self.remove(did, collection, key)
                results.append({"$type": f"{kind}Result"})
                self.box.spend(1)
                continue
            made, _ = self.put(did, collection, key, record)
            results.append(
                {
                    "cid": made,
                    "uri": f"at://{did}/{collection}/{key}",
                    "validationStatus": status,
                    "$type": f"{kind}Result",
                }
            )
            self.box.spend(3 if kind == CREATE_TYPE else 2)
        return {"commit": self._commit(did), "results": results}

    async def delete(self, body: Doc, caller: BlueskyCaller) -> Doc:
        self.must_own(caller, body["repo"])
        self.box.spend(1)
        return (
            {"commit": self._commit(caller.did)}
            if self.remove(caller.did, str(body["collection"]), str(body["rkey"]))
            else {}
        )

    async def get(self, query: Doc, caller: BlueskyCaller | None) -> Doc:
        repo, collection, key = (str(query[name]) for name in ("repo", "collection", "rkey"))
        did = self.box.did_of(repo)
        if did is None:
            raise invalid_request_error("Could not locate record")
        uri = f"at://{did}/{collection}/{key}"
        found = self.record(did, collection, key)
        if found is None or query.get("cid", found["cid"]) != found["cid"]:
            raise invalid_request_error(f"Could not locate record: {uri}", "RecordNotFound")
        return {"uri": uri, "cid": found["cid"], "value": found["value"]}

    async def list(self, query: Doc, caller: BlueskyCaller | None) -> Doc:
        did = self.box.did_of(str(query["repo"]))
        if did is None:
            raise invalid_request_error(f"Could not find repo: {query['repo']}")
        try:
            limit = int(query.get("limit", 50))
        except ValueError:
            limit = 0
        if not 1 <= limit <= 100:
            raise invalid_request_error(
                f"Invalid com.atproto.repo.listRecords params: limit is 1 to 100, not {query.get('limit')}"
            )
        collection, ascending = str(query["collection"]), query.get("reverse") == "true"
        keys = sorted(self.keys.get((did, collection), ()), reverse=not ascending)
        if cursor := query.get("cursor"):
            keys = [key for key in keys if (key > cursor if ascending else key < cursor)]
        rows = [self.record(did, collection, key) for key in keys[:limit]]
        shown = [
            {"uri": f"at://{did}/{collection}/{row['key']}", "cid": row["cid"], "value": row["value"]}
            for row in rows
            if row
        ]
        return {"records": shown, **({"cursor": keys[:limit][-1]} if shown else {})}

    async def serve(self, request: web.Request) -> web.Response:
        did, name = request.query.get("did", ""), request.query.get("cid", "")
        known = self.blob(did, name)
        if known is None:
            return invalid_request_error("Blob not found", "BlobNotFound").response()
        return web.Response(
            body=self.files.read(name),
            content_type=known["mime"],
            headers={"Content-Security-Policy": "default-src 'none'; sandbox", "X-Content-Type-Options": "nosniff"},
        )


def find_blobs(value: Any) -> Iterator[Doc]:
    """Every reference to a file, wherever it stands in a record."""
    if schemas.is_blob(value):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from find_blobs(one)
    elif isinstance(value, list):
        for one in value:
            yield from find_blobs(one)


async def _body_chunks(request: web.Request) -> AsyncIterator[bytes]:
    """The body piece by piece, or whole where it was read already (to hold it against the specification)."""
    if request.content.at_eof():
        yield await request.read()
        return
    async for block in request.content.iter_chunked(1 << 18):
        yield block
