"""Signed tokens as the server makes and reads them: its own with a secret, its clients' with their public keys."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature


class Unreadable(ValueError):
    """No token, or not signed by whom it should be."""


def encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode(value: str) -> bytes:
    return base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))


def _part(value: dict[str, Any]) -> str:
    return encode(json.dumps(value, separators=(",", ":")).encode())


def sign(secret: bytes, header: dict[str, Any], claims: dict[str, Any]) -> str:
    """A token of the server's own (HS256)."""
    said = f"{_part({**header, 'alg': 'HS256'})}.{_part(claims)}"
    return f"{said}.{encode(hmac.digest(secret, said.encode(), 'sha256'))}"


def read(secret: bytes, token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims of a token of the server's own. Raises Unreadable."""
    said, _, signature = token.rpartition(".")
    if not hmac.compare_digest(encode(hmac.digest(secret, said.encode(), "sha256")), signature):
        raise Unreadable("the signature does not fit")
    return _parts(said)


def _parts(said: str) -> tuple[dict[str, Any], dict[str, Any]]:
    try:
        header, claims = (json.loads(decode(part)) for part in said.split("."))
    except ValueError as exc:
        raise Unreadable("no token") from exc
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise Unreadable("no token")
    return header, claims


def verify(token: str, jwk: dict[str, Any] | None = None) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims of a client's token (ES256), by `jwk` or the key that its header holds. Raises Unreadable."""
    said, _, signature = token.rpartition(".")
    header, claims = _parts(said)
    key = jwk or header.get("jwk")
    if header.get("alg") != "ES256" or not isinstance(key, dict) or key.get("crv") != "P-256" or "d" in key:
        raise Unreadable("no ES256 key")
    try:
        raw = decode(signature)
        numbers = ec.EllipticCurvePublicNumbers(
            int.from_bytes(decode(key["x"])), int.from_bytes(decode(key["y"])), ec.SECP256R1()
        )
        pair = encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))
        numbers.public_key().verify(pair, said.encode(), ec.ECDSA(hashes.SHA256()))
    except (InvalidSignature, ValueError, KeyError, TypeError) as exc:
        raise Unreadable("the signature does not fit") from exc
    return header, claims


def thumbprint(jwk: dict[str, Any]) -> str:
    """Which key it is (RFC 7638)."""
    said = json.dumps({name: jwk[name] for name in ("crv", "kty", "x", "y")}, separators=(",", ":"))
    return encode(hashlib.sha256(said.encode()).digest())
