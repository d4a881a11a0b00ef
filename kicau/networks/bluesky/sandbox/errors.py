"""The error bodies of a server of the AT Protocol, as @atproto/pds 0.5.35 gave them (2026-11-24)."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

DPOP_ALGORITHMS = "RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES256K ES384 ES512"


class BlueskyApiError(Exception):
    """An XRPC answer that is not 2xx."""

    def __init__(self, status: int, error: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(f"{error}: {message}")
        self.status, self.error, self.message, self.headers = status, error, message, dict(headers or {})

    def response(self) -> web.Response:
        return web.json_response(
            {"error": self.error, "message": self.message}, status=self.status, headers=self.headers
        )


class BlueskyOAuthError(BlueskyApiError):
    """The same in the form of the authorization server."""

    def response(self) -> web.Response:
        return web.json_response(
            {"error": self.error, "error_description": self.message}, status=self.status, headers=self.headers
        )


def invalid_request_error(message: str, error: str = "InvalidRequest") -> BlueskyApiError:
    return BlueskyApiError(400, error, message)


def missing_token_error() -> BlueskyApiError:
    return BlueskyApiError(401, "AuthMissing", "Authentication Required")


def invalid_token_error() -> BlueskyApiError:
    return BlueskyApiError(400, "InvalidToken", "Token could not be verified")


def expired_token_error(message: str = "Token has expired") -> BlueskyApiError:
    return BlueskyApiError(400, "ExpiredToken", message)


def unauthenticated_error(message: str, error: str = "AuthenticationRequired") -> BlueskyApiError:
    return BlueskyApiError(401, error, message)


def internal_error() -> BlueskyApiError:
    """What the server says where it did not foresee the case: a record made twice under one key, for one."""
    return BlueskyApiError(500, "InternalServerError", "Internal Server Error")


def dpop_challenge(error: str, message: str, nonce: str) -> BlueskyApiError:
    """A token that is bound to a key was not accepted."""
    value = f'DPoP algs="{DPOP_ALGORITHMS}", error="{error}", error_description="{message}"'
    headers = {"WWW-Authenticate": value, "DPoP-Nonce": nonce, "Access-Control-Expose-Headers": "WWW-Authenticate"}
    return BlueskyApiError(401, error, message, headers)
