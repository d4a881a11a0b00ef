"""Who acts: the first argument of every domain act. It carries the workspace, so nothing is reached but through it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from kicau.base.errors import NotAllowed
from kicau.base.sentences import Sentence
from kicau.rights.models import ActivityEntry
from kicau.workspaces.models import Person, Role, Workspace


class Permission(StrEnum):
    """What roles allow; also the scopes of tokens."""

    READ = "read"
    WRITE = "write"  # drafts and media
    PUBLISH = "publish"  # schedule, cancel, retry, confirm, delete from a network
    CHANNELS = "channels"  # connect, disconnect, pause
    MEMBERS = "members"
    SETTINGS = "settings"  # workspace, webhooks, slots
    TOKENS = "tokens"


_EDITOR = frozenset({Permission.READ, Permission.WRITE, Permission.PUBLISH, Permission.TOKENS})
ROLE_PERMISSIONS: dict[str, frozenset[Permission]] = {
    Role.OWNER: frozenset(Permission),
    Role.ADMIN: frozenset(Permission),
    Role.EDITOR: _EDITOR,
    Role.CONTRIBUTOR: frozenset({Permission.READ, Permission.WRITE, Permission.TOKENS}),
    Role.VIEWER: frozenset({Permission.READ, Permission.TOKENS}),
}
ROLES_BY_RANK = [Role.VIEWER, Role.CONTRIBUTOR, Role.EDITOR, Role.ADMIN, Role.OWNER]


def weakest_role(*roles: str) -> str:
    return min(roles, key=lambda role: ROLES_BY_RANK.index(Role(role)))


def may_assign_role(role: str, given: str) -> bool:
    """Whether a member with `role` ("" for none) may make somebody `given`: who manages members; owners by an owner."""
    return bool(role) and Permission.MEMBERS in ROLE_PERMISSIONS[role] and (given != Role.OWNER or role == Role.OWNER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Somebody (or the system, where `person` is None) acting in one workspace."""

    workspace: Workspace
    person: Person | None
    role: str
    via: str  # "page" | "api" | "cli" | "system"
    scopes: frozenset[str] | None = None  # of a token; None: all that the role allows
    token_id: UUID | None = None  # of the token that acts

    @property
    def name(self) -> str:
        return str(self.person) if self.person else "Kicau"

    @property
    def person_id(self) -> UUID | None:
        return self.person.id if self.person else None

    def may(self, permission: Permission) -> bool:
        return permission in ROLE_PERMISSIONS[self.role] and (self.scopes is None or permission in self.scopes)

    def require(self, permission: Permission) -> None:
        """Raises NotAllowed with a sentence that names the way out."""
        if permission not in ROLE_PERMISSIONS[self.role]:
            who = next(r for r in ROLES_BY_RANK if permission in ROLE_PERMISSIONS[r])
            raise NotAllowed(
                Sentence(
                    "Your role ({role}) does not have this permission: {permission}. Ask someone with the role {who} or higher to do it.",
                    role=self.role,
                    permission=permission,
                    who=who,
                )
            )
        if self.scopes is not None and permission not in self.scopes:
            raise NotAllowed(
                Sentence(
                    "This API token does not have the permission (scope) {permission!r}. Create an API token that has this permission.",
                    permission=permission.value,
                )
            )

    def record(self, act: str, subject: object = "", **detail: object) -> None:
        """One line in the audit trail, in the transaction of the act itself."""
        ActivityEntry.objects.create(
            workspace_id=self.workspace.id,
            actor_id=self.person_id,
            actor=self.name,
            via=self.via,
            act=act,
            subject=str(subject),
            detail=detail,
        )


def system_actor(workspace: Workspace) -> Actor:
    """Kicau itself, for what happens without anybody's click."""
    return Actor(workspace=workspace, person=None, role=Role.OWNER, via="system")
