"""Signing in, by OAuth or by an app password; each is an account of one server, found by its handle."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from kicau.connector.capabilities import Option
from kicau.connector.content import JSON
from kicau.connector.errors import AuthExpired, Rejected
from kicau.connector.protocol import Account, Redirect
from kicau.connector.session import App, Credentials, Session, SignIn
from kicau.networks.bluesky import client, errors, identity, oauth, wire
from kicau.networks.bluesky.identity import Identity

OAUTH, APP_PASSWORD = "oauth", "app-password"

LOGIN = Option(
    name="login",
    label="How to sign in",
    choices=((OAUTH, "On the account's own server"), (APP_PASSWORD, "With an app password")),
    default=OAUTH,
    help="An app password lasts until you revoke it; a sign-in on the server has to be repeated, in a small installation every two weeks.",
)
HANDLE = Option(
    name="handle", label="Handle", help="sari.bsky.social or a domain of your own; needed for an app password."
)
PASSWORD = Option(
    name="password",
    label="App password",
    secret=True,
    help="Made at Settings, Privacy and security, App passwords. Never the account's own password.",
)
SERVER = Option(
    name="server",
    label="Server",
    help="Only where the account's server is not found by its handle: https://pds.example.",
)


class BlueskyAuth:
    needs_keys = False

    @property
    def questions(self) -> tuple[Option, ...]:
        return (LOGIN, HANDLE, PASSWORD, SERVER)

    @property
    def scopes(self) -> tuple[str, ...]:
        return oauth.SCOPES

    def new_secret(self) -> str:
        return client.new_secret()

    def description(self, app: App, /) -> Mapping[str, JSON] | None:
        if app.client_id or not app.description.startswith("https://") or not app.client_secret:
            return None
        return client.document(app.description, app.callback, app.client_secret)

    async def begin(self, sign_in: SignIn, answers: Mapping[str, str], /) -> Redirect | tuple[Account, ...]:
        name = identity.cleaned(answers.get("handle", ""))
        server = identity.server(given, sign_in.app) if (given := answers.get("server", "").strip()) else ""
        if answers.get("login", OAUTH) == APP_PASSWORD:
            return (await _by_password(sign_in, name, server, answers.get("password", "").strip()),)
        who = None if server or not name or "@" in name else await identity.resolve(sign_in, name)
        return await oauth.begin(sign_in, server or (who.pds if who else sign_in.app.endpoints["pds"]), who)

    async def finish(
        self, sign_in: SignIn, memory: Mapping[str, JSON], returned: Mapping[str, str], /
    ) -> tuple[Account, ...]:
        who, granted = await oauth.finish(sign_in, memory, returned)
        return (await _account(sign_in, who, granted),)

    async def refresh(self, session: Session, /) -> Credentials:
        held = session.credentials
        if held.extra.get("login") == OAUTH:
            return await oauth.refresh(session, held)
        if not held.refresh_token:
            raise AuthExpired("there is no refresh token: connect the channel again")
        token = Credentials(access_token=held.refresh_token)
        # Asking twice is harmless: for two hours a used token gives the same successor (seen on @atproto/pds 0.5.35).
        answer = await wire.xrpc(
            session,
            "POST",
            "com.atproto.server.refreshSession",
            at=wire.home(session, held),
            held=token,
            repeatable=True,
        )
        return _credentials(answer, str(held.extra.get("pds") or ""))

    async def revoke(self, session: Session, /) -> None:
        """An OAuth sign-in at the server's revocation endpoint; a session of an app password by deleteSession, which asks
        for the refresh token. The app password itself remains; its owner deletes it in the account's settings.

        https://docs.bsky.app/docs/api/com-atproto-server-delete-session (2026-12-02)
        """
        held = session.credentials
        if held.extra.get("login") == OAUTH:
            await oauth.revoke(session, held)
        elif held.refresh_token:
            token = Credentials(access_token=held.refresh_token)
            await wire.call(
                session,
                "POST",
                f"{wire.home(session, held)}/xrpc/com.atproto.server.deleteSession",
                held=token,
                repeatable=True,
            )


async def _by_password(sign_in: SignIn, name: str, server: str, password: str) -> Account:
    if not name:
        raise wire.refusal(
            "needs-handle",
            "{network} needs the account's handle with an app password: enter it, such as sari.bsky.social.",
            "handle",
        )
    if not password:
        raise wire.refusal(
            "needs-password",
            "{network} needs an app password for this way to sign in: make one in its settings and enter it here.",
            "password",
        )
    if server or "@" in name:
        home, login = server or sign_in.app.endpoints["pds"], name
    else:
        who = await identity.resolve(sign_in, name)
        home, login = who.pds, who.did
    try:
        answer = await wire.xrpc(
            sign_in,
            "POST",
            "com.atproto.server.createSession",
            at=home,
            json={"identifier": login, "password": password},
            repeatable=True,
        )
    except AuthExpired as refused:
        raise wire.refusal(
            errors.SIGN_IN,
            "{network} did not accept the sign-in ({why}): check the handle and the app password.",
            "password",
            why=_why(refused),
        ) from refused
    if answer.get("active") is False:
        raise wire.refusal(
            "account-inactive",
            "The {network} account is {status}: activate it there first.",
            "handle",
            status=str(answer.get("status") or "not active"),
        )
    found = _identity(sign_in, answer, home)
    return await _account(sign_in, found, _credentials(answer, identity.relative(found.pds, sign_in.app)))


def _why(refused: AuthExpired) -> str:
    return refused.detail.removeprefix("AuthenticationRequired: ").rstrip(".")


def _identity(sign_in: SignIn, answer: Mapping[str, Any], home: str) -> Identity:
    """The account of a session; its document may name another host of the same server, which is then used."""
    did, handle = wire.told(answer, "did"), str(answer.get("handle") or "")
    document = answer.get("didDoc")
    if isinstance(document, dict) and document.get("id") == did:
        with suppress(Rejected):  # it signed in here, so here it lives
            home = identity.in_document(document, sign_in.app).pds
    return Identity(did=did, handle=handle, pds=home)


def _credentials(answer: Mapping[str, Any], pds: str) -> Credentials:
    access, renewing = wire.told(answer, "accessJwt"), wire.told(answer, "refreshJwt")
    said = wire.claims(access)
    scope = str(said.get("scope") or "")
    return Credentials(
        access_token=access,
        refresh_token=renewing,
        expires_at=wire.moment(said.get("exp")),
        refresh_expires_at=wire.moment(wire.claims(renewing).get("exp")),
        scopes=frozenset(scope.split()),
        extra={"login": APP_PASSWORD, "pds": pds},
    )


async def _account(sign_in: SignIn, who: Identity, granted: Credentials) -> Account:
    name = await _display_name(sign_in, who, granted)
    return Account(
        id=who.did,
        handle=who.handle or who.did,
        name=name or who.handle or who.did,
        url=f"{sign_in.app.endpoints['web']}/profile/{who.handle or who.did}",
        credentials=granted,
    )


async def _display_name(sign_in: SignIn, who: Identity, granted: Credentials) -> str:
    """What the account calls itself; "" where its server shows no profiles, as a server on its own does not."""
    try:
        told = await wire.xrpc(
            sign_in,
            "GET",
            "app.bsky.actor.getProfile",
            at=wire.home(sign_in, granted),
            held=granted,
            params={"actor": who.did},
        )
    except Rejected:
        return ""
    return str(told.get("displayName") or "")
