"""Signed proofs: that a token is used by whoever got it (DPoP, RFC 9449), and that a client is itself (RFC 7523).

The key of a sign-in is made for it, kept sealed with its tokens, and never leaves; ES256 is the one algorithm that
every server of the AT Protocol must take (https://atproto.com/specs/oauth, 2026-11-24).
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections import OrderedDict
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

ALGORITHM = "ES256"
KEY_BYTES = 32  # bytes of each number of the curve
MAX_NONCES = 1000  # servers whose last nonce is remembered


def encode_base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode_base64url(value: str) -> bytes:
    """Raises ValueError."""
    return base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))


def new_key() -> str:
    """A fresh private key of P-256: its number, as base64url."""
    return encode_base64url(ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value.to_bytes(KEY_BYTES))


def public_jwk(key: str) -> dict[str, str]:
    """The public half of a key (RFC 7517). Raises ValueError where `key` is none."""
    numbers = _private_key(key).public_key().public_numbers()
    return {
        "kty": "EC",
        "crv": "P-256",
        "x": encode_base64url(numbers.x.to_bytes(KEY_BYTES)),
        "y": encode_base64url(numbers.y.to_bytes(KEY_BYTES)),
    }


def dpop_proof(key: str, method: str, url: str, now: datetime, *, nonce: str = "", token: str = "") -> str:
    """The DPoP header for one request; `token` is the access token that goes with it."""
    where = urlsplit(url)
    claims: dict[str, Any] = {
        "jti": secrets.token_urlsafe(16),
        "htm": method,
        "htu": f"{where.scheme}://{where.netloc}{where.path}",
        "iat": int(now.timestamp()),
    }
    if nonce:
        claims["nonce"] = nonce
    if token:
        claims["ath"] = encode_base64url(hashlib.sha256(token.encode()).digest())
    return _sign_token(key, {"typ": "dpop+jwt", "alg": ALGORITHM, "jwk": public_jwk(key)}, claims)


def client_assertion(key: str, key_id: str, client_id: str, audience: str, now: datetime) -> str:
    """Who the client is, said by its own key to one authorization server; holds for a minute."""
    at = int(now.timestamp())
    claims = {
        "iss": client_id,
        "sub": client_id,
        "aud": audience,
        "jti": secrets.token_urlsafe(16),
        "iat": at,
        "exp": at + 60,
    }
    return _sign_token(key, {"typ": "JWT", "alg": ALGORITHM, "kid": key_id}, claims)


def _sign_token(key: str, header: Mapping[str, Any], claims: Mapping[str, Any]) -> str:
    said = ".".join(encode_base64url(json.dumps(part, separators=(",", ":")).encode()) for part in (header, claims))
    r, s = decode_dss_signature(_private_key(key).sign(said.encode(), ec.ECDSA(hashes.SHA256())))
    return f"{said}.{encode_base64url(r.to_bytes(KEY_BYTES) + s.to_bytes(KEY_BYTES))}"


def _private_key(key: str) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(decode_base64url(key)), ec.SECP256R1())


class NonceStore:
    """The last nonce of each server: one of a process's own, so that not every request is refused once."""

    def __init__(self) -> None:
        self._by_origin: OrderedDict[str, str] = OrderedDict()

    def get(self, url: str) -> str:
        return self._by_origin.get(_origin_of_url(url), "")

    def remember(self, url: str, nonce: str) -> None:
        if not nonce:
            return
        self._by_origin[_origin_of_url(url)] = nonce
        self._by_origin.move_to_end(_origin_of_url(url))
        while len(self._by_origin) > MAX_NONCES:
            self._by_origin.popitem(last=False)


def _origin_of_url(url: str) -> str:
    where = urlsplit(url)
    return f"{where.scheme}://{where.netloc}"
