"""The error bodies of a server of the AT Protocol, as @atproto/pds 0.5.35 gave them (2026-11-24)."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

ALGORITHMS = "RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES256K ES384 ES512"


class Refusal(Exception):
    """An XRPC answer that is not 2xx."""

    def __init__(self, status: int, error: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(f"{error}: {message}")
        self.status, self.error, self.message, self.headers = status, error, message, dict(headers or {})

    def response(self) -> web.Response:
        return web.json_response(
            {"error": self.error, "message": self.message}, status=self.status, headers=self.headers
        )


class OAuthRefusal(Refusal):
    """The same in the form of the authorization server."""

    def response(self) -> web.Response:
        return web.json_response(
            {"error": self.error, "error_description": self.message}, status=self.status, headers=self.headers
        )


def invalid(message: str, error: str = "InvalidRequest") -> Refusal:
    return Refusal(400, error, message)


def no_token() -> Refusal:
    return Refusal(401, "AuthMissing", "Authentication Required")


def bad_token() -> Refusal:
    return Refusal(400, "InvalidToken", "Token could not be verified")


def expired(message: str = "Token has expired") -> Refusal:
    return Refusal(400, "ExpiredToken", message)


def not_signed_in(message: str, error: str = "AuthenticationRequired") -> Refusal:
    return Refusal(401, error, message)


def fault() -> Refusal:
    """What the server says where it did not foresee the case: a record made twice under one key, for one."""
    return Refusal(500, "InternalServerError", "Internal Server Error")


def challenge(error: str, message: str, nonce: str) -> Refusal:
    """A token that is bound to a key was not accepted."""
    value = f'DPoP algs="{ALGORITHMS}", error="{error}", error_description="{message}"'
    headers = {"WWW-Authenticate": value, "DPoP-Nonce": nonce, "Access-Control-Expose-Headers": "WWW-Authenticate"}
    return Refusal(401, error, message, headers)
