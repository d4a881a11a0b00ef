"""The ledger: one row for each call that used something up."""

from __future__ import annotations

from django.db import models

from kicau.base.clock import now


class Purpose(models.TextChoices):
    PUBLISH = "publish", "publishing"
    FIND = "find", "looking up what happened"
    CONNECT = "connect", "connecting a channel"
    REFRESH = "refresh", "keeping a channel alive"
    READ = "read", "reading"
    WITHDRAW = "withdraw", "deleting a published post"


class Charge(models.Model):
    """Units of a network's meter that one call used, and their price at that moment."""

    at = models.DateTimeField(default=now)
    workspace_id = models.UUIDField()  # plain ids: the ledger outlives what it tells of, and is written in bulk
    channel_id = models.UUIDField(null=True)
    delivery_id = models.UUIDField(null=True)
    app_id = models.UUIDField(null=True)
    network = models.CharField(max_length=40)
    meter = models.CharField(max_length=60)
    units = models.IntegerField()
    micro = models.BigIntegerField(default=0)  # micro-units of `currency`
    currency = models.CharField(max_length=3, blank=True)
    purpose = models.CharField(max_length=12, choices=Purpose.choices)

    class Meta:
        indexes = [
            models.Index(fields=["workspace_id", "at"], name="charge_workspace"),
            models.Index(fields=["app_id", "at"], name="charge_app"),
        ]

    def __str__(self) -> str:
        return f"{self.network} {self.meter} x{self.units}"
