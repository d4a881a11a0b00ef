"""Connecting accounts, in the two ways that Instagram has: its own login, or Facebook's.

Sources: https://developers.facebook.com/docs/instagram-platform/instagram-api-with-instagram-login/business-login and
.../instagram-api-with-facebook-login/get-started, read 2026-11-24.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from kicau.connector import oauth2
from kicau.connector.capabilities import Option
from kicau.connector.content import JSON, Problem
from kicau.connector.errors import ConnectorError, Rejected
from kicau.connector.protocol import AppGuide, SignInIdentity, SignInRedirect
from kicau.connector.session import Credentials, Session, SignInSession
from kicau.networks._meta import login
from kicau.networks._meta.graph import CALL_CHARGE, GraphClient, parse_time, required_text
from kicau.networks.instagram.limits import NETWORK_LABEL

DELETE_SCOPE = "instagram_manage_contents"
SEARCH_SCOPE = "instagram_manage_insights"
COMMENT_SCOPES = frozenset({"instagram_business_manage_comments", "instagram_manage_comments"})
INSTAGRAM_SCOPES = (
    "instagram_business_basic",
    "instagram_business_content_publish",
    "instagram_business_manage_comments",
)
FACEBOOK_SCOPES = (
    "instagram_basic",
    "instagram_content_publish",
    "instagram_manage_comments",
    DELETE_SCOPE,
    SEARCH_SCOPE,
    "pages_show_list",
    "pages_read_engagement",
    "pages_manage_metadata",
)
REQUIRED_SCOPES = {
    "instagram": frozenset({"instagram_business_basic", "instagram_business_content_publish"}),
    "facebook": frozenset({"instagram_basic", "instagram_content_publish", "pages_show_list", "pages_read_engagement"}),
}
MIN_TOKEN_AGE = timedelta(hours=24)  # a token may be refreshed once it is that old
LOGIN_OPTION = Option(
    name="login",
    label="Sign in with",
    choices=(
        ("instagram", "Instagram"),
        ("facebook", "Sign in with Facebook (then Kicau can also delete posts and look up accounts)"),
    ),
    default="instagram",
    help="To sign in with Facebook, first link the Instagram account to a Facebook Page that you manage. Each way of signing in needs its own app keys from Meta.",
)


APP_GUIDE = AppGuide(
    url="https://developers.facebook.com/apps",
    steps=(
        "Create an app of the type “Business” on Meta for Developers, and add “Instagram” to it.",
        "Open “API setup with Instagram login”, then “Business login settings”. Enter Kicau's callback address under “OAuth redirect URIs”.",
        "Copy the “Instagram app ID” and the “Instagram app secret” from the same page. The keys of the Facebook app are other keys.",
        "To delete posts and to look up accounts, use the keys of a Facebook app with the product “Instagram” instead. Your members then choose to sign in with Facebook.",
    ),
    key_names=("Instagram app ID", "Instagram app secret"),
    before_review="You can publish to professional accounts of everyone who has a role in your app.",
    after_review="For accounts of other people, ask for “Advanced Access” in Meta's App Review.",
    fetches_files=True,
    source="https://developers.facebook.com/docs/instagram-platform/instagram-api-with-instagram-login/business-login (2026-12-03)",
)
NO_CODE = (
    "kicau-tests-the-keys"  # an authorization code that Instagram never gave: the keys are read first, then the code
)


class InstagramAuth:
    needs_keys = True
    takes = (
        replace(CALL_CHARGE, units=4),
    )  # two tokens, what was granted, the Pages; with Instagram's own login one less

    @property
    def questions(self) -> tuple[Option, ...]:
        return (LOGIN_OPTION,)

    @property
    def scopes(self) -> tuple[str, ...]:
        return INSTAGRAM_SCOPES

    @property
    def guide(self) -> AppGuide:
        return APP_GUIDE

    async def check_keys(self, sign_in: SignInSession, /) -> None:
        """The keys of either way of signing in will do."""
        try:
            await _check_instagram_keys(sign_in)
        except Rejected as refused:
            try:
                await login.check_keys(sign_in, sign_in.app.endpoints["facebook"], NETWORK_LABEL)
            except Rejected:
                raise refused from None

    async def begin(
        self, sign_in: SignInSession, answers: Mapping[str, str], /
    ) -> SignInRedirect | tuple[SignInIdentity, ...]:
        if answers.get("login", LOGIN_OPTION.default) == "facebook":
            return login.login_redirect(sign_in.app, FACEBOOK_SCOPES, {"login": "facebook"})
        app = sign_in.app
        query = {"client_id": app.client_id, "redirect_uri": app.callback, "scope": ",".join(INSTAGRAM_SCOPES)}
        # Instagram offers no PKCE; state alone guards the way back.
        return oauth2.authorization_redirect(
            f"{app.endpoints['authorize']}/oauth/authorize", query, pkce=False, memory={"login": "instagram"}
        )

    async def finish(
        self, sign_in: SignInSession, memory: Mapping[str, JSON], returned: Mapping[str, str], /
    ) -> tuple[SignInIdentity, ...]:
        if memory.get("login") == "facebook":
            return await _finish_facebook(sign_in, returned)
        return (await _finish_instagram(sign_in, returned),)

    async def refresh(self, session: Session, /) -> Credentials:
        """A token that is not yet a day old is given back as it is: Instagram refuses to refresh it."""
        before = session.credentials
        if before.extra.get("login") == "facebook":
            return await _refresh_facebook(session)
        issued = parse_time(before.extra.get("issued"))
        if issued and session.now() - issued < MIN_TOKEN_AGE:
            return before
        query = {"grant_type": "ig_refresh_token", "access_token": before.access_token}
        answer = await _request_token(session, "refresh_access_token", query)
        return _with_issue_date(oauth2.credentials_from_response(answer, session.now(), before=before), session.now())


# Instagram Login


async def _check_instagram_keys(sign_in: SignInSession) -> None:
    """Instagram says which key is wrong, or else that it never gave that code."""
    app = sign_in.app
    form = {
        "client_id": app.client_id,
        "client_secret": app.client_secret,
        "grant_type": "authorization_code",
        "redirect_uri": app.callback,
        "code": NO_CODE,
    }
    try:
        await sign_in.http.call("POST", f"{app.endpoints['token']}/oauth/access_token", charge=CALL_CHARGE, form=form)
    except ConnectorError as refused:
        login.raise_wrong_keys(NETWORK_LABEL, refused)
        if "code" not in refused.detail.lower():
            raise


async def _finish_instagram(sign_in: SignInSession, returned: Mapping[str, str]) -> SignInIdentity:
    app = sign_in.app
    form = {
        "client_id": app.client_id,
        "client_secret": app.client_secret,
        "grant_type": "authorization_code",
        "redirect_uri": app.callback,
        "code": oauth2.authorization_code(NETWORK_LABEL, returned),
    }
    reply = await sign_in.http.call(
        "POST", f"{app.endpoints['token']}/oauth/access_token", charge=CALL_CHARGE, form=form
    )
    short = _response_row(reply.json())
    granted = _granted_scopes(short.get("permissions"))
    _require_scopes(granted)
    query = {
        "grant_type": "ig_exchange_token",
        "client_secret": app.client_secret,
        "access_token": required_text(short, "access_token"),
    }
    long = await _request_token(sign_in, "access_token", query)
    now = sign_in.now()
    token = _with_issue_date(replace(oauth2.credentials_from_response(long, now), scopes=granted), now)
    graph = GraphClient(http=sign_in.http, base=app.endpoints["graph"], token=token.access_token)
    me = await graph.get("me", fields="user_id,username,name,account_type")
    return _sign_in_identity(required_text(me, "user_id"), me, token)


def _response_row(answer: Any) -> dict[str, Any]:
    """The guide shows the answer inside a list named data, and clients have met it bare."""
    if isinstance(answer, dict) and isinstance(answer.get("data"), list) and answer["data"]:
        answer = answer["data"][0]
    return answer if isinstance(answer, dict) else {}


def _granted_scopes(permissions: Any) -> frozenset[str]:
    listed = permissions.split(",") if isinstance(permissions, str) else permissions or []
    return frozenset(name for one in listed if (name := str(one).strip()))


def _require_scopes(granted: frozenset[str]) -> None:
    if missing := sorted(REQUIRED_SCOPES["instagram"] - granted) if granted else []:
        message = "{network} did not give Kicau these permissions: {missing}. Connect the channel again and leave all permissions turned on."
        raise Rejected(
            Problem(
                code="sign-in-declined",
                message=message,
                params={"network": NETWORK_LABEL, "missing": ", ".join(missing)},
            )
        )


async def _request_token(sign_in: SignInSession, path: str, query: Mapping[str, str]) -> dict[str, Any]:
    """Both calls are unversioned GETs; asking twice does no harm."""
    url = f"{sign_in.app.endpoints['graph']}/{path}"
    reply = await sign_in.http.call("GET", url, charge=CALL_CHARGE, params=query)
    return _response_row(reply.json())


def _with_issue_date(token: Credentials, now: datetime) -> Credentials:
    return replace(token, extra={**token.extra, "login": "instagram", "issued": now.isoformat()})


def _sign_in_identity(account_id: str, row: Mapping[str, Any], token: Credentials) -> SignInIdentity:
    handle = required_text(row, "username")
    name = str(row.get("name") or handle)
    url = f"https://www.instagram.com/{handle}/"
    return SignInIdentity(id=account_id, handle=handle, name=name, kind="professional", url=url, credentials=token)


# Facebook Login

PAGE_FIELDS = "id,name,access_token,tasks,instagram_business_account{id,username,name}"


async def _finish_facebook(sign_in: SignInSession, returned: Mapping[str, str]) -> tuple[SignInIdentity, ...]:
    base = sign_in.app.endpoints["facebook"]
    person = await login.request_user_token(sign_in, base, NETWORK_LABEL, returned, REQUIRED_SCOPES["facebook"])
    pages = await login.list_pages(sign_in, base, person.token, PAGE_FIELDS)
    found = [(page, row) for page in pages if (row := page.get("instagram_business_account"))]
    if not found:
        message = "None of your Facebook Pages is linked to an {network} professional account. Link a Page to the account in the {network} app, or choose to sign in without Facebook."
        raise Rejected(Problem(code="no-accounts", message=message, params={"network": NETWORK_LABEL}))
    return tuple(
        _sign_in_identity(required_text(row, "id"), row, _page_credentials(page, person)) for page, row in found
    )


def _page_credentials(page: Mapping[str, Any], person: login.UserAccessToken) -> Credentials:
    return Credentials(
        access_token=required_text(page, "access_token"),
        refresh_token=person.token,
        scopes=person.granted,
        extra={"login": "facebook", "page": required_text(page, "id")},
    )


async def _refresh_facebook(session: Session) -> Credentials:
    before, base = session.credentials, session.app.endpoints["facebook"]
    person = await login.exchange_token(session, base, before.refresh_token)
    graph = GraphClient(http=session.http, base=base, token=person.access_token, secret=session.app.client_secret)
    page = await graph.get(str(before.extra["page"]), fields="access_token")
    return replace(before, access_token=required_text(page, "access_token"), refresh_token=person.access_token)
