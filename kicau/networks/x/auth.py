"""Signing in to X: OAuth 2 with PKCE. One sign-in gives one account; its refresh token changes at every use."""

from __future__ import annotations

from collections.abc import Mapping

from kicau.connector import oauth2
from kicau.connector.capabilities import Option
from kicau.connector.content import JSON, Charge, Problem
from kicau.connector.errors import AuthExpired, Rejected
from kicau.connector.protocol import AppGuide, SignInIdentity, SignInRedirect
from kicau.connector.session import App, Credentials, Session, SignInSession
from kicau.connector.transport.http import HttpResponse
from kicau.networks.x import wire
from kicau.networks.x.errors import NETWORK_LABEL

# What publishing, reading back and answering need. Without offline.access there is no refresh token.
OAUTH_SCOPES = ("tweet.read", "tweet.write", "users.read", "media.write", "offline.access")


APP_GUIDE = AppGuide(
    url="https://console.x.com",
    steps=(
        "Sign in to the X developer console, then create a project with an app in it. Buy credits and set a spending limit there.",
        "Open “User authentication settings” of the app. Choose the permission “Read and write” and the app type “Web App”.",
        "Enter Kicau's callback address as “Callback URI”, and the address of your website as “Website URL”.",
        "Copy the “Client ID” and the “Client Secret” of “OAuth 2.0” from the tab “Keys and tokens”. X shows the secret only once. The “API Key” is another key and does not work here.",
    ),
    before_review="Everything works at once: publishing, replies to posts that mention you, comments and metrics. X charges your credits for each call.",
    tiers=(("", "Pay per use"), ("enterprise", "Enterprise contract (may also quote posts and reply to everybody)")),
    source="https://docs.x.com/fundamentals/authentication/oauth-2-0/authorization-code (2026-12-03)",
)
UNKNOWN_REFRESH = "kicau-tests-the-keys"  # never given by X, which reads the keys first, then the token


class XAuth:
    """Access tokens live two hours; the sign-in code only 30 seconds."""

    needs_keys = True
    takes = (Charge(wire.USER_READ_METER),)

    @property
    def questions(self) -> tuple[Option, ...]:
        return ()

    @property
    def scopes(self) -> tuple[str, ...]:
        return OAUTH_SCOPES

    @property
    def guide(self) -> AppGuide:
        return APP_GUIDE

    async def check_keys(self, sign_in: SignInSession, /) -> None:
        """X answers 401 to keys that it does not know, and 400 to a token that it never gave (seen 2023 to 2026)."""
        try:
            await _ask(sign_in, "token", {"grant_type": "refresh_token", "refresh_token": UNKNOWN_REFRESH})
        except AuthExpired as refused:
            if "token was invalid" not in refused.detail:
                raise oauth2.wrong_keys(NETWORK_LABEL, refused.detail) from refused

    async def begin(self, sign_in: SignInSession, answers: Mapping[str, str], /) -> SignInRedirect:
        app = sign_in.app
        query = {"client_id": app.client_id, "redirect_uri": app.callback, "scope": " ".join(OAUTH_SCOPES)}
        return oauth2.authorization_redirect(app.endpoints["authorize"], query, pkce=True)

    async def finish(
        self, sign_in: SignInSession, memory: Mapping[str, JSON], returned: Mapping[str, str], /
    ) -> tuple[SignInIdentity, ...]:
        code = oauth2.authorization_code(NETWORK_LABEL, returned)
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": sign_in.app.callback,
            "code_verifier": str(memory.get("verifier", "")),
        }
        try:
            held = await _request_tokens(sign_in, form, before=None)
        except AuthExpired as refused:
            raise Rejected(_declined_problem(refused.detail), detail=refused.detail) from refused
        reply = await sign_in.http.call(
            "GET",
            f"{sign_in.app.endpoints['api']}/2/users/me",
            charge=Charge(wire.USER_READ_METER),
            counted=wire.user_read_charge,
            headers={"Authorization": f"Bearer {held.access_token}"},
            params={wire.NEW_VOCABULARY.user_fields: "name,username,subscription_type,verified_type"},
        )
        user = wire.response_data(reply)
        handle = str(user.get("username") or "")
        return (
            SignInIdentity(
                id=wire.response_id(user, reply),
                handle=handle,
                name=str(user.get("name") or handle),
                url=f"{wire.public_site_url(sign_in.app.endpoints)}/{handle}",
                credentials=held,
            ),
        )

    async def refresh(self, session: Session, /) -> Credentials:
        held = session.credentials
        if not held.refresh_token:
            raise AuthExpired(f"{NETWORK_LABEL} gave no refresh token: the sign-in lacked offline.access")
        form = {"grant_type": "refresh_token", "refresh_token": held.refresh_token}
        return await _request_tokens(session, form, before=held)

    async def revoke(self, session: Session, /) -> None:
        """POST /2/oauth2/revoke, RFC 7009; each of the two tokens by itself.
        https://docs.x.com/fundamentals/authentication/oauth-2-0/user-access-token (2026-12-02)"""
        held = session.credentials
        for token in filter(None, (held.refresh_token, held.access_token)):
            await _ask(session, "revoke", {"token": token})


async def _request_tokens(
    on: SignInSession | Session, form: Mapping[str, str], *, before: Credentials | None
) -> Credentials:
    found = (await _ask(on, "token", form)).json()
    return oauth2.credentials_from_response(found if isinstance(found, dict) else {}, on.now(), before=before)


async def _ask(on: SignInSession | Session, endpoint: str, form: Mapping[str, str]) -> HttpResponse:
    """A confidential client says who it is in the header, a public one by its id in the form."""
    app: App = on.app
    headers = (
        {"Authorization": oauth2.basic_authorization(app.client_id, app.client_secret)} if app.client_secret else {}
    )
    form = dict(form) if app.client_secret else {**form, "client_id": app.client_id}
    url = f"{app.endpoints['api']}/2/oauth2/{endpoint}"
    return await on.http.call("POST", url, repeatable=True, headers=headers, form=form)


def _declined_problem(why: str) -> Problem:
    return Problem(
        code="sign-in-declined",
        message="{network} did not give Kicau access: {why}. Connect the channel again and allow the access that Kicau asks for.",
        params={"network": NETWORK_LABEL, "why": why.rstrip(".") or "no reason given"},
    )
