"""Signing in, by OAuth or by an app password; each is an account of one server, found by its handle."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from kicau.connector.capabilities import Option
from kicau.connector.content import JSON
from kicau.connector.errors import AuthExpired, Rejected
from kicau.connector.protocol import SignInIdentity, SignInRedirect
from kicau.connector.session import App, Credentials, Session, SignInSession
from kicau.networks.bluesky import client, errors, identity, oauth, wire
from kicau.networks.bluesky.identity import AccountIdentity

OAUTH_LOGIN, APP_PASSWORD_LOGIN = "oauth", "app-password"

LOGIN_OPTION = Option(
    name="login",
    label="How you want to sign in",
    choices=(
        (OAUTH_LOGIN, "Sign in on the network's website with your usual password"),
        (APP_PASSWORD_LOGIN, "Sign in with an app password"),
    ),
    default=OAUTH_LOGIN,
    help="An app password works until you delete it in the account's settings. If you sign in without one, you must sign in again after two weeks to two years, depending on how Kicau is set up.",
)
HANDLE_OPTION = Option(
    name="handle",
    label="Handle",
    help="Enter your handle. For example: sari.bsky.social or your own domain. The handle is required if you sign in with an app password.",
)
PASSWORD_OPTION = Option(
    name="password",
    label="App password",
    secret=True,
    help="On the Bluesky website, create an app password under Settings, Privacy and security, App passwords. Never enter the account's main password in Kicau.",
)
SERVER_OPTION = Option(
    name="server",
    label="Address of your account's server (usually not needed)",
    help="Kicau usually finds the server of your account by itself. Enter the server's address only if Kicau does not find it. For example: https://pds.example.",
)


class BlueskyAuth:
    needs_keys = False

    @property
    def questions(self) -> tuple[Option, ...]:
        return (LOGIN_OPTION, HANDLE_OPTION, PASSWORD_OPTION, SERVER_OPTION)

    @property
    def scopes(self) -> tuple[str, ...]:
        return oauth.OAUTH_SCOPES

    def new_secret(self) -> str:
        return client.new_secret()

    def description(self, app: App, /) -> Mapping[str, JSON] | None:
        if app.client_id or not app.description.startswith("https://") or not app.client_secret:
            return None
        return client.client_document(app.description, app.callback, app.client_secret)

    async def begin(
        self, sign_in: SignInSession, answers: Mapping[str, str], /
    ) -> SignInRedirect | tuple[SignInIdentity, ...]:
        name = identity.normalize_account_name(answers.get("handle", ""))
        server = identity.check_server(given, sign_in.app) if (given := answers.get("server", "").strip()) else ""
        if answers.get("login", OAUTH_LOGIN) == APP_PASSWORD_LOGIN:
            return (await _sign_in_by_password(sign_in, name, server, answers.get("password", "").strip()),)
        who = None if server or not name or "@" in name else await identity.resolve_identity(sign_in, name)
        return await oauth.begin_oauth(sign_in, server or (who.pds if who else sign_in.app.endpoints["pds"]), who)

    async def finish(
        self, sign_in: SignInSession, memory: Mapping[str, JSON], returned: Mapping[str, str], /
    ) -> tuple[SignInIdentity, ...]:
        who, granted = await oauth.finish_oauth(sign_in, memory, returned)
        return (await _sign_in_identity(sign_in, who, granted),)

    async def refresh(self, session: Session, /) -> Credentials:
        held = session.credentials
        if held.extra.get("login") == OAUTH_LOGIN:
            return await oauth.refresh_oauth(session, held)
        if not held.refresh_token:
            raise AuthExpired("there is no refresh token: connect the channel again")
        token = Credentials(access_token=held.refresh_token)
        # Asking twice is harmless: for two hours a used token gives the same successor (seen on @atproto/pds 0.5.35).
        answer = await wire.call_xrpc(
            session,
            "POST",
            "com.atproto.server.refreshSession",
            at=wire.home_server(session, held),
            held=token,
            repeatable=True,
        )
        return _credentials_from_response(answer, str(held.extra.get("pds") or ""))

    async def revoke(self, session: Session, /) -> None:
        """An OAuth sign-in at the server's revocation endpoint; a session of an app password by deleteSession, which asks
        for the refresh token. The app password itself remains; its owner deletes it in the account's settings.

        https://docs.bsky.app/docs/api/com-atproto-server-delete-session (2026-12-02)
        """
        held = session.credentials
        if held.extra.get("login") == OAUTH_LOGIN:
            await oauth.revoke(session, held)
        elif held.refresh_token:
            token = Credentials(access_token=held.refresh_token)
            await wire.send_request(
                session,
                "POST",
                f"{wire.home_server(session, held)}/xrpc/com.atproto.server.deleteSession",
                held=token,
                repeatable=True,
            )


async def _sign_in_by_password(sign_in: SignInSession, name: str, server: str, password: str) -> SignInIdentity:
    if not name:
        raise wire.rejection(
            "needs-handle",
            "To sign in to {network} with an app password, also enter the account's handle. For example: sari.bsky.social.",
            "handle",
        )
    if not password:
        raise wire.rejection(
            "needs-password",
            "You chose to sign in with an app password. Create an app password in the settings of {network} and enter it in the field “App password”.",
            "password",
        )
    if server or "@" in name:
        home, login = server or sign_in.app.endpoints["pds"], name
    else:
        who = await identity.resolve_identity(sign_in, name)
        home, login = who.pds, who.did
    try:
        answer = await wire.call_xrpc(
            sign_in,
            "POST",
            "com.atproto.server.createSession",
            at=home,
            json={"identifier": login, "password": password},
            repeatable=True,
        )
    except AuthExpired as refused:
        raise wire.rejection(
            errors.SIGN_IN_CODE,
            "Kicau could not sign in to {network} ({why}). Check the handle and the app password of the account.",
            "password",
            why=_failure_reason(refused),
        ) from refused
    if answer.get("active") is False:
        raise wire.rejection(
            "account-inactive",
            "Your {network} account has the status {status}, so Kicau cannot use it. Activate the account on {network} first.",
            "handle",
            status=str(answer.get("status") or "not active"),
        )
    found = _session_identity(sign_in, answer, home)
    return await _sign_in_identity(
        sign_in, found, _credentials_from_response(answer, identity.relative_server(found.pds, sign_in.app))
    )


def _failure_reason(refused: AuthExpired) -> str:
    return refused.detail.removeprefix("AuthenticationRequired: ").rstrip(".")


def _session_identity(sign_in: SignInSession, answer: Mapping[str, Any], home: str) -> AccountIdentity:
    """The account of a session; its document may name another host of the same server, which is then used."""
    did, handle = wire.required_text(answer, "did"), str(answer.get("handle") or "")
    document = answer.get("didDoc")
    if isinstance(document, dict) and document.get("id") == did:
        with suppress(Rejected):  # it signed in here, so here it lives
            home = identity.identity_from_document(document, sign_in.app).pds
    return AccountIdentity(did=did, handle=handle, pds=home)


def _credentials_from_response(answer: Mapping[str, Any], pds: str) -> Credentials:
    access, renewing = wire.required_text(answer, "accessJwt"), wire.required_text(answer, "refreshJwt")
    said = wire.read_jwt_claims(access)
    scope = str(said.get("scope") or "")
    return Credentials(
        access_token=access,
        refresh_token=renewing,
        expires_at=wire.time_from_epoch(said.get("exp")),
        refresh_expires_at=wire.time_from_epoch(wire.read_jwt_claims(renewing).get("exp")),
        scopes=frozenset(scope.split()),
        extra={"login": APP_PASSWORD_LOGIN, "pds": pds},
    )


async def _sign_in_identity(sign_in: SignInSession, who: AccountIdentity, granted: Credentials) -> SignInIdentity:
    name = await _fetch_display_name(sign_in, who, granted)
    return SignInIdentity(
        id=who.did,
        handle=who.handle or who.did,
        name=name or who.handle or who.did,
        url=f"{sign_in.app.endpoints['web']}/profile/{who.handle or who.did}",
        credentials=granted,
    )


async def _fetch_display_name(sign_in: SignInSession, who: AccountIdentity, granted: Credentials) -> str:
    """What the account calls itself; "" where its server shows no profiles, as a server on its own does not."""
    try:
        told = await wire.call_xrpc(
            sign_in,
            "GET",
            "app.bsky.actor.getProfile",
            at=wire.home_server(sign_in, granted),
            held=granted,
            params={"actor": who.did},
        )
    except Rejected:
        return ""
    return str(told.get("displayName") or "")
