"""The description of an operator's own client, with which a sign-in lasts up to two years instead of two weeks.

    python -m kicau.networks.bluesky.client https://kicau.example/bluesky.json https://kicau.example/channels/callback

prints the document to be served at that address, and the key to be entered as the app's secret.
"""

from __future__ import annotations

import json
import sys
from typing import Any
from urllib.parse import urlsplit

from kicau.networks.bluesky import dpop
from kicau.networks.bluesky.oauth import OAUTH_SCOPES


def new_secret() -> str:
    """A fresh private key, as a JWK in JSON: the app's secret."""
    key = dpop.new_key()
    public = dpop.public_jwk(key)
    return json.dumps({**public, "d": key, "kid": public["x"][:16], "alg": dpop.ALGORITHM, "use": "sig"})


def client_document(client_id: str, callback: str, secret: str) -> dict[str, Any]:
    """What is served at `client_id`, an https address; holds the public half of the key only."""
    public = {name: value for name, value in json.loads(secret).items() if name != "d"}
    where = urlsplit(client_id)
    return {
        "client_id": client_id,
        "client_name": "Kicau",
        "client_uri": f"{where.scheme}://{where.netloc}",
        "application_type": "web",
        "redirect_uris": [callback],
        "response_types": ["code"],
        "grant_types": ["authorization_code", "refresh_token"],
        "scope": " ".join(OAUTH_SCOPES),
        "token_endpoint_auth_method": "private_key_jwt",
        "token_endpoint_auth_signing_alg": dpop.ALGORITHM,
        "dpop_bound_access_tokens": True,
        "jwks": {"keys": [public]},
    }


def main(arguments: list[str]) -> int:
    if len(arguments) != 2 or not all(one.startswith("https://") for one in arguments):
        print("Two addresses are needed, both with https://: of the document, and of the callback.", file=sys.stderr)
        return 2
    secret = new_secret()
    print(json.dumps(client_document(arguments[0], arguments[1], secret), indent=2))
    print(f"\nThe app's client id: {arguments[0]}\nThe app's secret, to be shown to nobody: {secret}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
