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
    "owner and admin can manage everything, editor can publish, contributor can write and submit, viewer can read."
)


class Workspace(Schema):
    """A workspace, which contains everything else."""

    id: str = Field(description="ID, for the Kicau-Workspace header.")
    name: str = Field(description="Name.")
    timezone: str = Field(description=ZONE_DESCRIPTION)
    language: str = Field(description="Language of its pages: en or id.")
    duplicate_hours: int = Field(
        description="Number of hours in which Kicau warns about the same text on the same channel. 0: never."
    )
    currency: str = Field(description="Currency code (ISO 4217) in which costs are shown as well. Empty: none.")
    unrated: list[str] = Field(
        description="Currencies of charges without an exchange rate into it. Amounts in them are not converted."
    )
    ai_use: dict[str, str] = Field(description=f"The rule for this workspace's own content. {AI_USE_DESCRIPTION}")
    others_ai_use: dict[str, str] = Field(description=OTHERS_AI_USE_DESCRIPTION)
    terms_url: str = Field(description="Where others can ask for permission. Can be empty.")
    marks_media: bool = Field(description="Whether published images contain the rule as metadata (IPTC Data Mining).")
    requires_second_factor: bool = Field(
        description="Whether members need a second factor. An owner sets this in the browser, under Settings."
    )
    created_at: datetime = Field(description=UTC_DESCRIPTION)


class AccessibleWorkspace(Schema):
    """A workspace of this token."""

    id: str = Field(description="ID, for the Kicau-Workspace header.")
    name: str = Field(description="Name.")
    role: RoleName = Field(description=f"The person's role there: {ROLE_DESCRIPTION}")


class CurrentUser(Schema):
    """Person and workspace of this token."""

    person: PersonRef = Field(description="The person on whose behalf the token acts.")
    email: str = Field(description="The person's e-mail address.")
    timezone: str = Field(description=f"The person's time zone. {ZONE_DESCRIPTION}")
    token: str = Field(description="ID of the token.")
    workspace: Workspace = Field(description="Workspace of this request.")
    role: RoleName = Field(description=f"Role in this workspace: {ROLE_DESCRIPTION}")
    scopes: list[ScopeName] = Field(description="Permissions of the token in this workspace.")
    workspaces: list[AccessibleWorkspace] = Field(
        description="All workspaces of the token. Choose one with the Kicau-Workspace header."
    )


class WorkspaceChange(Schema):
    """Changes to a workspace. All fields are optional."""

    model_config = example_config({"name": "Kopi Senja", "timezone": "Asia/Jakarta", "duplicate_hours": 48})

    name: str | None = Field(None, min_length=1, max_length=120, description="Name.")
    timezone: ZoneName | None = Field(None, description=ZONE_DESCRIPTION)
    language: Literal["en", "id"] | None = Field(None, description="Language of its pages.")
    duplicate_hours: Annotated[StrictInt, Field(ge=0, le=8760)] | None = Field(
        None, description="Number of hours for the duplicate warning. 0: never."
    )
    currency: str | None = Field(
        None,
        max_length=3,
        description="Currency in which costs are shown as well, at the operator's rates. Empty: none.",
    )
    ai_use: AIUseRule | None = Field(
        None, description=f"The rule for this workspace's own content. {AI_USE_DESCRIPTION}"
    )
    others_ai_use: AIUseRule | None = Field(None, description=OTHERS_AI_USE_DESCRIPTION)
    terms_url: str | None = Field(None, max_length=500, description="Where others can ask for permission.")
    marks_media: StrictBool | None = Field(None, description="Whether published images contain the rule as metadata.")


class WorkspaceMember(Schema):
    """A member of this workspace."""

    id: str = Field(description="ID of the person.")
    name: str = Field(description="Name of the person.")
    email: str = Field(description="The person's e-mail address.")
    role: RoleName = Field(description=ROLE_DESCRIPTION[0].upper() + ROLE_DESCRIPTION[1:])
    since: datetime = Field(description=UTC_DESCRIPTION)


class WorkspaceMemberPage(Page[WorkspaceMember]):
    """A page of members, longest membership first."""


class MemberAdd(Schema):
    """A member's role, or an invitation for a person who is not a member yet."""

    model_config = example_config({"email": "budi@kopisenja.example", "role": "editor"})

    email: str = Field(max_length=254, description="E-mail address.")
    role: RoleName = Field(description=ROLE_DESCRIPTION[0].upper() + ROLE_DESCRIPTION[1:])


class MemberChange(Schema):
    """A new role."""

    model_config = example_config({"role": "viewer"})

    role: RoleName = Field(description=ROLE_DESCRIPTION[0].upper() + ROLE_DESCRIPTION[1:])


class ApiToken(Schema):
    """An API token, without its secret."""

    id: str = Field(description="Unique ID.")
    name: str = Field(description="Name of the token.")
    prefix: str = Field(description="First characters of the secret, to tell tokens apart.")
    person: PersonRef = Field(description="The person on whose behalf it acts.")
    role: str = Field(description="Highest role of the token.")
    scopes: list[ScopeName] = Field(description="Permissions of the token.")
    created_at: datetime = Field(description=UTC_DESCRIPTION)
    expires_at: datetime | None = Field(description=f"{UTC_DESCRIPTION} Null: never.")
    revoked_at: datetime | None = Field(description=f"{UTC_DESCRIPTION} Null: it is valid.")
    last_used_at: datetime | None = Field(description=f"{UTC_DESCRIPTION} Precise to the minute. Null: never.")


class ApiTokenPage(Page[ApiToken]):
    """A page of tokens, newest first."""


class ApiTokenCreate(Schema):
    """A new token for this workspace. It cannot have more permissions than the token that creates it."""

    model_config = example_config({"name": "night import", "scopes": ["read", "write"], "days": 30})

    name: str = Field(min_length=1, max_length=120, description="Name of the token.")
    scopes: list[ScopeName] = Field(min_length=1, max_length=20, description="Permissions of the token.")
    days: Annotated[StrictInt, Field(ge=1, le=366)] = Field(90, description="Number of days until it expires.")
    role: RoleName | None = Field(None, description="Highest role of the token. Null: the role of the creator.")


class ApiTokenCreated(ApiToken):
    """A token that was just created."""

    secret: str = Field(description="The token. It is returned only once and not stored: save it now.")


class ActivityEntry(Schema):
    """An action in the activity log."""

    id: int = Field(description="Increases over time.")
    at: datetime = Field(description=UTC_DESCRIPTION)
    actor: str = Field(description="Name of the person at that time.")
    actor_id: str | None = Field(description="ID of the person. Null if Kicau itself acted.")
    via: str = Field(description="page, api, cli or system.")
    act: str = Field(description="Action, for example delivery.scheduled.")
    subject: str = Field(description="ID of the affected object. Can be empty.")
    detail: dict[str, Any] = Field(description="Details, depending on the action.")


class ActivityPage(Page[ActivityEntry]):
    """A page of the activity log, newest first."""


class Invitation(Schema):
    """An invitation, without its link."""

    id: str = Field(description="Unique ID.")
    email: str = Field(description="E-mail address of the invited person.")
    role: RoleName = Field(description=ROLE_DESCRIPTION[0].upper() + ROLE_DESCRIPTION[1:])
    invited_by: PersonRef | None = Field(description="Who created it.")
    created_at: datetime = Field(description=UTC_DESCRIPTION)
    expires_at: datetime = Field(description=f"When it expires. {UTC_DESCRIPTION}")


class InvitationPage(Page[Invitation]):
    """A page of invitations, newest first."""


class InvitationCreate(Schema):
    """A person to invite, with or without an account."""

    model_config = example_config({"email": "rudi@kopisenja.example", "role": "editor"})

    email: str = Field(max_length=254, description="E-mail address that gets the link. Only this address can use it.")
    role: RoleName = Field(description=ROLE_DESCRIPTION[0].upper() + ROLE_DESCRIPTION[1:])
    show_link: StrictBool = Field(
        False,
        description="Return the link instead of mailing it. An account created with it has an unverified e-mail address.",
    )


class InvitationCreated(Invitation):
    """An invitation that was just created."""

    link: str | None = Field(description="The link. It is returned only once and not stored. Null if it was mailed.")
    mailed: bool = Field(description="Whether it was mailed. If not, send the link yourself.")
