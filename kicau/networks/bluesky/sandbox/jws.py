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


class InvalidToken(ValueError):
    """No token, or not signed by whom it should be."""


def encode_base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode_base64url(value: str) -> bytes:
    return base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))


def _encode_part(value: dict[str, Any]) -> str:
    return encode_base64url(json.dumps(value, separators=(",", ":")).encode())


def sign_token(secret: bytes, header: dict[str, Any], claims: dict[str, Any]) -> str:
    """A token of the server's own (HS256)."""
    said = f"{_encode_part({**header, 'alg': 'HS256'})}.{_encode_part(claims)}"
    return f"{said}.{encode_base64url(hmac.digest(secret, said.encode(), 'sha256'))}"


def read_token(secret: bytes, token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims of a token of the server's own. Raises InvalidToken."""
    said, _, signature = token.rpartition(".")
    if not hmac.compare_digest(encode_base64url(hmac.digest(secret, said.encode(), "sha256")), signature):
        raise InvalidToken("the signature does not fit")
    return _decode_parts(said)


def _decode_parts(said: str) -> tuple[dict[str, Any], dict[str, Any]]:
    try:
        header, claims = (json.loads(decode_base64url(part)) for part in said.split("."))
    except ValueError as exc:
        raise InvalidToken("no token") from exc
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise InvalidToken("no token")
    return header, claims


def verify_token(token: str, jwk: dict[str, Any] | None = None) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims of a client's token (ES256), by `jwk` or the key that its header holds. Raises InvalidToken."""
    said, _, signature = token.rpartition(".")
    header, claims = _decode_parts(said)
    key = jwk or header.get("jwk")
    if header.get("alg") != "ES256" or not isinstance(key, dict) or key.get("crv") != "P-256" or "d" in key:
        raise InvalidToken("no ES256 key")
    try:
        raw = decode_base64url(signature)
        numbers = ec.EllipticCurvePublicNumbers(
            int.from_bytes(decode_base64url(key["x"])), int.from_bytes(decode_base64url(key["y"])), ec.SECP256R1()
        )
        pair = encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))
        numbers.public_key().verify(pair, said.encode(), ec.ECDSA(hashes.SHA256()))
    except (InvalidSignature, ValueError, KeyError, TypeError) as exc:
        raise InvalidToken("the signature does not fit") from exc
    return header, claims


def key_thumbprint(jwk: dict[str, Any]) -> str:
    """Which key it is (RFC 7638)."""
    said = json.dumps({name: jwk[name] for name in ("crv", "kty", "x", "y")}, separators=(",", ":"))
    return encode_base64url(hashlib.sha256(said.encode()).digest())
