"""Apps (the operator's registrations), channels, and sign-ins that are under way."""

from __future__ import annotations

from datetime import datetime

from django.db import models

from kicau.base.clock import now
from kicau.base.encrypted_fields import EncryptedJSONField
from kicau.base.ids import new_id
from kicau.workspaces.models import Person, Workspace


class NetworkApp(models.Model):
    """The operator's keys for one network; several may stand side by side (a sandbox, a second registration)."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    network = models.CharField(max_length=40)
    name = models.CharField(max_length=80, default="default")
    client_id = models.CharField(max_length=300)
    client_secret = EncryptedJSONField()
    endpoints = models.JSONField(default=dict, blank=True)  # base URLs that replace the connector's own
    tier = models.CharField(max_length=40, blank=True)
    plan = models.CharField(max_length=40, blank=True)  # name of a price list; "" the newest
    is_sandbox = models.BooleanField(default=False)
    paused_until = models.DateTimeField(null=True)  # the network asked the whole app to wait
    sync_paused_until = models.DateTimeField(null=True)  # until then nothing is read: its allowance is nearly used up
    offboarded_at = models.DateTimeField(
        null=True
    )  # from when on the operator has left the network with it: nothing new is connected
    created_at = models.DateTimeField(default=now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["network", "name"], name="one_app_each_name")]

    def __str__(self) -> str:
        return f"{self.network} ({self.name})"


class ChannelState(models.TextChoices):
    ACTIVE = "active", "active"
    EXPIRED = "expired", "wants a reconnect"
    HELD = "held", "waits for a budget"
    REMOVED = "removed", "disconnected"
    OFFBOARDED = "offboarded", "its network was offboarded"


class Channel(models.Model):
    """One connected identity. Never deleted: what was published through it stays told."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="channels")
    network = models.CharField(max_length=40)
    app = models.ForeignKey(NetworkApp, on_delete=models.PROTECT, related_name="channels")
    key = models.SlugField(max_length=80)  # what people type: "x-kopisenja"
    account_id = models.CharField(max_length=200)
    handle = models.CharField(max_length=200)
    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=20, default="person")
    host = models.CharField(max_length=200, blank=True)
    url = models.URLField(max_length=500, blank=True)
    credentials = EncryptedJSONField()
    token_expires_at = models.DateTimeField(null=True)
    refresh_at = models.DateTimeField(null=True)  # when the credentials are renewed, well ahead
    renewal_problem = models.TextField(
        blank=True, default=""
    )  # the sentence: which budget has no room for renewing them
    renewal_said = models.JSONField(default=list, blank=True)  # how that sentence was made
    capabilities = models.JSONField(default=dict, blank=True)  # wire form; {} before the first asking
    capabilities_at = models.DateTimeField(null=True)
    capabilities_delayed_until = models.DateTimeField(null=True)  # UTC; it is not asked before then what it can do
    capabilities_delay_reason = models.TextField(blank=True, default="")  # the sentence: a budget has no room, say
    asks_said = models.JSONField(default=list, blank=True)  # how that sentence was made, to tell it in other languages
    answered_at = models.DateTimeField(null=True)  # when its network last let us read something with it
    state = models.CharField(max_length=10, choices=ChannelState.choices, default=ChannelState.ACTIVE)
    reason = models.CharField(max_length=500, blank=True)  # why it is not active, in a sentence
    is_paused = models.BooleanField(default=False)  # by a person
    paused_until = models.DateTimeField(null=True)  # by the network's limits
    sync_paused_until = models.DateTimeField(null=True)  # until then nothing is read: its allowance is nearly used up
    leaves_at = models.DateTimeField(null=True)  # from when on nothing is sent: its network is left then, as announced
    version = models.PositiveIntegerField(default=1)  # raised with every change that a live session must see
    connected_by = models.ForeignKey(Person, on_delete=models.SET_NULL, null=True)
    connected_at = models.DateTimeField(default=now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["workspace", "key"], name="one_channel_each_key"),
            models.UniqueConstraint(
                fields=["workspace", "network", "host", "account_id"], name="one_channel_each_identity"
            ),
        ]
        indexes = [
            models.Index(
                fields=["refresh_at"], name="channel_refresh", condition=models.Q(state__in=["active", "held"])
            )
        ]

    def __str__(self) -> str:
        return f"{self.name} on {self.network}"

    @property
    def reads_later(self) -> datetime | None:
        """The later of its own and its app's `sync_paused_until`."""
        return max((at for at in (self.sync_paused_until, self.app.sync_paused_until) if at), default=None)


class AppRefusal(models.Model):
    """A network refused the app itself: not the post, the permission or the moment. Evidence, kept for weeks."""

    at = models.DateTimeField(default=now)
    network = models.CharField(max_length=40)
    app = models.ForeignKey(NetworkApp, on_delete=models.CASCADE, related_name="+")
    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="+")
    code = models.CharField(max_length=60)
    said = models.CharField(max_length=500, blank=True)
    over = models.DurationField()  # for how long nothing else may be heard before it counts

    class Meta:
        indexes = [models.Index(fields=["network", "app", "at"], name="refusal_app")]

    def __str__(self) -> str:
        return f"{self.network}: {self.code}"


class PendingSignIn(models.Model):
    """A person on their way to a network and back; used once, gone after an hour."""

    state = models.CharField(max_length=100, primary_key=True)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE)
    person = models.ForeignKey(Person, on_delete=models.CASCADE, null=True)
    app = models.ForeignKey(NetworkApp, on_delete=models.CASCADE)
    memory = EncryptedJSONField()
    found = EncryptedJSONField(null=True)  # identities to choose among, after the return
    created_at = models.DateTimeField(default=now)

    def __str__(self) -> str:
        return f"sign-in to {self.app}"


class Revocation(models.Model):
    """Credentials that are no longer used here, until their network has ended them. It outlives channel and workspace."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace_id = models.UUIDField()
    channel_id = models.UUIDField()
    network = models.CharField(max_length=40)
    app = models.ForeignKey(NetworkApp, on_delete=models.CASCADE, related_name="+")
    account_id = models.CharField(max_length=200)
    handle = models.CharField(max_length=200)
    kind = models.CharField(max_length=20)
    host = models.CharField(max_length=200, blank=True)
    credentials = EncryptedJSONField()
    created_at = models.DateTimeField(default=now)
    next_at = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)

    class Meta:
        indexes = [models.Index(fields=["network", "next_at"], name="revocation_due")]

    def __str__(self) -> str:
        return f"{self.handle} on {self.network}"


class Slot(models.Model):
    """A weekly time at which a channel's queue publishes, in the slot's own zone."""

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="slots")
    weekday = models.PositiveSmallIntegerField()  # Monday 0
    time = models.TimeField()
    timezone = models.CharField(max_length=64)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["channel", "weekday", "time"], name="one_slot_each_time")]
        ordering = ["weekday", "time"]

    def __str__(self) -> str:
        return f"{self.channel}: {self.weekday} {self.time} {self.timezone}"
