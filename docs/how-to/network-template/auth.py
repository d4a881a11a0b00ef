"""Connecting a Newnet account: OAuth 2 with PKCE, and tokens that are renewed."""

from __future__ import annotations

from collections.abc import Mapping

from kicau.networks.newnet.limits import NETWORK

from kicau.connector import oauth2
from kicau.connector.capabilities import Option
from kicau.connector.content import JSON
from kicau.connector.protocol import SignInIdentity, SignInRedirect
from kicau.connector.session import Credentials, Session, SignInSession


class NewnetAuth:
    questions: tuple[Option, ...] = ()  # what must be known before the person is sent away, such as a server's name
    scopes = ("write",)
    needs_keys = True  # the operator registers an app at the network first

    async def begin(
        self, sign_in: SignInSession, answers: Mapping[str, str], /
    ) -> SignInRedirect | tuple[SignInIdentity, ...]:
        app = sign_in.app
        query = {"client_id": app.client_id, "redirect_uri": app.callback, "scope": " ".join(self.scopes)}
        return oauth2.authorization_redirect(f"{app.endpoints['api']}/authorize", query, pkce=True)

    async def finish(
        self, sign_in: SignInSession, memory: Mapping[str, JSON], returned: Mapping[str, str], /
    ) -> tuple[SignInIdentity, ...]:
        code = oauth2.authorization_code(NETWORK, returned)
        form = {"grant_type": "authorization_code", "code": code, "code_verifier": str(memory["verifier"])}
        reply = await sign_in.http.call("POST", f"{sign_in.app.endpoints['api']}/token", form=form)
        told = reply.json()
        token = oauth2.credentials_from_response(told, sign_in.now())
        name = str(told["account"])
        return (SignInIdentity(id=name, handle=name, name=name.title(), credentials=token),)

    async def refresh(self, session: Session, /) -> Credentials:
        form = {"grant_type": "refresh_token", "refresh_token": session.credentials.refresh_token}
        reply = await session.http.call("POST", f"{session.app.endpoints['api']}/token", form=form)
        return oauth2.credentials_from_response(reply.json(), session.now(), before=session.credentials)
