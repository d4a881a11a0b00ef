"""Connecting a Newnet account: OAuth 2 with PKCE, and tokens that are renewed."""

from __future__ import annotations

from collections.abc import Mapping

from kicau.networks.newnet.limits import NETWORK

from kicau.connector import oauth2
from kicau.connector.capabilities import Option
from kicau.connector.content import JSON
from kicau.connector.protocol import Account, Redirect
from kicau.connector.session import Credentials, Session, SignIn


class NewnetAuth:
    questions: tuple[Option, ...] = ()  # what must be known before the person is sent away, such as a server's name
    scopes = ("write",)
    needs_keys = True  # the operator registers an app at the network first

    async def begin(self, sign_in: SignIn, answers: Mapping[str, str], /) -> Redirect | tuple[Account, ...]:
        app = sign_in.app
        query = {"client_id": app.client_id, "redirect_uri": app.callback, "scope": " ".join(self.scopes)}
        return oauth2.redirect(f"{app.endpoints['api']}/authorize", query, pkce=True)

    async def finish(
        self, sign_in: SignIn, memory: Mapping[str, JSON], returned: Mapping[str, str], /
    ) -> tuple[Account, ...]:
        code = oauth2.returned_code(NETWORK, returned)
        form = {"grant_type": "authorization_code", "code": code, "code_verifier": str(memory["verifier"])}
        reply = await sign_in.http.call("POST", f"{sign_in.app.endpoints['api']}/token", form=form)
        told = reply.json()
        token = oauth2.credentials(told, sign_in.now())
        name = str(told["account"])
        return (Account(id=name, handle=name, name=name.title(), credentials=token),)

    async def refresh(self, session: Session, /) -> Credentials:
        form = {"grant_type": "refresh_token", "refresh_token": session.credentials.refresh_token}
        reply = await session.http.call("POST", f"{session.app.endpoints['api']}/token", form=form)
        return oauth2.credentials(reply.json(), session.now(), before=session.credentials)
