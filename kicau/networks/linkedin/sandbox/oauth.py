"""Sign-in, tokens and identities of the LinkedIn sandbox."""

from __future__ import annotations

import math
import secrets
from typing import Any

from aiohttp import web

from kicau.connector.sandbox.server import read_form
from kicau.networks.linkedin.sandbox import errors as refusals
from kicau.networks.linkedin.sandbox.base import LinkedInSandboxBase
from kicau.networks.linkedin.sandbox.errors import LinkedInApiError, with_response_headers

CODE_LIFETIME_SECONDS = 1800
TOKEN_LIFETIME_SECONDS = 5_184_000
REFRESH_LIFETIME_SECONDS = 31_536_000

INVALID_CODE_MESSAGE = "Unable to retrieve access token: appid/redirect uri/code verifier does not match authorization code. Or authorization code expired. Or external member binding exists"
INVALID_REFRESH_MESSAGE = "The provided authorization grant or refresh token is invalid, expired or revoked."


class LinkedInOAuth:
    def __init__(self, box: LinkedInSandboxBase) -> None:
        self.box = box

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/oauth/v2/authorization", self.page),
            web.post("/oauth/v2/authorization", self.decide),
            web.post("/oauth/v2/accessToken", self.token),
            web.post("/oauth/v2/introspectToken", self.introspect),
            web.get("/v2/userinfo", self.box.guarded(self.userinfo, versioned=False)),
            web.get("/v2/me", self.box.guarded(self.me, versioned=False)),
            web.get("/rest/me", self.box.guarded(self.me)),
            web.get("/rest/organizationAcls", self.box.guarded(self.roles, query="q role state start count")),
            web.get("/rest/organizations", self.box.guarded(self.named, query="q vanityName start count")),
            web.get("/rest/organizations/{id}", self.box.guarded(self.organisation)),
        ]

    def _refused(self, request: web.Request) -> web.Response | None:
        """A sign-in that cannot even be shown, or goes straight back with an error."""
        query = request.query
        app = self.box.app_for(query.get("client_id", ""))
        if app is None or not query.get("redirect_uri"):
            what = "client_id" if app is None else "redirect_uri"
            return self.box.page("Bummer, something went wrong", f"<p>The passed in {what} is invalid.</p>", status=400)
        back = {"state": query["state"]} if query.get("state") else {}
        if query.get("response_type") != "code":
            return self.box.send_back(
                query["redirect_uri"], error="invalid_request", error_description="response_type must be code", **back
            )
        asked = query.get("scope", "").replace(",", " ").split()
        unknown = [scope for scope in asked if scope not in self.box.allowed_scopes]
        if unknown or not asked:
            why = f'Scope "{unknown[0]}" is not authorized for your application' if unknown else "scope is missing"
            return self.box.send_back(
                query["redirect_uri"], error="unauthorized_scope_error", error_description=why, **back
            )
        return None

    async def page(self, request: web.Request) -> web.Response:
        if refused := self._refused(request):
            return refused
        asked = request.query["scope"].replace(",", " ").split()
        return self.box.consent_page(
            app_name="Kicau", scopes=asked, accounts=self.box.accounts(), hidden={"scope": " ".join(asked)}
        )

    async def decide(self, request: web.Request) -> web.Response:
        if refused := self._refused(request):
            return refused
        form, query = await read_form(request), request.query
        back = {"state": query["state"]} if query.get("state") else {}
        if form.get("decision") != "allow":
            return self.box.send_back(
                query["redirect_uri"],
                error="user_cancelled_authorize",
                error_description="The user cancelled LinkedIn authorization",
                **back,
            )
        member = str(form.get("account", ""))
        if self.box.store.get("member", member) is None:
            return self.box.page("Unknown member", "<p>There is no such member here.</p>", status=400)
        code = "AQ" + secrets.token_urlsafe(48)
        self.box.store.put(
            "code",
            code,
            {
                "app": query["client_id"],
                "member": member,
                "redirect": query["redirect_uri"],
                "scopes": query["scope"].replace(",", " ").split(),
                "until": self.box.stamp() + CODE_LIFETIME_SECONDS,
            },
        )
        return self.box.send_back(query["redirect_uri"], code=code, **back)

    async def token(self, request: web.Request) -> web.Response:
        form = await read_form(request)
        app = self.box.app_for(form.get("client_id", ""))
        if app is None or form.get("client_secret", "") != app.client_secret:
            return _oauth_error(401, "invalid_client", "Client authentication failed")
        match form.get("grant_type"):
            case "authorization_code":
                return self._by_code(form)
            case "refresh_token":
                return self._by_refresh(form)
        return _oauth_error(400, "unsupported_grant_type", "The grant type is not supported")

    def _by_code(self, form: dict[str, str]) -> web.Response:
        found = self.box.store.remove("code", form.get("code", ""))
        if (
            found is None
            or found["until"] <= self.box.stamp()
            or found["app"] != form["client_id"]
            or found["redirect"] != form.get("redirect_uri")
        ):
            return _oauth_error(400, "invalid_request", INVALID_CODE_MESSAGE)
        grant = self._grant(found["app"], found["member"], found["scopes"])
        refresh = ""
        if self.box.refresh_tokens:
            refresh = "AQ" + secrets.token_urlsafe(60)
            self.box.store.put("refresh", refresh, {**grant, "until": self.box.stamp() + REFRESH_LIFETIME_SECONDS})
        return self._issued(grant, refresh)

    def _grant(self, app: str, member: str, scopes: list[str]) -> dict[str, Any]:
        """Asking for another set of scopes makes every earlier token of this member and app worthless."""
        key = f"{app}|{member}"
        before = self.box.store.get("grant", key)
        epoch = before["epoch"] + (sorted(before["scopes"]) != sorted(scopes)) if before else 1
        self.box.store.put("grant", key, {"epoch": epoch, "scopes": scopes})
        return {"app": app, "member": member, "scopes": scopes, "epoch": epoch}

    def _by_refresh(self, form: dict[str, str]) -> web.Response:
        refresh = form.get("refresh_token", "")
        found = self.box.store.get("refresh", refresh)
        if (
            found is None
            or found["app"] != form["client_id"]
            or found["until"] <= self.box.stamp()
            or not self.box.stands(found)
        ):
            return _oauth_error(400, "invalid_grant", INVALID_REFRESH_MESSAGE)
        return self._issued({name: found[name] for name in ("app", "member", "scopes", "epoch")}, refresh)

    def _issued(self, grant: dict[str, Any], refresh: str) -> web.Response:
        token = "AQX" + secrets.token_urlsafe(200)
        now = self.box.stamp()
        self.box.store.put(
            "token", token, {**grant, "made": now, "until": now + TOKEN_LIFETIME_SECONDS, "revoked": False}
        )
        answer: dict[str, Any] = {
            "access_token": token,
            "expires_in": TOKEN_LIFETIME_SECONDS,
            "scope": ",".join(grant["scopes"]),
            "token_type": "Bearer",
        }
        if refresh:
            until = (self.box.store.get("refresh", refresh) or {"until": now})["until"]
            answer |= {"refresh_token": refresh, "refresh_token_expires_in": math.ceil(until - now)}
        return web.json_response(answer, headers=with_response_headers())

    async def introspect(self, request: web.Request) -> web.Response:
        form = await read_form(request)
        app = self.box.app_for(form.get("client_id", ""))
        if app is None or form.get("client_secret") != app.client_secret:
            return _oauth_error(401, "invalid_client", "Client authentication failed")
        found = self.box.store.get("token", form.get("token", ""))
        if found is None or found["app"] != app.client_id:
            return web.json_response({"active": False}, headers=with_response_headers())
        revoked = found["revoked"] or not self.box.stands(found)
        status = "revoked" if revoked else "expired" if found["until"] <= self.box.stamp() else "active"
        return web.json_response(
            {
                "active": status == "active",
                "auth_type": "3L",
                "authorized_at": int(found["made"]),
                "client_id": found["app"],
                "created_at": int(found["made"]),
                "expires_at": int(found["until"]),
                "scope": ",".join(found["scopes"]),
                "status": status,
            },
            headers=with_response_headers(),
        )

    async def userinfo(self, request: web.Request, token: dict[str, Any]) -> web.Response:
        if not {"openid", "profile"} <= set(token["scopes"]):
            raise refusals.access_denied_error("userinfo.GET")
        member = self.box.store.get("member", token["member"]) or {}
        return web.json_response(
            {
                "sub": member["id"],
                "name": f"{member['first']} {member['last']}",
                "given_name": member["first"],
                "family_name": member["last"],
                "locale": {"country": "ID", "language": "id"},
            },
            headers=with_response_headers(),
        )

    async def me(self, request: web.Request, token: dict[str, Any]) -> web.Response:
        if "r_basicprofile" not in token["scopes"]:
            raise refusals.access_denied_error("me.GET")
        member = self.box.store.get("member", token["member"]) or {}
        return web.json_response(
            {
                "id": member["id"],
                "localizedFirstName": member["first"],
                "localizedLastName": member["last"],
                "vanityName": member["vanity"],
                "localizedHeadline": member["headline"],
            },
            headers=with_response_headers(),
        )

    async def roles(self, request: web.Request, token: dict[str, Any]) -> web.Response:
        if not {"rw_organization_admin", "r_organization_admin"} & set(token["scopes"]):
            raise refusals.access_denied_error(
                "organizationAcls.FINDER-roleAssignee", request.headers["LinkedIn-Version"]
            )
        query = request.query
        if query.get("q") != "roleAssignee":
            raise refusals.illegal_argument_error("Invalid finder: only q=roleAssignee is answered here")
        held = [
            role
            for role in self.box.store.all("role")
            if role["roleAssignee"] == token["member"]
            and query.get("role", role["role"]) == role["role"]
            and query.get("state", role["state"]) == role["state"]
        ]
        return web.json_response(self.box.paged(request, held), headers=with_response_headers())

    async def named(self, request: web.Request, token: dict[str, Any]) -> web.Response:
        """Whose page has this name in its address; of others' only what everybody may see."""
        if request.query.get("q") != "vanityName":
            raise refusals.illegal_argument_error("Invalid finder: only q=vanityName is answered here")
        if not {"rw_organization_admin", "r_organization_admin"} & set(token["scopes"]):
            raise refusals.access_denied_error("organizations.FINDER-vanityName", request.headers["LinkedIn-Version"])
        found = [
            {
                "id": one["id"],
                "localizedName": one["name"],
                "vanityName": one["vanity"],
                "primaryOrganizationType": "NONE",
            }
            for one in self.box.store.all("organisation")
            if one["vanity"] == request.query.get("vanityName", "").lower()
        ]
        return web.json_response(self.box.paged(request, found), headers=with_response_headers())

    async def organisation(self, request: web.Request, token: dict[str, Any]) -> web.Response:
        urn = f"urn:li:organization:{request.match_info['id']}"
        found = self.box.store.get("organisation", urn)
        if found is None:
            raise LinkedInApiError(
                404, {"status": 404, "message": f"Organization {request.match_info['id']} not found"}
            )
        if not {"rw_organization_admin", "r_organization_admin"} & set(token["scopes"]) or not self.box.may_post(
            token["member"], urn
        ):
            raise refusals.access_denied_error("organizations.GET", request.headers["LinkedIn-Version"])
        locale = {"country": "ID", "language": "id"}
        return web.json_response(
            {
                "id": found["id"],
                "localizedName": found["name"],
                "vanityName": found["vanity"],
                "name": {"localized": {"id_ID": found["name"]}, "preferredLocale": locale},
                "primaryOrganizationType": "NONE",
                "versionTag": "1",
            },
            headers=with_response_headers(),
        )


def _oauth_error(status: int, error: str, description: str) -> web.Response:
    return web.json_response(
        {"error": error, "error_description": description}, status=status, headers=with_response_headers()
    )
