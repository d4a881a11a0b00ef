"""What was left, when and why; what was frozen for it, and what it was before; and the long work around it."""

from __future__ import annotations

from uuid import UUID

from django.db import models
from django.db.models import Q

from kicau.base.clock import now
from kicau.base.ids import new_id
from kicau.channels.models import Channel, NetworkApp
from kicau.publishing.models import Delivery
from kicau.workspaces.models import Person, Workspace


class OffboardingCause(models.TextChoices):
    CHOICE = "choice", "someone's decision"
    NETWORK = "network", "announced by the network"
    REFUSED = "refused", "the network shut its door"
    DISCONNECTED = "disconnected", "the channel was disconnected"
    LOST = "lost", "the channel's permission had ended"


class OffboardingState(models.TextChoices):
    PROPOSED = "proposed", "frozen; a person decides"
    ANNOUNCED = "announced", "has a date"
    OFFBOARDED = "offboarded", "in effect"
    RESUMED = "resumed", "publishing was resumed"
    CANCELED = "canceled", "canceled before publishing stopped"


OPEN_STATES = (OffboardingState.PROPOSED, OffboardingState.ANNOUNCED, OffboardingState.OFFBOARDED)
FROZEN_STATES = (OffboardingState.PROPOSED, OffboardingState.OFFBOARDED)  # its channels take nothing


class Offboarding(models.Model):
    """A workspace leaves a network (or one app of it, or one channel). One row a workspace, also where the operator
    leaves for all of them: `decision_id` then joins the rows."""

    workspace_id: UUID
    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="offboardings")
    network = models.CharField(max_length=40)
    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, null=True, related_name="offboardings")  # only this
    app = models.ForeignKey(NetworkApp, on_delete=models.SET_NULL, null=True, related_name="+")  # only its channels
    host = models.CharField(max_length=200, blank=True)  # only this server, where the network is many
    state = models.CharField(max_length=10, choices=OffboardingState.choices)
    cause = models.CharField(max_length=12, choices=OffboardingCause.choices, default=OffboardingCause.CHOICE)
    reason = models.CharField(max_length=500, blank=True)  # in the words of whoever decided
    evidence = models.JSONField(default=dict, blank=True)  # of a door that was shut: see recognition.py
    decision_id = models.UUIDField(null=True)  # the same for all workspaces of one decision
    by_operator = models.BooleanField(default=False)  # only the operator takes it back
    effective_at = models.DateTimeField()
    announced_at = models.DateTimeField(default=now)
    announced_by = models.ForeignKey(Person, on_delete=models.SET_NULL, null=True, related_name="+")
    offboarded_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)  # resumed or canceled
    ended_by = models.ForeignKey(Person, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "network", "channel", "app", "host"],
                name="one_open_offboarding_each",
                condition=Q(state__in=["proposed", "announced", "offboarded"]),
                nulls_distinct=False,
            )
        ]
        indexes = [
            models.Index(fields=["workspace", "-announced_at"], name="offboarding_workspace"),
            models.Index(fields=["effective_at"], name="offboarding_due", condition=Q(state="announced")),
        ]

    def __str__(self) -> str:
        return f"{self.network}: {self.state}"


class ClosedChannel(models.Model):
    """A channel that an offboarding closed, and what it was before."""

    channel_id: UUID
    offboarding = models.ForeignKey(Offboarding, on_delete=models.CASCADE, related_name="closed_channels")
    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="+")
    was_state = models.CharField(max_length=10)
    was_reason = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["offboarding", "channel"], name="left_once")]

    def __str__(self) -> str:
        return f"{self.channel} was {self.was_state}"


class FrozenDelivery(models.Model):
    """A delivery that was stopped, and what it was before."""

    offboarding = models.ForeignKey(Offboarding, on_delete=models.CASCADE, related_name="frozen_deliveries")
    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="+")
    was_state = models.CharField(max_length=10)
    was_hold = models.CharField(max_length=12, blank=True)
    was_reason = models.TextField(blank=True)
    was_said = models.JSONField(default=list, blank=True)  # how that sentence was made
    frozen_at = models.DateTimeField(default=now)
    ended_at = models.DateTimeField(null=True)  # restored, or handed to a person because its time had passed

    class Meta:
        constraints = [models.UniqueConstraint(fields=["offboarding", "delivery"], name="frozen_once")]

    def __str__(self) -> str:
        return f"{self.delivery_id} was {self.was_state}"


class Replacement(models.Model):
    """A delivery that was made in another's place."""

    frozen = models.ForeignKey(FrozenDelivery, on_delete=models.CASCADE, related_name="replacements")
    delivery = models.OneToOneField(Delivery, on_delete=models.CASCADE, related_name="+")
    made_at = models.DateTimeField(default=now)

    def __str__(self) -> str:
        return f"{self.delivery_id} for {self.frozen_id}"


class OffboardingJobKind(models.TextChoices):
    EXPORT = "export", "export"
    RETARGET = "retarget", "new targets"


class OffboardingJobState(models.TextChoices):
    WAITING = "waiting", "waits for a worker"
    WORKING = "working", "under way"
    DONE = "done", "done"
    FAILED = "failed", "failed"


class OffboardingJob(models.Model):
    """Long work with its progress. A worker that dies leaves it to the next, which goes on."""

    workspace_id: UUID
    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+")
    offboarding = models.ForeignKey(Offboarding, on_delete=models.CASCADE, related_name="jobs")
    kind = models.CharField(max_length=10, choices=OffboardingJobKind.choices)
    state = models.CharField(max_length=10, choices=OffboardingJobState.choices, default=OffboardingJobState.WAITING)
    parameters = models.JSONField(default=dict, blank=True)  # what was asked for
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    result = models.JSONField(default=dict, blank=True)
    sentence = models.TextField(blank=True)  # why it failed
    requested_by = models.ForeignKey(Person, on_delete=models.SET_NULL, null=True, related_name="+")
    via = models.CharField(max_length=20, default="page")
    requested_at = models.DateTimeField(default=now)
    lease_until = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["requested_at"], name="offboarding_job_due", condition=Q(state__in=["waiting", "working"])
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind}: {self.state}"

    @property
    def percent(self) -> int:
        return (
            100
            if self.state == OffboardingJobState.DONE
            else min(99, self.done * 100 // self.total)
            if self.total
            else 0
        )
