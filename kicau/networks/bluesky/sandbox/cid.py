"""Content identifiers as the AT Protocol makes them: SHA-256 of bytes, or of a record in canonical DAG-CBOR.

https://atproto.com/specs/data-model and https://ipld.io/specs/codecs/dag-cbor/spec/ (2026-11-24).
"""

from __future__ import annotations

import base64
import hashlib
from typing import Any

RAW_CODEC, DAG_CBOR_CODEC = 0x55, 0x71


def cid_of_bytes(digest: bytes) -> str:
    """Of a file, from the SHA-256 of it."""
    return _cid_text(RAW_CODEC, digest)


def cid_of_record(value: Any) -> str:
    """Of a record in its JSON form. Raises ValueError where it holds what the data model does not know (floats)."""
    return _cid_text(DAG_CBOR_CODEC, hashlib.sha256(_encode_cbor(value)).digest())


def _cid_text(codec: int, digest: bytes) -> str:
    return "b" + base64.b32encode(bytes((1, codec, 0x12, 0x20)) + digest).decode().rstrip("=").lower()


def _cbor_head(major: int, value: int) -> bytes:
    if value < 24:
        return bytes((major << 5 | value,))
    for extra, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if value < 1 << 8 * size:
            return bytes((major << 5 | extra,)) + value.to_bytes(size)
    raise ValueError("an integer is out of bounds")


def _encode_cbor(value: Any) -> bytes:
    match value:
        case None:
            return b"\xf6"
        case bool():
            return b"\xf5" if value else b"\xf4"
        case int():
            return _cbor_head(0, value) if value >= 0 else _cbor_head(1, -1 - value)
        case str():
            raw = value.encode()
            return _cbor_head(3, len(raw)) + raw
        case list():
            return _cbor_head(4, len(value)) + b"".join(map(_encode_cbor, value))
        case {"$link": str(link), **rest} if not rest and is_cid(link):
            raw = b"\x00" + _cid_bytes(link)
            return b"\xd8\x2a" + _cbor_head(2, len(raw)) + raw
        case {"$bytes": str(content), **rest} if not rest:
            raw = base64.b64decode(content + "=" * (-len(content) % 4))
            return _cbor_head(2, len(raw)) + raw
        case dict():
            keys = sorted(((key.encode(), key) for key in value), key=lambda pair: (len(pair[0]), pair[0]))
            return _cbor_head(5, len(keys)) + b"".join(
                _cbor_head(3, len(raw)) + raw + _encode_cbor(value[key]) for raw, key in keys
            )
    raise ValueError(f"{type(value).__name__} is no type of the data model")


def find_unknown_value(value: Any, path: str) -> tuple[Any, str] | None:
    """The first value that the data model does not know, and where it stands; None where all are known."""
    match value:
        case dict():
            below = [(one, f"{path}.{name}") for name, one in value.items()]
        case list():
            below = [(one, f"{path}[{n}]") for n, one in enumerate(value)]
        case None | bool() | int() | str():
            return None
        case _:
            return value, path
    return next((found for one in below if (found := find_unknown_value(*one))), None)


def _cid_bytes(link: str) -> bytes:
    if not link.startswith("b"):
        raise ValueError(f"{link} is no CID in base 32")
    body = link[1:].upper()
    return base64.b32decode(body + "=" * (-len(body) % 8))


def is_cid(value: str) -> bool:
    try:
        raw = _cid_bytes(value)
    except ValueError:
        return False
    return len(raw) == 36 and raw[0] == 1 and raw[1] in (RAW_CODEC, DAG_CBOR_CODEC) and raw[2:4] == b"\x12\x20"
