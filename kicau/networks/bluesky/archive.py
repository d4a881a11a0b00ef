"""Bluesky's repository: one CAR file (com.atproto.sync.getRepo, or Settings, Account, Export my data), CAR v1 of
DAG-CBOR blocks (https://ipld.io/specs/transport/car/carv1/ and https://atproto.com/specs/repository, 2026-11-26).

Two passes: the tree first, which knows each record's key, then the records as they come. A block's hash is checked, so
that what was changed in the file is left out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, BinaryIO

import libipld

from kicau.connector.archives.files import ArchiveFiles, UnreadableFile, matching_names
from kicau.connector.archives.records import (
    ArchiveEntry,
    ArchiveOwner,
    ArchiveRecord,
    malformed_entry,
    skip_entry,
    truncated_file,
    unreadable_file,
)

CAR_PATTERN = r"\.car$"
POST_COLLECTION = "app.bsky.feed.post"
MAX_BLOCK_BYTES = 2_000_000  # bytes of a block; a record has at most 1 MB
CID_PREFIX = b"\x01\x71\x12\x20"  # of a CID: version 1, DAG-CBOR, SHA-256 of 32 bytes


class BrokenCar(ValueError):
    """It is no CAR, or it ends in the middle."""


class BlueskyArchiveReader:
    """The archive reader of the connector for Bluesky."""

    def sniff(self, files: ArchiveFiles, /) -> ArchiveOwner | None:
        names = matching_names(files, CAR_PATTERN) or (files.names() if len(files.names()) == 1 else [])
        for name in names[:1]:
            try:
                with files.open(name) as file:
                    did = _owner_did(file)
            except (UnreadableFile, BrokenCar):
                continue
            if did:
                return ArchiveOwner(format="bluesky", account_id=did)
        return None

    def read(self, files: ArchiveFiles, /) -> Iterator[ArchiveEntry]:
        for name in matching_names(files, CAR_PATTERN) or files.names():
            try:
                yield from _read_records(files, name)
            except UnreadableFile as exc:
                yield unreadable_file(exc, name)


reader = BlueskyArchiveReader()


def _read_records(files: ArchiveFiles, name: str) -> Iterator[ArchiveEntry]:
    keys: dict[bytes, str] = {}
    twins: dict[bytes, list[str]] = {}  # further keys of a record that stands in the file once: the same post twice
    did, ended = "", False
    nodes: set[bytes] = set()  # of the tree, as the commit and other nodes name them
    there: set[bytes] = set()
    with files.open(name) as file:
        try:
            for cid, block in _read_blocks(file):
                there.add(cid)
                if isinstance(block, dict) and "e" in block and "l" in block:
                    _entries_of_node(block, keys, twins)
                    nodes |= _child_nodes(block)
                elif isinstance(block, dict) and "did" in block and "data" in block:
                    did = str(block["did"])
                    nodes.add(_cid_of_link(block["data"]))
        except BrokenCar:
            ended = True
    with files.open(name) as file:
        try:
            for number, (cid, block) in enumerate(_read_blocks(file), 1):
                for key in (keys.get(cid, ""), *twins.get(cid, ())):
                    if key.startswith(f"{POST_COLLECTION}/"):
                        yield (
                            _build_record(block, did, key) if isinstance(block, dict) else malformed_entry(name, number)
                        )
        except BrokenCar:
            pass
    if ended:
        yield truncated_file(name)
        return
    posts = [cid for cid, key in keys.items() if key.startswith(f"{POST_COLLECTION}/")]
    notes = []
    if absent := sum(1 + len(twins.get(cid, ())) for cid in posts if cid not in there):
        notes.append(
            skip_entry(
                "missing-posts",
                "The archive file {file} lists posts whose content is missing (missing posts: {count}). Export the archive from the network again.",
                name,
                file=name,
                count=absent,
            )
        )
    if absent := len(nodes - there - {b""}):
        notes.append(
            skip_entry(
                "missing-nodes",
                "The list of posts in {file} has gaps (missing parts: {count}), so posts may be missing too. Export the archive from the network again.",
                name,
                file=name,
                count=absent,
            )
        )
    for note in notes:
        note.is_taken = True
    yield from notes


def _build_record(post: dict[str, Any], did: str, key: str) -> ArchiveRecord:
    at = parse_time(post.get("createdAt"))
    embed = post.get("embed") if isinstance(post.get("embed"), dict) else {}
    assert isinstance(embed, dict)
    pictures = embed.get("images") or (embed.get("media") or {}).get("images") or []
    parent = (
        ((post.get("reply") or {}).get("parent") or {}).get("uri", "") if isinstance(post.get("reply"), dict) else ""
    )
    quoted = embed.get("record") or {}
    languages = post.get("langs")
    record = ArchiveRecord(
        remote_id=f"at://{did}/{key}",
        text=str(post.get("text") or ""),
        posted_at=at,
        posted_to="second" if at else "none",
        kind="reply" if parent else "quote" if quoted else "post",
        reply_to=str(parent),
        url=f"https://bsky.app/profile/{did}/post/{key.rsplit('/', 1)[-1]}",
        language=str(languages[0])[:2] if isinstance(languages, list) and languages else "",
        media=[
            {"kind": "image", "name": "", "url": "", "alt": str(one.get("alt") or "")}
            for one in pictures
            if isinstance(one, dict)
        ],
    )
    if isinstance(embed.get("video"), object) and embed.get("video"):
        record.media.append({"kind": "video", "name": "", "url": "", "alt": str(embed.get("alt") or "")})
    return record


def parse_time(told: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(told))
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def _entries_of_node(node: dict[str, Any], keys: dict[bytes, str], twins: dict[bytes, list[str]]) -> None:
    """Each entry of a node of the tree: the first `p` letters of its key are those of the entry before."""
    before = b""
    for entry in node["e"] if isinstance(node["e"], list) else []:
        try:
            before = before[: int(entry["p"])] + bytes(entry["k"])
            cid, key = bytes(entry["v"]), before.decode()
            if keys.setdefault(cid, key) != key:
                twins.setdefault(cid, []).append(key)
        except (KeyError, TypeError, ValueError):
            continue


def _child_nodes(node: dict[str, Any]) -> set[bytes]:
    """The nodes that a node of the tree names."""
    entries = node["e"] if isinstance(node["e"], list) else []
    return {_cid_of_link(node["l"]), *(_cid_of_link(one.get("t")) for one in entries if isinstance(one, dict))}


def _cid_of_link(link: object) -> bytes:
    """The bytes of a link to another block; b"" for what is none."""
    return bytes(link) if isinstance(link, bytes | bytearray | memoryview) else b""


def _owner_did(file: BinaryIO) -> str:
    """The DID in the commit, which the header's root names and which stands at the beginning."""
    for number, (_cid, block) in enumerate(_read_blocks(file)):
        if isinstance(block, dict) and "did" in block and "data" in block:
            return str(block["did"])
        if number > 5000:
            break
    return ""


def _read_blocks(file: BinaryIO) -> Iterator[tuple[bytes, Any]]:
    """(CID, value) of each block whose bytes are what its CID says; None for a value that is no DAG-CBOR."""
    size = _read_varint(file)
    if not size or size > MAX_BLOCK_BYTES:
        raise BrokenCar
    try:
        header = libipld.decode_dag_cbor(_read_exactly(file, size))
    except ValueError:
        raise BrokenCar from None
    if not isinstance(header, dict) or header.get("version") != 1:
        raise BrokenCar
    while (size := _read_varint(file)) is not None:
        if size > MAX_BLOCK_BYTES or size < 36:
            raise BrokenCar
        data = _read_exactly(file, size)
        cid, block = data[:36], data[36:]
        if not cid.startswith(CID_PREFIX) or hashlib.sha256(block).digest() != cid[4:]:
            yield cid, None
            continue
        try:
            yield cid, libipld.decode_dag_cbor(block)
        except ValueError:
            yield cid, None


def _read_varint(file: BinaryIO) -> int | None:
    """None at the end of the file."""
    value, shift = 0, 0
    while True:
        byte = file.read(1)
        if not byte:
            if shift:
                raise BrokenCar
            return None
        value |= (byte[0] & 0x7F) << shift
        shift += 7
        if not byte[0] & 0x80:
            return value
        if shift > 56:
            raise BrokenCar


def _read_exactly(file: BinaryIO, size: int) -> bytes:
    pieces: list[bytes] = []
    while size > 0:
        piece = file.read(size)
        if not piece:
            raise BrokenCar
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)
