"""Origin and permission, carried by every post, part and medium from its first day; and who did what."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import models

from kicau.base.clock import now
from kicau.base.errors import unacceptable

#: What an item may be used for. Each is allow, deny or conditional; not listed means unknown, and unknown is not exported.
USES = ("train_gen", "train_other", "ground", "embed", "synthesise", "search", "redistribute", "archive")
VALUES = ("allow", "deny", "conditional")


class Origin(models.TextChoices):
    COMPOSED = "composed", "written here"
    IMPORTED = "imported", "from its owner's own archive or file"
    FETCHED = "fetched", "read from a network"
    RECEIVED = "received", "sent by somebody else"
    GENERATED = "generated", "made by a model"


def checked_ai_use(value: Mapping[str, str]) -> dict[str, str]:
    """The permissions, each use and value known. Raises Unacceptable."""
    for use, said in value.items():
        if use not in USES:
            raise unacceptable(
                f"ai_use.{use}", "There is no use {use!r}; the uses are: {uses}.", use=use, uses=", ".join(USES)
            )
        if said not in VALUES:
            raise unacceptable(f"ai_use.{use}", "A use is allow, deny or conditional, not {said!r}.", said=said)
    return dict(value)


class Provenance(models.Model):
    """Mixin: where an item came from, and what it may be used for."""

    origin = models.CharField(max_length=12, choices=Origin.choices, default=Origin.COMPOSED)
    origin_detail = models.CharField(max_length=500, blank=True)  # a file's name and row, an address, a model's name
    ai_use = models.JSONField(default=dict, blank=True)  # {use: value}; see USES

    class Meta:
        abstract = True


class AuditEntry(models.Model):
    """One act, for ever. Holds names beside ids, so that it still reads when what it tells of is gone."""

    workspace_id = models.UUIDField(null=True)  # no foreign key: the trail outlives its workspace
    at = models.DateTimeField(default=now)
    actor_id = models.UUIDField(null=True)
    actor = models.CharField(max_length=200)
    via = models.CharField(max_length=20)  # page, api, cli, system
    act = models.CharField(max_length=60)  # "delivery.scheduled"
    subject = models.CharField(max_length=60, blank=True)  # the object's id
    detail = models.JSONField(default=dict, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["workspace_id", "-id"], name="audit_workspace"),
            models.Index(fields=["subject"], name="audit_subject"),
        ]
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.actor}: {self.act} {self.subject}"
