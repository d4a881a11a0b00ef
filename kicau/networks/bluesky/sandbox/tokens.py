"""Who is calling: sessions of app passwords, and tokens that are bound to a key (DPoP)."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiohttp import web

from kicau.networks.bluesky.sandbox import errors, jws
from kicau.networks.bluesky.sandbox.errors import BlueskyApiError, BlueskyOAuthError

if TYPE_CHECKING:
    from kicau.networks.bluesky.sandbox.server import Server

ACCESS_SECONDS, REFRESH_SECONDS, GRACE_SECONDS = 7200, 90 * 86_400, 7200
NONCE_SECONDS, PROOF_SECONDS = 180, 120
NONCE_REQUIRED_MESSAGE = "Authorization server requires nonce in DPoP proof"


@dataclass(frozen=True, slots=True)
class BlueskyCaller:
    did: str
    scopes: frozenset[str]
    token: str
    key: str = ""  # of a refresh token: which one


class BlueskyTokens:
    def __init__(self, box: Server) -> None:
        self.box = box
        kept = box.store.get("secret", "jwt") or box.store.put("secret", "jwt", {"value": secrets.token_hex(32)})
        self.secret = bytes.fromhex(kept["value"])
        self._proofs: dict[str, float] = {}  # jti -> until

    # Sessions of an app password

    def open(self, did: str, name: str) -> dict[str, str]:
        """A new session; `name` of the app password, "" for the account's own."""
        return self._session(did, name, secrets.token_urlsafe(24))

    def _session(self, did: str, name: str, key: str) -> dict[str, str]:
        now = int(self.box.stamp())
        base = {"aud": self.box.service_did, "sub": did, "iat": now}
        scope = "com.atproto.appPass" if name else "com.atproto.access"
        access = {**base, "scope": scope, "exp": now + ACCESS_SECONDS, "jti": secrets.token_urlsafe(12)}
        known = self.box.store.get("refresh", key) or {
            "did": did,
            "name": name,
            "until": now + REFRESH_SECONDS,
            "next": "",
            "dead_at": 0,
        }
        self.box.store.put("refresh", key, known)
        renewing = {**base, "scope": "com.atproto.refresh", "exp": int(known["until"]), "jti": key}
        return {
            "accessJwt": jws.sign_token(self.secret, {"typ": "at+jwt"}, access),
            "refreshJwt": jws.sign_token(self.secret, {"typ": "refresh+jwt"}, renewing),
        }

    def rotate(self, caller: BlueskyCaller) -> dict[str, str]:
        """A session for a refresh token, which stays good for two hours and gives the same successor."""
        known, now = self.box.store.get("refresh", caller.key), self.box.stamp()
        if known is None or (known["dead_at"] and known["dead_at"] <= now):
            raise errors.expired_token_error("Token has been revoked")
        if not known["next"]:
            known |= {"next": secrets.token_urlsafe(24), "dead_at": now + GRACE_SECONDS}
            self.box.store.put("refresh", caller.key, known)
        return self._session(known["did"], known["name"], known["next"])

    def close(self, caller: BlueskyCaller) -> None:
        self.box.store.remove("refresh", caller.key)

    # At the door

    def caller(self, request: web.Request, *, renewing: bool = False) -> BlueskyCaller:
        """Who sent a request. Raises BlueskyApiError."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if not token:
            raise errors.missing_token_error()
        if scheme.lower() == "dpop":
            return self._bound(request, token)
        if scheme.lower() != "bearer":
            raise errors.invalid_request_error("Unexpected authorization type", "InvalidToken")
        try:
            header, claims = jws.read_token(self.secret, token)
        except jws.InvalidToken:
            raise errors.invalid_token_error() from None
        if header.get("typ") != ("refresh+jwt" if renewing else "at+jwt") or "cnf" in claims:
            raise errors.invalid_token_error()
        self._alive(token, claims)
        return BlueskyCaller(claims["sub"], frozenset(str(claims["scope"]).split()), token, str(claims.get("jti", "")))

    def _alive(self, token: str, claims: dict[str, Any]) -> None:
        if self._is_revoked(token):
            raise errors.invalid_token_error()
        if claims["exp"] <= self.box.stamp():
            raise errors.expired_token_error()

    def _bound(self, request: web.Request, token: str) -> BlueskyCaller:
        nonce = self.nonce()
        try:
            _, claims = jws.read_token(self.secret, token)
        except jws.InvalidToken:
            claims = {}
        try:
            key = self.proof(request, token)
        except BlueskyOAuthError as refused:
            raise errors.dpop_challenge(refused.error, refused.message, nonce) from None
        grant = self.box.store.get("grant", str(claims.get("grant", "")))
        if grant is None or claims["cnf"]["jkt"] != key or self._is_revoked(token):
            raise errors.dpop_challenge(
                "invalid_token", "Malformed token" if not claims else "Token has been revoked", nonce
            )
        if claims["exp"] <= self.box.stamp():
            raise errors.dpop_challenge("invalid_token", '"exp" claim timestamp check failed', nonce)
        return BlueskyCaller(claims["sub"], frozenset(claims["scope"].split()), token)

    # Proofs

    def nonce(self, back: int = 0) -> str:
        window = int(self.box.stamp() // NONCE_SECONDS) - back
        return jws.encode_base64url(hmac.digest(self.secret, f"nonce {window}".encode(), "sha256"))

    def proof(self, request: web.Request, token: str = "") -> str:
        """Which key a request is proven by. Raises BlueskyOAuthError, with the nonce to use where that is missing."""
        given = request.headers.get("DPoP", "")
        try:
            header, claims = jws.verify_token(given)
        except jws.InvalidToken as exc:
            raise self._unproven(f"Invalid DPoP proof: {exc}" if given else "DPoP proof required") from None
        if header.get("typ") != "dpop+jwt":
            raise self._unproven('Invalid "typ"')
        if claims.get("htm") != request.method:
            raise self._unproven('DPoP "htm" mismatch')
        if claims.get("htu") != f"{self.box.base_url}{request.path}":
            raise self._unproven('DPoP "htu" mismatch')
        # A test may move this clock alone, or the client's with it: either is now.
        clocks = (time.time(), self.box.now().timestamp())
        if not isinstance(claims.get("iat"), int) or min(abs(claims["iat"] - at) for at in clocks) > PROOF_SECONDS:
            raise self._unproven('DPoP "iat" is too old or in the future')
        if claims.get("nonce") not in (self.nonce(), self.nonce(1)):
            message = 'DPoP "nonce" mismatch' if claims.get("nonce") else NONCE_REQUIRED_MESSAGE
            raise BlueskyOAuthError(400, "use_dpop_nonce", message, {"DPoP-Nonce": self.nonce()})
        if token and claims.get("ath") != jws.encode_base64url(hashlib.sha256(token.encode()).digest()):
            raise self._unproven('DPoP "ath" mismatch')
        self._once(str(claims.get("jti", "")))
        return jws.key_thumbprint(header["jwk"])

    def _once(self, jti: str) -> None:
        now = self.box.now().timestamp()
        if len(self._proofs) > 20_000:
            self._proofs = {key: until for key, until in self._proofs.items() if until > now}
        if not jti or self._proofs.get(jti, 0) > now:
            raise self._unproven("DPoP proof replayed")
        self._proofs[jti] = now + 2 * PROOF_SECONDS

    def _unproven(self, message: str) -> BlueskyOAuthError:
        return BlueskyOAuthError(401, "invalid_dpop_proof", message, {"DPoP-Nonce": self.nonce()})

    # Revoking

    def revoke(self, request: web.Request) -> None:
        """Make a request's token worthless, by order of a test: this access token, and what could renew it."""
        _, _, token = request.headers.get("Authorization", "").partition(" ")
        try:
            _, claims = jws.read_token(self.secret, token)
        except jws.InvalidToken:
            return
        self.box.store.put("revoked", _token_digest(token), {"at": self.box.stamp()})
        if grant := claims.get("grant"):
            self.box.store.remove("grant", grant)

    def _is_revoked(self, token: str) -> bool:
        return self.box.store.get("revoked", _token_digest(token)) is not None


def _token_digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


__all__ = ["BlueskyApiError", "BlueskyCaller", "BlueskyTokens"]
