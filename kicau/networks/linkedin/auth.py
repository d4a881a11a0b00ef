"""Signing in: OAuth 2 with a code and a state.

No PKCE: LinkedIn documents none for apps with a secret, only for native ones that it admits to it
(https://learn.microsoft.com/en-us/linkedin/shared/authentication/authorization-code-flow, 2026-11-24).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Any

from kicau.connector import oauth2
from kicau.connector.capabilities import Option
from kicau.connector.content import JSON, NO_CHARGE, Problem
from kicau.connector.errors import AuthExpired, Rejected, Unavailable
from kicau.connector.protocol import AppGuide, SignInIdentity, SignInRedirect
from kicau.connector.session import Credentials, Session, SignInSession
from kicau.networks.linkedin import wire
from kicau.networks.linkedin.limits import DEFAULT_SCOPES, NETWORK_LABEL, POSTING_ROLES, scopes_for

PAGE_SIZE = 100


APP_GUIDE = AppGuide(
    url="https://www.linkedin.com/developers/apps",
    steps=(
        "Create an app on LinkedIn for Developers. It belongs to a company page, and an admin of that page must verify it.",
        "Open the tab “Products”. Ask for “Community Management API” to publish for members and organizations; it must be the app's only product. For members alone, add “Share on LinkedIn” and “Sign In with LinkedIn using OpenID Connect”.",
        "Open the tab “Auth”. Add Kicau's callback address under “Authorized redirect URLs for your app”.",
        "Copy the “Client ID” and the “Primary Client Secret” from the same tab.",
    ),
    key_names=("Client ID", "Primary Client Secret"),
    before_review="With “Share on LinkedIn”, members can publish at once. Kicau then reads no comments and metrics, and members sign in again every 60 days.",
    after_review="With “Community Management API”, LinkedIn reviews your app first. Then you can publish for organizations too, and read comments and metrics.",
    tiers=(
        ("community", "Community Management API"),
        ("community-feed", "Community Management API, with the newer names of its permissions"),
        ("self-serve", "Share on LinkedIn and Sign In with LinkedIn (members only)"),
    ),
    source="https://learn.microsoft.com/en-us/linkedin/shared/authentication/authorization-code-flow (2026-12-03)",
)
NO_CODE = (
    "kicau-tests-the-keys"  # an authorization code that LinkedIn never gave: the keys are read first, then the code
)


class LinkedInAuth:
    needs_keys = True
    takes = (replace(wire.CALL_CHARGE, units=2),)  # the member and the list of organisations; each of these one more

    @property
    def questions(self) -> tuple[Option, ...]:
        return ()

    @property
    def scopes(self) -> tuple[str, ...]:
        """Of an app whose tier names none; `limits.scopes_for` reads a tier."""
        return DEFAULT_SCOPES

    @property
    def guide(self) -> AppGuide:
        return APP_GUIDE

    async def check_keys(self, sign_in: SignInSession, /) -> None:
        """LinkedIn answers invalid_client to keys that it does not know, and another error to a code that it never gave."""
        try:
            await _request_token(
                sign_in, grant_type="authorization_code", code=NO_CODE, redirect_uri=sign_in.app.callback
            )
        except AuthExpired as refused:
            if refused.detail.startswith(("invalid_client", "unauthorized_client")):
                raise oauth2.wrong_keys(NETWORK_LABEL, refused.detail.partition(": ")[2]) from refused

    async def begin(
        self, sign_in: SignInSession, answers: Mapping[str, str], /
    ) -> SignInRedirect | tuple[SignInIdentity, ...]:
        query = {
            "client_id": sign_in.app.client_id,
            "redirect_uri": sign_in.app.callback,
            "scope": " ".join(scopes_for(sign_in.app.tier)),
        }
        return oauth2.authorization_redirect(f"{sign_in.app.endpoints['oauth']}/authorization", query, pkce=False)

    async def finish(
        self, sign_in: SignInSession, memory: Mapping[str, JSON], returned: Mapping[str, str], /
    ) -> tuple[SignInIdentity, ...]:
        """The member, and each organisation that they may post for."""
        code = oauth2.authorization_code(NETWORK_LABEL, returned)
        try:
            answer = await _request_token(
                sign_in, grant_type="authorization_code", code=code, redirect_uri=sign_in.app.callback
            )
        except AuthExpired as exc:
            raise Rejected(_sign_in_problem(exc.detail), detail=exc.detail) from exc
        granted = oauth2.credentials_from_response(answer, sign_in.now())
        member = await _member_identity(sign_in, granted)
        return (member, *[one async for one in _organisation_identities(sign_in, granted)])

    async def refresh(self, session: Session, /) -> Credentials:
        """A new access token; the refresh token stays, and its 365 days from the first sign-in are never extended."""
        before = session.credentials
        if not before.refresh_token:
            raise AuthExpired(
                f"{NETWORK_LABEL} gave this app no refresh token: connect the channel again every 60 days."
            )
        answer = await _request_token(session, grant_type="refresh_token", refresh_token=before.refresh_token)
        return oauth2.credentials_from_response(answer, session.now(), before=before)


async def _request_token(lent: SignInSession | Session, **form: str) -> dict[str, Any]:
    app = lent.app
    url = f"{app.endpoints['oauth']}/accessToken"
    asked = {**form, "client_id": app.client_id, "client_secret": app.client_secret}
    # Asking twice is harmless: a code that was used up is refused, and a refresh token does not change.
    answer = (await lent.http.call("POST", url, charge=NO_CHARGE, form=asked, repeatable=True)).json()
    return answer if isinstance(answer, dict) else {}


def _sign_in_problem(why: str) -> Problem:
    return Problem(
        code="sign-in-failed",
        message="Kicau could not sign in to {network} ({why}). Connect the channel again. If that fails too, check the ID, secret and redirect address of your app in the network's developer portal.",
        params={"network": NETWORK_LABEL, "why": why},
    )


async def _member_identity(sign_in: SignInSession, granted: Credentials) -> SignInIdentity:
    www = sign_in.app.endpoints["www"]
    if "openid" in granted.scopes:
        url = f"{sign_in.app.endpoints['api']}/v2/userinfo"
        told = (
            await sign_in.http.call(
                "GET", url, charge=wire.CALL_CHARGE, headers={"Authorization": f"Bearer {granted.access_token}"}
            )
        ).json()
        name = str(told.get("name") or "")
        return SignInIdentity(id=_person_urn(told, "sub"), handle=name, name=name, credentials=granted)
    told = (await wire.send_request(sign_in, granted.access_token, "GET", "/rest/me", need="profile")).json()
    name = f"{told.get('localizedFirstName', '')} {told.get('localizedLastName', '')}".strip()
    vanity = str(told.get("vanityName") or "")
    return SignInIdentity(
        id=_person_urn(told, "id"),
        handle=vanity or name,
        name=name,
        url=f"{www}/in/{vanity}/" if vanity else "",
        credentials=granted,
    )


def _person_urn(told: Mapping[str, Any], name: str) -> str:
    if not told.get(name):
        raise Unavailable(f"{NETWORK_LABEL} did not tell who signed in")
    return f"urn:li:person:{told[name]}"


async def _organisation_identities(sign_in: SignInSession, granted: Credentials) -> AsyncIterator[SignInIdentity]:
    """Those that the member may post for; none where the app has no permission to list them."""
    if not wire.has_permission(granted.scopes, "roles", "person"):
        return
    for urn in await _organisation_urns(sign_in, granted):
        number = urn.rsplit(":", 1)[-1]
        told = (
            await wire.send_request(sign_in, granted.access_token, "GET", f"/rest/organizations/{number}", need="roles")
        ).json()
        vanity = str(told.get("vanityName") or "")
        yield SignInIdentity(
            id=urn,
            handle=vanity or number,
            name=str(told.get("localizedName") or vanity or number),
            kind="organisation",
            url=f"{sign_in.app.endpoints['www']}/company/{vanity or number}/",
            credentials=granted,
        )


async def _organisation_urns(sign_in: SignInSession, granted: Credentials) -> list[str]:
    """URNs of the organisations in which the member has a role that may post, each once."""
    found: dict[str, None] = {}
    start = 0
    while True:
        query = f"count={PAGE_SIZE}&q=roleAssignee&start={start}&state=APPROVED"
        answer = (
            await wire.send_request(
                sign_in,
                granted.access_token,
                "GET",
                "/rest/organizationAcls",
                need="roles",
                query=query,
                restli="FINDER",
            )
        ).json()
        elements = answer.get("elements") or []
        for one in elements:
            urn = str(one.get("organization") or one.get("organizationTarget") or "")
            if (
                one.get("role") in POSTING_ROLES
                and one.get("state", "APPROVED") == "APPROVED"
                and urn.startswith("urn:li:organization:")
            ):
                found[urn] = None
        if len(elements) < PAGE_SIZE:
            return list(found)
        start += PAGE_SIZE
