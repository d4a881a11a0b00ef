"""Signing in by the operator's identity provider (OpenID Connect, authorization code with PKCE).

https://openid.net/specs/openid-connect-core-1_0.html (errata 2, 2023-12). The provider is asked for openid, email and
profile, and its ID token is checked by its own published keys.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus, urlencode, urlsplit

import aiohttp
from django.conf import settings
from django.db import transaction
from django.urls import reverse
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from kicau.base import clock, setting_definitions
from kicau.base.errors import Conflict, NotAllowed
from kicau.base.sentences import Sentence
from kicau.connector.transport.ssrf import GuardedConnector
from kicau.workspaces import account_security, address_verification, addresses, throttle
from kicau.workspaces.models import Person, ProviderIdentity

SIGNING_ALGORITHMS = [
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "EdDSA",
    "Ed25519",
]
SCOPES = "openid email profile"
DEFAULT_PORTS = {"https": 443, "http": 80}
CLOCK_LEEWAY_SECONDS = 120  # seconds by which the provider's clock may differ
SIGN_IN_LIFETIME_SECONDS = (
    900  # from leaving for the provider until the return; people may look for a phone or a password
)
MAX_RESPONSE_BYTES = 1_000_000  # bytes of an answer


@dataclass(frozen=True, slots=True, kw_only=True)
class OidcProvider:
    """The operator's settings."""

    issuer: str
    client_id: str
    client_secret: str
    name: str  # on the button
    hosts: frozenset[str] = frozenset()  # beside the issuer's: host or host:port, on which its own endpoints may be


@dataclass(frozen=True, slots=True, kw_only=True)
class IdClaims:
    """What the provider says of somebody, checked."""

    issuer: str
    subject: str
    email: str
    email_verified: bool
    name: str
    second_factor: bool = False  # whether it says that it asked for more than one factor


class ProviderError(Conflict):
    """The identity provider could not be asked, or its answer does not stand up; nobody was signed in."""


def configured_provider() -> OidcProvider | None:
    """None where the operator has set none."""
    if not settings.KICAU_OIDC_ISSUER:
        return None
    return OidcProvider(
        issuer=settings.KICAU_OIDC_ISSUER,
        client_id=settings.KICAU_OIDC_CLIENT_ID,
        client_secret=settings.KICAU_OIDC_CLIENT_SECRET,
        name=settings.KICAU_OIDC_NAME,
        hosts=frozenset(settings.KICAU_OIDC_HOSTS),
    )


async def begin_sign_in(by: OidcProvider) -> tuple[str, dict[str, str]]:
    """(where to send the person, what to remember until they return). Raises ProviderError."""
    if not is_https_or_local(by.issuer):
        raise _unencrypted_error(by)
    async with _http_session(by) as session:
        about = await _provider_metadata(by, session)
    memory = {name: secrets.token_urlsafe(32) for name in ("state", "nonce", "verifier")}
    challenge = base64.urlsafe_b64encode(hashlib.sha256(memory["verifier"].encode()).digest()).rstrip(b"=").decode()
    asked = {
        "response_type": "code",
        "client_id": by.client_id,
        "redirect_uri": _callback_url(),
        "scope": SCOPES,
        "state": memory["state"],
        "nonce": memory["nonce"],
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    address = str(about["authorization_endpoint"])
    return f"{address}{'&' if '?' in address else '?'}{urlencode(asked)}", memory


def mark_state_used(by: OidcProvider, memory: Mapping[str, str]) -> None:
    """A sign-in that was begun ends once, after the provider's answer was checked. Raises ProviderError."""
    if throttle.wait_seconds([throttle.once_limit(f"oidc:{memory['state']}", SIGN_IN_LIFETIME_SECONDS)]):
        raise _provider_error(by, "this sign-in was begun elsewhere or is over.")


async def finish_sign_in(by: OidcProvider, memory: Mapping[str, str], returned: Mapping[str, str]) -> IdClaims:
    """Who came back. Raises ProviderError, or NotAllowed where they declined."""
    if not memory or not secrets.compare_digest(returned.get("state", "").encode(), memory.get("state", "").encode()):
        raise _provider_error(by, "this sign-in was begun elsewhere or is over.")
    if "error" in returned or not returned.get("code"):
        raise NotAllowed(
            Sentence("Kicau could not sign you in with {name}. Try again, or sign in another way.", name=by.name)
        )
    async with _http_session(by) as session:
        about = await _provider_metadata(by, session)
        form = {
            "grant_type": "authorization_code",
            "code": returned["code"],
            "redirect_uri": _callback_url(),
            "client_id": by.client_id,
            "code_verifier": memory["verifier"],
        }
        token_endpoint, key_set = _endpoint(by, about, "token_endpoint"), _endpoint(by, about, "jwks_uri")
        answer = await _request_json(by, session, "POST", token_endpoint, **_with_client_secret(by, about, form))
        keys = await _request_json(by, session, "GET", key_set)
    return _check_id_token(by, memory, str(answer.get("id_token", "")), keys)


def _with_client_secret(by: OidcProvider, about: Mapping[str, Any], form: dict[str, str]) -> dict[str, Any]:
    """The client's secret where the provider wants it: in a header, which every provider must take, or in the form."""
    if not by.client_secret:
        return {"data": form}
    ways = about.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
    if "client_secret_basic" in ways:
        pair = f"{quote_plus(by.client_id)}:{quote_plus(by.client_secret)}"  # RFC 6749, section 2.3.1
        return {"data": form, "headers": {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}}
    return {"data": form | {"client_secret": by.client_secret}}


def _check_id_token(by: OidcProvider, memory: Mapping[str, str], token: str, keys: Any) -> IdClaims:
    try:
        claims = jwt.decode(token, KeySet.import_key_set(keys), algorithms=SIGNING_ALGORITHMS).claims
        rules = jwt.JWTClaimsRegistry(
            now=int(clock.now().timestamp()),
            leeway=CLOCK_LEEWAY_SECONDS,
            iss={"essential": True, "value": by.issuer},
            aud={"essential": True, "value": by.client_id},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
            nonce={"essential": True, "value": memory["nonce"]},
        )
        rules.validate(claims)
        _check_party(by, claims)
    except (JoseError, ValueError, KeyError, TypeError) as exc:
        raise _provider_error(by, "its answer does not stand up to a check.") from exc
    said: dict[str, Any] = dict(claims)
    return IdClaims(
        issuer=by.issuer,
        subject=str(said["sub"])[:255],
        email=str(said.get("email") or ""),
        email_verified=said.get("email_verified") in (True, "true"),
        name=str(said.get("name") or said.get("preferred_username") or ""),
        second_factor=_had_second_factor(said.get("amr")),
    )


def _had_second_factor(methods: object) -> bool:
    """Whether the ID token says "mfa" (RFC 8176, section 2). A provider that says nothing counts as one factor."""
    return isinstance(methods, list) and "mfa" in methods


def _check_party(by: OidcProvider, claims: Mapping[str, Any]) -> None:
    """The token was issued to this client, not to another one that names us beside itself (OpenID Connect Core 1.0,
    section 3.1.3.7, rules 3 to 5). Raises ValueError."""
    audience, party = claims["aud"], claims.get("azp")
    if isinstance(audience, list) and len(audience) > 1 and party is None:
        raise ValueError("several audiences and no authorized party")
    if party is not None and party != by.client_id:
        raise ValueError("issued to another client")


@transaction.atomic
def find_person(claims: IdClaims) -> Person | None:
    """Who that is here: by the provider's own id, else by an address that the provider has verified and that the account
    here has proved. None where nobody is. Raises NotAllowed for somebody who may no longer sign in, Conflict where the
    account under the address is anybody's."""
    known = (
        ProviderIdentity.objects.select_related("person").filter(issuer=claims.issuer, subject=claims.subject).first()
    )
    person = known.person if known else None
    if known is not None:
        _remember_second_factor(known, claims)
    if person is None and claims.email and claims.email_verified:
        person = addresses.find_person_by_email(claims.email)
        if person is not None and not person.is_proved:
            raise Conflict(
                Sentence(
                    "An account with the e-mail address {email} already exists, but the address is not confirmed. If the account is yours, sign in with its password. Then connect your single sign-on on the “You” page. Otherwise, contact the server administrator.",
                    email=claims.email,
                )
            )
        if person is not None:
            save_identity(person, claims)
    if person is not None and not person.is_active:
        raise NotAllowed("This account is closed. Contact the server administrator.")
    return person


@transaction.atomic
def connect_identity(person: Person, claims: IdClaims) -> None:
    """Somebody who is signed in adds the provider's account to their own. Where their address was not proved it is now,
    and every other way in ends. Raises Conflict where the provider does not say that the address is theirs."""
    if not claims.email_verified or not addresses.is_same_email(claims.email, person.email):
        raise Conflict(
            Sentence(
                "The identity provider (your single sign-on service) has not confirmed the e-mail address {email}. Confirm the address in that service, then sign in again.",
                email=person.email,
            )
        )
    identity = save_identity(person, claims)
    if identity.person_id != person.id:
        raise Conflict(
            "This single sign-on account is already connected to another Kicau account. Connect a different one, or sign in to that Kicau account."
        )
    if not person.is_proved:
        address_verification.assign_proved_address(person, None, by="provider", identity=identity)


def save_identity(person: Person, claims: IdClaims) -> ProviderIdentity:
    """From now on the provider's account signs in as `person`, unless it is somebody's already."""
    identity, made = ProviderIdentity.objects.get_or_create(
        issuer=claims.issuer, subject=claims.subject, defaults={"person": person}
    )
    if made:
        account_security.record_security_change(person, "person.identity_added", name=claims.issuer)
    _remember_second_factor(identity, claims)
    return identity


def _remember_second_factor(identity: ProviderIdentity, claims: IdClaims) -> None:
    if identity.had_second_factor != claims.second_factor:
        identity.had_second_factor = claims.second_factor
        identity.save(update_fields=["had_second_factor"])


def _callback_url() -> str:
    return str(settings.KICAU_PUBLIC_URL) + reverse("oidc-callback")


def _http_session(by: OidcProvider) -> aiohttp.ClientSession:
    """Public addresses, and the operator's own provider wherever it is: on its port, and no other of that host."""
    return aiohttp.ClientSession(
        connector=GuardedConnector(also={_host_and_port(by.issuer), *by.hosts}, use_dns_cache=False),
        timeout=aiohttp.ClientTimeout(total=15),
        trust_env=False,
        headers={"Accept": "application/json"},
    )


async def _provider_metadata(by: OidcProvider, session: aiohttp.ClientSession) -> Mapping[str, Any]:
    """What the provider publishes of itself (OpenID Connect Discovery 1.0, section 4)."""
    found = await _request_json(by, session, "GET", by.issuer.rstrip("/") + "/.well-known/openid-configuration")
    if found.get("issuer") != by.issuer:
        raise _provider_error(by, f"it calls itself {str(found.get('issuer'))[:200]}, not {by.issuer}.")
    if not is_https_or_local(str(found.get("authorization_endpoint", ""))):
        raise _provider_error(by, "it names no page to sign in on.")
    return found


def is_https_or_local(address: str) -> bool:
    """Whether an address of a provider is https, or http on this machine."""
    try:
        return bool(_host_and_port(address)) and setting_definitions.is_encrypted_or_local(address)
    except ValueError:
        return False


def _host_and_port(address: str) -> str:
    """host:port of an address; the port of its scheme where it names none. Raises ValueError."""
    parts = urlsplit(address)
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname:
        return ""
    return f"{parts.hostname}:{parts.port or DEFAULT_PORTS[parts.scheme]}"


def _endpoint(by: OidcProvider, about: Mapping[str, Any], name: str) -> str:
    """An address that Kicau itself asks: encrypted, and on the issuer's host and port or one that the operator named,
    since it gets the client's secret or says whose signatures count. Raises ProviderError."""
    address = str(about.get(name) or "")
    if not is_https_or_local(address):
        raise _unencrypted_error(by)
    place = _host_and_port(address)
    if place != _host_and_port(by.issuer) and by.hosts.isdisjoint({place, place.rpartition(":")[0]}):
        raise ProviderError(
            Sentence(
                "Kicau could not sign you in with {name}, because this sign-in service uses another server: {host}. Ask the server administrator to add this server to KICAU_OIDC_HOSTS.",
                name=by.name,
                host=place,
            )
        )
    return address


async def _request_json(
    by: OidcProvider, session: aiohttp.ClientSession, method: str, url: str, **more: Any
) -> dict[str, Any]:
    try:
        async with session.request(method, url, allow_redirects=False, **more) as answer:
            body = await answer.content.read(MAX_RESPONSE_BYTES)
            found = json.loads(body) if answer.status == 200 else None
    except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as exc:
        raise _provider_error(by, f"{type(exc).__name__}.") from exc
    if not isinstance(found, dict):
        raise _provider_error(by, f"it answered {answer.status}.")
    return found


def _unencrypted_error(by: OidcProvider) -> ProviderError:
    return ProviderError(
        Sentence(
            "Kicau could not sign you in with {name}, because the address of this sign-in service does not use https. Ask the server administrator to check this address.",
            name=by.name,
        )
    )


def _provider_error(by: OidcProvider, why: str) -> ProviderError:
    return ProviderError(
        Sentence(
            "Kicau could not sign you in with {name}: {why} Sign in another way, or try again later.",
            name=by.name,
            why=why,
        )
    )
