"""The end of an account or of a workspace."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from kicau.api.schemas.base import UTC_DESCRIPTION, Schema, example_config


class PersonData(Schema):
    """All data about a person, without secrets."""

    exported_at: datetime = Field(description=UTC_DESCRIPTION)
    person: dict[str, Any] = Field(description="The account.")
    data: dict[str, list[dict[str, Any]]] = Field(description="All records that name the person, by kind.")


class PersonErasure(Schema):
    """Confirmation for erasing the account."""

    model_config = example_config({"confirmation": "rudi@kopisenja.example"})

    confirmation: str = Field(max_length=254, description="The account's e-mail address.")


class WorkspaceDeletion(Schema):
    """Confirmation for deleting the workspace."""

    model_config = example_config({"confirmation": "Kopi Senja"})

    confirmation: str = Field(max_length=120, description="The workspace's name.")


class WorkspaceDeleted(Schema):
    """The deleted workspace."""

    removed: dict[str, int] = Field(description="Number of deleted records, by kind.")
