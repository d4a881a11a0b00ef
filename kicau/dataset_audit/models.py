"""Audits that were begun in a workspace: what is searched for, where, how far it is, and what was found."""

from __future__ import annotations

from django.db import models

from kicau.base.clock import now
from kicau.base.ids import new_id
from kicau.workspaces.models import Person, Workspace


class AuditState(models.TextChoices):
    WAITING = "waiting", "waits for its turn"
    RUNNING = "running", "being searched"
    DONE = "done", "done"
    FAILED = "failed", "could not be searched"
    CANCELED = "canceled", "stopped"


class DatasetAudit(models.Model):
    """One search of a data set for this workspace's posts; its files lie in a folder of their own."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="audits")
    by = models.ForeignKey(Person, on_delete=models.SET_NULL, null=True)
    name = models.CharField(max_length=200)  # of the data set, as people know it
    query = models.JSONField(default=dict, blank=True)  # which posts: see archive.queries
    where = models.CharField(max_length=2000)  # what is searched: a path or address (see shards.find)
    control = models.CharField(max_length=2000, blank=True)  # data that cannot hold the posts
    is_uploaded = models.BooleanField(default=False)  # whether `where` is a folder of ours
    state = models.CharField(max_length=10, choices=AuditState.choices, default=AuditState.WAITING)
    problem = models.JSONField(default=dict, blank=True)  # why it failed: code, message, params
    posts = models.PositiveIntegerField(default=0)  # looked for
    expected = models.BigIntegerField(default=0)  # bytes of the shards as they lie there
    read = models.BigIntegerField(default=0)  # of these
    copies = models.PositiveIntegerField(default=0)  # found
    found = models.PositiveIntegerField(default=0)  # posts of which a copy was found
    summary = models.JSONField(default=dict, blank=True)  # the report (kicau.dataset_audit.report) without its findings
    bundle_sha256 = models.CharField(max_length=64, blank=True)  # of the bundle of evidence, once there is one
    not_stamped = models.JSONField(default=list, blank=True)  # why outsiders did not stamp it, a sentence each
    created_at = models.DateTimeField(default=now)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["workspace", "-id"], name="audit_newest"),
            models.Index(fields=["id"], name="audit_due", condition=models.Q(state__in=["waiting", "running"])),
        ]

    def __str__(self) -> str:
        return f"{self.name}: {self.state}"


class FoundPost(models.Model):
    """A post of which a copy was found, as it was looked for; without its text once it was taken back."""

    audit = models.ForeignKey(DatasetAudit, on_delete=models.CASCADE, related_name="sought")
    item = models.CharField(max_length=64)  # the archive's id of it
    text = models.TextField()
    taken_back_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["audit", "item"], name="one_text_each_item")]
        indexes = [models.Index(fields=["item"], name="sought_item", condition=models.Q(taken_back_at=None))]

    def __str__(self) -> str:
        return f"{self.item} in {self.audit_id}"


class FoundCopy(models.Model):
    """One place of the data set that holds a copy; the fields are those of a finding in the report."""

    audit = models.ForeignKey(DatasetAudit, on_delete=models.CASCADE, related_name="hits")
    posts = models.JSONField(default=list)  # ids of those that say these words
    kind = models.CharField(max_length=10)  # exact, normalised, near, partial
    format = models.CharField(max_length=10)  # of the shard
    shard = models.CharField(max_length=2000)
    first_byte = models.BigIntegerField()
    last_byte = models.BigIntegerField()
    place = models.JSONField(default=dict, blank=True)
    words = models.PositiveIntegerField()
    of_words = models.PositiveIntegerField()
    longest_run = models.PositiveIntegerField()
    bits = models.FloatField()
    raw = models.TextField()  # base64 of these bytes and those around them; "" once each of the posts was taken back
    raw_first_byte = models.BigIntegerField()

    class Meta:
        indexes = [models.Index(fields=["audit", "id"], name="hit_audit")]

    def __str__(self) -> str:
        return f"{self.kind} at {self.first_byte}"
