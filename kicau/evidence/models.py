"""The log's leaves, its checkpoints, and the salts whose deletion makes a leaf say nothing."""

from __future__ import annotations

from django.db import models

from kicau.base.clock import now
from kicau.base.encrypted_fields import EncryptedJSONField
from kicau.base.ids import new_id


class SigningKey(models.Model):
    """The instance's own key, made at its first use; an older one still tells who signed then."""

    name = models.CharField(max_length=200)  # also the log's origin
    public = models.BinaryField(unique=True)  # 32 bytes, Ed25519
    private = EncryptedJSONField()  # base64 of 32 bytes
    made_at = models.DateTimeField(default=now)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.name


class Leaf(models.Model):
    """One entry: a salted commitment to something, which the log itself does not hold. Never changed, never deleted."""

    index = models.BigIntegerField(primary_key=True)  # 0, 1, 2 … without a gap
    hash = models.BinaryField()  # RFC 6962's leaf hash, 32 bytes
    workspace_id = models.UUIDField(null=True)
    kind = models.CharField(max_length=20)  # post, report, set, retraction, canary
    ref = models.CharField(max_length=200, blank=True)  # of what: an id that means nothing outside
    at = models.DateTimeField(default=now)

    class Meta:
        indexes = [models.Index(fields=["kind", "ref"], name="leaf_of")]

    def __str__(self) -> str:
        return f"{self.index}: {self.kind}"


class Salt(models.Model):
    """What ties a leaf to its item. Deleted when the item is forgotten: the proofs of all others hold all the same."""

    leaf = models.OneToOneField(Leaf, on_delete=models.CASCADE, primary_key=True)
    salt = models.BinaryField()  # 32 random bytes

    def __str__(self) -> str:
        return f"of {self.leaf_id}"


class Tile(models.Model):
    """The root over 256 leaves that are complete."""

    number = models.BigIntegerField(primary_key=True)
    root = models.BinaryField()

    def __str__(self) -> str:
        return str(self.number)


class SignedCheckpoint(models.Model):
    """The log at one time, signed by us and, where the operator allows it, by time-stampers and witnesses."""

    size = models.BigIntegerField()
    root = models.BinaryField()
    note = models.TextField()
    anchors = models.JSONField(default=list, blank=True)  # [{kind, by, at, …}]; see anchors.py
    at = models.DateTimeField(default=now)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.size} at {self.at:%Y-%m-%d %H:%M}"


class WitnessedCheckpoint(models.Model):
    """The newest checkpoint of another's log that this instance co-signed."""

    origin = models.CharField(max_length=200, unique=True)
    size = models.BigIntegerField(default=0)
    root = models.BinaryField(default=bytes)
    note = models.TextField(blank=True)
    at = models.DateTimeField(default=now)

    def __str__(self) -> str:
        return f"{self.origin}: {self.size}"


class Canary(models.Model):
    """Sentences of which one is published; all are in the log, by commitments."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace_id = models.UUIDField()
    name = models.CharField(max_length=120)
    candidates = EncryptedJSONField()  # list of texts, in the order in which they were drawn
    chosen = models.PositiveIntegerField()  # place of the published one
    first_leaf = models.BigIntegerField()  # of the candidates; the choice is in the next
    tests = models.PositiveIntegerField(default=0)  # how often a model's scores were held against it
    registered_at = models.DateTimeField(default=now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["workspace_id", "name"], name="one_canary_each_name")]
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.name


class CanaryTest(models.Model):
    """One model's scores held against a canary: the report, from which its evidence can be made at any time."""

    canary = models.ForeignKey(Canary, on_delete=models.CASCADE, related_name="held")
    number = models.PositiveIntegerField()  # of the canary's tests, from 1
    report = EncryptedJSONField()  # see kicau.dataset_audit.canaries.score_canary
    made_at = models.DateTimeField(default=now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["canary", "number"], name="one_report_each_test")]
        ordering = ["-number"]

    def __str__(self) -> str:
        return f"{self.canary_id}: {self.number}"
