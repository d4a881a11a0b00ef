"""The end of an account or of a workspace."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from kicau.api.schemas.base import UTC_DESCRIPTION, Schema, example_config


class PersonData(Schema):
    """Everything that Kicau has about a person, without secrets."""

    exported_at: datetime = Field(description=UTC_DESCRIPTION)
    person: dict[str, Any] = Field(description="The account itself.")
    data: dict[str, list[dict[str, Any]]] = Field(description="By kind, each row that names the person.")


class PersonErasure(Schema):
    """What shows that an account shall really be erased."""

    model_config = example_config({"confirmation": "rudi@kopisenja.example"})

    confirmation: str = Field(max_length=254, description="The account's e-mail address.")


class WorkspaceDeletion(Schema):
    """What shows that the workspace shall really be deleted."""

    model_config = example_config({"confirmation": "Kopi Senja"})

    confirmation: str = Field(max_length=120, description="The workspace's name.")


class WorkspaceDeleted(Schema):
    """A workspace that was deleted just now."""

    removed: dict[str, int] = Field(description="How many rows of each kind were deleted.")
