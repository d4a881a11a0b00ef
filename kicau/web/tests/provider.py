"""An OpenID provider on loopback, for tests."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import threading
from collections.abc import Iterator
from urllib.parse import parse_qsl, urlsplit

import pytest
from aiohttp import web
from django.urls import reverse
from joserfc import jwt
from joserfc.jwk import RSAKey

from kicau.base import clock


class Provider:
    """Discovery, token endpoint and keys; the sign-in page is `consent`, which says yes at once."""

    def __init__(self) -> None:
        self.key = RSAKey.generate_key(2048, {"kid": "k1", "use": "sig"})
        self.signs_with = self.key
        self.codes: dict[str, dict[str, str]] = {}
        self.person = {"sub": "u-1", "email": "sari@kopisenja.example", "email_verified": True, "name": "Sari"}
        self.twist: dict[str, object] = {}
        self.url = ""
        self.at: dict[str, str] = {}  # endpoints elsewhere than on its own address

    def consent(self, address: str) -> dict[str, str]:
        """What comes back when the person says yes."""
        asked = dict(parse_qsl(urlsplit(address).query))
        assert asked["scope"] == "openid email profile"
        assert asked["code_challenge_method"] == "S256"
        self.codes["c1"] = asked
        return {"state": asked["state"], "code": "c1"}

    async def about(self, _request: web.Request) -> web.Response:
        return web.json_response(
            {
                "issuer": self.url,
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "jwks_uri": f"{self.url}/keys",
                **self.at,
            }
        )

    async def keys(self, _request: web.Request) -> web.Response:
        return web.json_response({"keys": [self.key.as_dict(private=False)]})

    async def token(self, request: web.Request) -> web.Response:
        form = dict(await request.post())
        asked = self.codes.pop(str(form["code"]))
        challenge = base64.urlsafe_b64encode(hashlib.sha256(str(form["code_verifier"]).encode()).digest()).rstrip(b"=")
        known = base64.b64encode(b"kicau-1:s3cret").decode()
        if challenge.decode() != asked["code_challenge"] or request.headers["Authorization"] != f"Basic {known}":
            return web.json_response({"error": "invalid_grant"}, status=400)
        now = int(clock.now().timestamp())
        claims = {
            "iss": self.url,
            "aud": "kicau-1",
            "iat": now,
            "exp": now + 300,
            "nonce": asked["nonce"],
            **self.person,
            **self.twist,
        }
        return web.json_response({"id_token": jwt.encode({"alg": "RS256", "kid": "k1"}, claims, self.signs_with)})


@pytest.fixture(scope="module")
def _serving() -> Iterator[Provider]:
    made, loop, ready = Provider(), asyncio.new_event_loop(), threading.Event()

    async def serve() -> web.AppRunner:
        app = web.Application()
        app.add_routes(
            [
                web.get("/.well-known/openid-configuration", made.about),
                web.get("/keys", made.keys),
                web.post("/token", made.token),
            ]
        )
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        ready.set()
        return runner

    def run() -> None:
        runner = loop.run_until_complete(serve())
        loop.run_forever()
        loop.run_until_complete(runner.cleanup())
        loop.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert ready.wait(10)
    yield made
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)


@pytest.fixture
def provider(_serving, settings) -> Provider:
    settings.KICAU_OIDC_ISSUER, settings.KICAU_OIDC_NAME = _serving.url, "Kopi ID"
    settings.KICAU_OIDC_CLIENT_ID, settings.KICAU_OIDC_CLIENT_SECRET = "kicau-1", "s3cret"
    _serving.twist, _serving.signs_with, _serving.at = {}, _serving.key, {}
    _serving.person = {"sub": "u-1", "email": "sari@kopisenja.example", "email_verified": True, "name": "Sari"}
    return _serving


def come_back(guest, provider, **query: str):
    away = guest.get(reverse("oidc"), query)
    assert away["Location"].startswith(f"{provider.url}/authorize?")
    return guest.get(reverse("oidc-callback"), provider.consent(away["Location"]))
