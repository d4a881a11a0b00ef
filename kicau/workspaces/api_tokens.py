"""Keys for programs: made, listed, revoked, and who acts by one."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q, QuerySet

from kicau.base import clock
from kicau.base.errors import NotAllowed, NotFound, validation_failed
from kicau.base.ids import as_uuid
from kicau.base.sentences import Sentence
from kicau.workspaces.actors import ROLE_PERMISSIONS, Actor, Permission, weakest_role
from kicau.workspaces.models import ApiToken, Membership, Role

TOKEN_PREFIX = "kicau_"  # noqa: S105 (lets secret scanners find a leaked token)
MAX_TOKEN_LIFETIME = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token just made; `secret` is shown once and kept nowhere."""

    token: ApiToken
    secret: str

    def __repr__(self) -> str:
        return f"NewToken({self.token.prefix}…)"


@transaction.atomic
def create_token(
    actor: Actor, name: str, scopes: Iterable[str], *, days: int | None = 90, personal: bool = False, role: str = ""
) -> NewToken:
    """A key for programs: for this workspace or, `personal`, for all of the person's. Never more than the actor may."""
    actor.require(Permission.TOKENS)
    if actor.person is None:
        raise NotAllowed("Only a signed-in person can create an API token. Sign in to Kicau to create the token.")
    wanted = sorted(set(scopes))
    unknown = [s for s in wanted if s not in list(Permission)]
    if unknown or not wanted:
        raise validation_failed(
            "scopes",
            "Kicau does not know the permission (scope) {unknown!r}. Choose from: {scopes}.",
            unknown=", ".join(unknown),
            scopes=", ".join(Permission),
        )
    beyond = [s for s in wanted if not actor.may(Permission(s))]
    if beyond:
        raise NotAllowed(
            Sentence(
                "An API token cannot have more permissions than you have. Remove these permissions: {beyond}.",
                beyond=", ".join(beyond),
            )
        )
    if role and role not in Role.values:
        raise validation_failed(
            "role",
            "Kicau does not know the role {role!r}. Choose one of: {roles}.",
            role=role,
            roles=", ".join(Role.values),
        )
    if days is not None and not 0 < days <= MAX_TOKEN_LIFETIME.days:
        raise validation_failed(
            "days",
            "An API token can be valid for 1 to {limit} days. You entered {days}.",
            limit=MAX_TOKEN_LIFETIME.days,
            days=days,
        )
    if personal and actor.scopes is not None:
        raise NotAllowed(
            "You cannot create a personal API token with another API token. Sign in to Kicau to create one."
        )
    secret = TOKEN_PREFIX + secrets.token_urlsafe(32)
    token = ApiToken.objects.create(
        name=name.strip()[:120] or "token",
        prefix=secret[: len(TOKEN_PREFIX) + 6],
        digest=_digest(secret),
        person=actor.person,
        workspace=None if personal else actor.workspace,
        role="" if personal else weakest_role(role or actor.role, actor.role),
        scopes=wanted,
        expires_at=clock.now() + timedelta(days=days) if days else None,
    )
    actor.record("token.created", token.id, name=token.name, scopes=wanted)
    return NewToken(token, secret)


@transaction.atomic
def revoke_token(actor: Actor, token_id: UUID | str) -> ApiToken:
    """Own tokens, or, with the right to manage members, anybody's in this workspace."""
    actor.require(Permission.TOKENS)
    token: ApiToken | None = tokens(actor).filter(id=as_uuid(token_id)).first()
    if token is None:
        raise NotFound("token", token_id)
    if token.revoked_at is None:
        token.revoked_at = clock.now()
        token.save(update_fields=["revoked_at"])
        actor.record("token.revoked", token.id, name=token.name)
    return token


def tokens(actor: Actor) -> QuerySet[ApiToken]:
    """The actor's own tokens here, or all of the workspace's for those who manage members."""
    actor.require(Permission.READ)
    found = ApiToken.objects.filter(workspace=actor.workspace).select_related("person")
    if actor.person is not None and not actor.may(Permission.MEMBERS):
        found = found.filter(person=actor.person)
    if actor.person is not None and actor.scopes is None:
        found = found | ApiToken.objects.filter(workspace=None, person=actor.person).select_related("person")
    return found.order_by("-created_at")


def actor_by_token(secret: str, workspace_id: UUID | str | None) -> Actor | None:
    """Who a token acts as, in the workspace that is asked or the token's own; None for any token that doesn't count."""
    now = clock.now()
    counts = Q(person__tokens__workspace=None) | Q(person__tokens__workspace=F("workspace"))
    if workspace_id:
        counts &= Q(workspace_id=as_uuid(workspace_id))
    member = (  # one statement, as every request to the API begins with it
        Membership.objects.filter(
            counts,
            Q(person__tokens__expires_at=None) | Q(person__tokens__expires_at__gt=now),
            person__tokens__digest=_digest(secret),
            person__tokens__revoked_at=None,
            person__is_active=True,
        )
        .annotate(
            token=F("person__tokens__id"),
            cap=F("person__tokens__role"),
            scopes=F("person__tokens__scopes"),
            used_at=F("person__tokens__last_used_at"),
        )
        .select_related("workspace", "person")
        .order_by("created_at")
        .first()
    )
    if member is None:
        return None
    if member.used_at is None or now - member.used_at > timedelta(minutes=1):
        ApiToken.objects.filter(id=member.token).update(last_used_at=now)
    role = weakest_role(member.cap, member.role) if member.cap else member.role
    scopes = frozenset(s for s in member.scopes if s in ROLE_PERMISSIONS[role])
    return Actor(
        workspace=member.workspace, person=member.person, role=role, via="api", scopes=scopes, token_id=member.token
    )


def usable_memberships(actor: Actor) -> list[Membership]:
    """The memberships that the actor may act through: a workspace token's own, else all of the person's."""
    found = Membership.objects.filter(person=actor.person).select_related("workspace").order_by("created_at")
    if actor.token_id and ApiToken.objects.filter(id=actor.token_id).exclude(workspace=None).exists():
        found = found.filter(workspace=actor.workspace)
    return list(found)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
