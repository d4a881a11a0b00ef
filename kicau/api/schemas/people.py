"""People, workspaces, members, tokens, the audit trail."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from kicau.api.schemas.base import (
    AI_USE_DESCRIPTION,
    OTHERS_AI_USE_DESCRIPTION,
    UTC_DESCRIPTION,
    ZONE_DESCRIPTION,
    AIUseRule,
    Page,
    PersonRef,
    Schema,
    StrictBool,
    StrictInt,
    ZoneName,
    example_config,
)

RoleName = Literal["owner", "admin", "editor", "contributor", "viewer"]
ScopeName = Literal["read", "write", "publish", "channels", "members", "settings", "tokens"]
ROLE_DESCRIPTION = (
    "owner and admin manage everything, an editor publishes, a contributor writes and submits, a viewer reads."
)


class Workspace(Schema):
    """A workspace: everything else belongs to one."""

    id: str = Field(description="Its id, as the Kicau-Workspace header takes it.")
    name: str = Field(description="Its name.")
    timezone: str = Field(description=ZONE_DESCRIPTION)
    language: str = Field(description="Of its pages: en or id.")
    duplicate_hours: int = Field(
        description="Hours around a post within which the same text to the same channel is warned of; 0 never warns."
    )
    currency: str = Field(description="ISO 4217: what costs are shown in beside their own; empty: nothing else.")
    unrated: list[str] = Field(
        description="Currencies that networks ask for which there is no rate into it yet: amounts in them stay as they are."
    )
    ai_use: dict[str, str] = Field(description=f"The rule for this workspace's own words. {AI_USE_DESCRIPTION}")
    others_ai_use: dict[str, str] = Field(description=OTHERS_AI_USE_DESCRIPTION)
    terms_url: str = Field(description="Where others read whom to ask for what is not allowed; may be empty.")
    marks_media: bool = Field(description="Whether published pictures carry the rule in themselves (IPTC Data Mining).")
    requires_second_factor: bool = Field(
        description="Whether members need a second factor. An owner sets it in the browser, under Settings."
    )
    created_at: datetime = Field(description=UTC_DESCRIPTION)


class AccessibleWorkspace(Schema):
    """A workspace that this token opens."""

    id: str = Field(description="Its id, as the Kicau-Workspace header takes it.")
    name: str = Field(description="Its name.")
    role: RoleName = Field(description=f"The person's role there: {ROLE_DESCRIPTION}")


class CurrentUser(Schema):
    """Who this token acts as, and where."""

    person: PersonRef = Field(description="The person in whose name the token acts.")
    email: str = Field(description="The person's e-mail address.")
    timezone: str = Field(description=f"The person's own. {ZONE_DESCRIPTION}")
    token: str = Field(description="The token's id.")
    workspace: Workspace = Field(description="The workspace of this request.")
    role: RoleName = Field(description=f"In this workspace: {ROLE_DESCRIPTION}")
    scopes: list[ScopeName] = Field(description="What the token may do here.")
    workspaces: list[AccessibleWorkspace] = Field(
        description="All that the token opens; choose with the Kicau-Workspace header."
    )


class WorkspaceChange(Schema):
    """What is left out stays as it is."""

    model_config = example_config({"name": "Kopi Senja", "timezone": "Asia/Jakarta", "duplicate_hours": 48})

    name: str | None = Field(None, min_length=1, max_length=120, description="Its name.")
    timezone: ZoneName | None = Field(None, description=ZONE_DESCRIPTION)
    language: Literal["en", "id"] | None = Field(None, description="Of its pages.")
    duplicate_hours: Annotated[StrictInt, Field(ge=0, le=8760)] | None = Field(
        None, description="Window of the duplicate warning, in hours; 0 never warns."
    )
    currency: str | None = Field(
        None,
        max_length=3,
        description="What costs are shown in beside their own, by the operator's rates; empty: nothing else.",
    )
    ai_use: AIUseRule | None = Field(None, description=f"The rule for this workspace's own words. {AI_USE_DESCRIPTION}")
    others_ai_use: AIUseRule | None = Field(None, description=OTHERS_AI_USE_DESCRIPTION)
    terms_url: str | None = Field(
        None, max_length=500, description="Where others read whom to ask for what is not allowed."
    )
    marks_media: StrictBool | None = Field(None, description="Whether published pictures carry the rule in themselves.")


class WorkspaceMember(Schema):
    """A person in this workspace."""

    id: str = Field(description="The person's id.")
    name: str = Field(description="The person's name.")
    email: str = Field(description="The person's e-mail address.")
    role: RoleName = Field(description=ROLE_DESCRIPTION[0].upper() + ROLE_DESCRIPTION[1:])
    since: datetime = Field(description=UTC_DESCRIPTION)


class WorkspaceMemberPage(Page[WorkspaceMember]):
    """One page of members, longest here first."""


class MemberAdd(Schema):
    """A member's role, or an invitation for somebody who is no member yet."""

    model_config = example_config({"email": "budi@kopisenja.example", "role": "editor"})

    email: str = Field(max_length=254, description="Their address.")
    role: RoleName = Field(description=ROLE_DESCRIPTION[0].upper() + ROLE_DESCRIPTION[1:])


class MemberChange(Schema):
    """Another role."""

    model_config = example_config({"role": "viewer"})

    role: RoleName = Field(description=ROLE_DESCRIPTION[0].upper() + ROLE_DESCRIPTION[1:])


class ApiToken(Schema):
    """A key for programs, without its secret."""

    id: str = Field(description="Its id.")
    name: str = Field(description="What its maker called it.")
    prefix: str = Field(description="The first characters of its secret, to tell tokens apart.")
    person: PersonRef = Field(description="In whose name it acts.")
    role: str = Field(description="At most this role.")
    scopes: list[ScopeName] = Field(description="What it may do.")
    created_at: datetime = Field(description=UTC_DESCRIPTION)
    expires_at: datetime | None = Field(description=f"{UTC_DESCRIPTION} Null: never.")
    revoked_at: datetime | None = Field(description=f"{UTC_DESCRIPTION} Null: it counts.")
    last_used_at: datetime | None = Field(description=f"{UTC_DESCRIPTION} To the minute; null: never.")


class ApiTokenPage(Page[ApiToken]):
    """One page of tokens, newest first."""


class ApiTokenCreate(Schema):
    """A token for this workspace. It can do no more than the one that makes it."""

    model_config = example_config({"name": "night import", "scopes": ["read", "write"], "days": 30})

    name: str = Field(min_length=1, max_length=120, description="What it is for.")
    scopes: list[ScopeName] = Field(min_length=1, max_length=20, description="What it may do.")
    days: Annotated[StrictInt, Field(ge=1, le=366)] = Field(90, description="How long it lives.")
    role: RoleName | None = Field(None, description="At most this role; null: its maker's.")


class ApiTokenCreated(ApiToken):
    """A token that was made just now."""

    secret: str = Field(description="The token itself. It is shown this once and kept nowhere: store it now.")


class AuditTrailEntry(Schema):
    """One act, as the audit trail keeps it."""

    id: int = Field(description="Rises with time.")
    at: datetime = Field(description=UTC_DESCRIPTION)
    actor: str = Field(description="Who did it, as they were called then.")
    actor_id: str | None = Field(description="Their id; null where Kicau itself did it.")
    via: str = Field(description="page, api, cli or system.")
    act: str = Field(description="What was done, such as delivery.scheduled.")
    subject: str = Field(description="Id of what it was done to; may be empty.")
    detail: dict[str, Any] = Field(description="More about it, by act.")


class AuditTrailPage(Page[AuditTrailEntry]):
    """One page of the audit trail, newest first."""


class Invitation(Schema):
    """A one-time link into the workspace, without the link."""

    id: str = Field(description="Its id.")
    email: str = Field(description="Whom it is for.")
    role: RoleName = Field(description=ROLE_DESCRIPTION[0].upper() + ROLE_DESCRIPTION[1:])
    invited_by: PersonRef | None = Field(description="Who made it.")
    created_at: datetime = Field(description=UTC_DESCRIPTION)
    expires_at: datetime = Field(description=f"Until when it works. {UTC_DESCRIPTION}")


class InvitationPage(Page[Invitation]):
    """One page of invitations, newest first."""


class InvitationCreate(Schema):
    """Somebody who shall join, whether or not they have a sign-in here."""

    model_config = example_config({"email": "rudi@kopisenja.example", "role": "editor"})

    email: str = Field(max_length=254, description="Where the link is sent, and the only address that can use it.")
    role: RoleName = Field(description=ROLE_DESCRIPTION[0].upper() + ROLE_DESCRIPTION[1:])
    show_link: StrictBool = Field(
        False,
        description="Give the link back and do not mail it. An account that is made by it counts as unproved: its address is not used to find it.",
    )


class InvitationCreated(Invitation):
    """An invitation that was made just now."""

    link: str | None = Field(
        description="The link itself, shown this once and kept nowhere. Null where it was mailed: only the mailbox gets it."
    )
    mailed: bool = Field(description="Whether it was mailed; else pass the link on yourself.")
