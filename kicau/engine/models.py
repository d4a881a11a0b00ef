"""Workers, as they tell of themselves; health reads it."""

from __future__ import annotations

from django.db import models

from kicau.base.clock import now


class Heartbeat(models.Model):
    """One running worker; silent for longer than SILENT means that it is gone."""

    worker = models.CharField(max_length=80, primary_key=True)
    started_at = models.DateTimeField(default=now)
    at = models.DateTimeField(default=now)
    in_flight = models.PositiveIntegerField(default=0)
    steps = models.PositiveBigIntegerField(default=0)

    def __str__(self) -> str:
        return self.worker
