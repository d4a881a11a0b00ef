"""What the API answered to requests that may be repeated."""

from __future__ import annotations

from datetime import timedelta

from django.db import models

from kicau.base import clock
from kicau.base.encrypted_fields import EncryptedJSONField

RESPONSE_LIFETIME = timedelta(hours=24)  # how long an answer is promised


class IdempotentResponse(models.Model):
    """What a request with an Idempotency-Key was answered, so that its repetition does nothing and gets the same."""

    token_id = models.UUIDField()
    workspace_id = models.UUIDField()
    key = models.CharField(max_length=200)
    fingerprint = models.CharField(max_length=64)  # SHA-256 of method, address and body
    status = models.PositiveSmallIntegerField(default=0)  # 0 while under way
    headers = models.JSONField(default=dict)
    body = EncryptedJSONField(null=True)  # sealed: it may hold a secret that is shown once
    at = models.DateTimeField(default=clock.now)
    under_way_until = models.DateTimeField(null=True)  # of a request that asks outside; others hold a transaction open

    class Meta:
        constraints = [models.UniqueConstraint(fields=["token_id", "workspace_id", "key"], name="one_answer_each_key")]
        indexes = [models.Index(fields=["at"], name="answer_age")]

    def __str__(self) -> str:
        return f"{self.key}: {self.status}"


def delete_expired_responses() -> int:
    """Delete the responses that are older than RESPONSE_LIFETIME; returns how many."""
    return IdempotentResponse.objects.filter(at__lt=clock.now() - RESPONSE_LIFETIME).delete()[0]
