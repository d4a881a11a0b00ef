"""Where reading goes on in each channel (Standing), what it brought (Post and Reading, Answer), and whether it may (Choice)."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.db import models
from django.db.models import Q

from kicau.base.clock import now
from kicau.base.encrypted_fields import EncryptedJSONField
from kicau.base.ids import new_id
from kicau.channels.models import Channel, NetworkApp
from kicau.publishing.models import Delivery, Draft
from kicau.workspaces.models import Person, Workspace


class SyncChoice(models.Model):
    """What somebody decided: whether a workspace reads on a network. Without one, it does where reading costs nothing."""

    workspace_id: UUID
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+")
    network = models.CharField(max_length=40)
    reads = models.BooleanField()
    person = models.ForeignKey(Person, on_delete=models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField(default=now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["workspace", "network"], name="one_choice_each_network")]

    def __str__(self) -> str:
        return f"{self.network}: {'reads' if self.reads else 'does not read'}"


class LeasedRow(models.Model):
    """A row that one worker reads for at a time. What was set aside for a reading is held by its lease."""

    lease = models.UUIDField(null=True)
    leased_until = models.DateTimeField(null=True)  # UTC; whoever comes later takes it over

    class Meta:
        abstract = True


class SyncProgress(LeasedRow):
    """How far the answers of a channel were read, and when they are next."""

    channel_id: UUID
    channel = models.OneToOneField(Channel, on_delete=models.CASCADE, primary_key=True, related_name="+")
    cursor = models.TextField(blank=True)  # the connector's own; "" before the first reading
    read_at = models.DateTimeField(null=True)  # UTC; the last reading that was answered
    next_at = models.DateTimeField()
    fruitless = models.PositiveIntegerField(default=0)  # tries in a row that the network did not answer
    reason = models.TextField(blank=True)  # why nothing was read last time, in a sentence
    said = models.JSONField(default=list, blank=True)  # how that sentence was made, to tell it in other languages
    is_renewed = models.BooleanField(default=False)  # its token was refused last time, and renewed

    class Meta:
        indexes = [models.Index(fields=["next_at"], name="standing_next")]

    def __str__(self) -> str:
        return f"{self.channel_id}, next at {self.next_at}"


class PostMetrics(LeasedRow):
    """A published post (each part of a thread is one) and its numbers as they were last read."""

    channel_id: UUID
    delivery_id: UUID
    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="+", db_index=False)
    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="numbered")
    remote_id = models.CharField(max_length=300)
    position = models.PositiveSmallIntegerField(default=0)  # of the part, from 0
    published_at = models.DateTimeField()
    values = models.JSONField(default=dict)  # by the network's names of them
    read_at = models.DateTimeField(null=True)  # UTC
    next_at = models.DateTimeField(null=True)  # None: no more
    gone_at = models.DateTimeField(null=True)  # since when the network has it no more
    lost_at = models.DateTimeField(null=True)  # of a reading whose answer was lost, until one shows what was billed

    class Meta:
        constraints = [models.UniqueConstraint(fields=["channel", "remote_id"], name="one_post_each_remote_id")]
        indexes = [models.Index(fields=["channel", "next_at"], name="post_next", condition=Q(next_at__isnull=False))]

    def __str__(self) -> str:
        return self.remote_id


class MetricsChange(models.Model):
    """What had changed in a post's numbers when they were read; one that found all as it was leaves no row."""

    post = models.ForeignKey(PostMetrics, on_delete=models.CASCADE, related_name="readings")
    at = models.DateTimeField()
    values = models.JSONField()  # only those that had changed

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.post_id} at {self.at}"


class Comment(models.Model):
    """Somebody's words to a channel: an answer to a post of its, or a mention. See the room's own docstring."""

    channel_id: UUID
    delivery_id: UUID | None
    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="+", db_index=False)
    delivery = models.ForeignKey(Delivery, on_delete=models.SET_NULL, null=True, related_name="answers")
    remote_id = models.CharField(max_length=300)
    author = models.CharField(max_length=300, blank=True)  # the network's id
    handle = models.CharField(max_length=300, blank=True, default="")  # of who wrote it, without @; "" where not told
    name = models.CharField(
        max_length=300, blank=True, default=""
    )  # of who wrote it, as readers see it; "" where not told
    url = models.CharField(max_length=1000, blank=True, default="")  # where readers see it; "" where not known
    begins = models.CharField(max_length=310, blank=True, default="")  # what a reply begins with, to reach its author
    is_answerable = models.BooleanField(default=True)  # False: nowhere but in the network's own app
    text = models.TextField(blank=True)
    at = models.DateTimeField()  # UTC
    fetched_at = models.DateTimeField(default=now)
    raw = models.JSONField(default=dict, blank=True)  # what the network gave
    reply = models.ForeignKey(Draft, on_delete=models.SET_NULL, null=True, related_name="+")  # begun from the answer
    answered_by = models.ForeignKey(Delivery, on_delete=models.SET_NULL, null=True, related_name="+", db_index=False)
    answered_at = models.DateTimeField(null=True)  # UTC; when a post of ours that answers it went out
    done_at = models.DateTimeField(null=True)  # UTC; somebody marked it as done
    done_by = models.ForeignKey(Person, on_delete=models.SET_NULL, null=True, related_name="+", db_index=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["channel", "remote_id"], name="one_answer_each_remote_id")]
        indexes = [
            models.Index(fields=["channel", "at", "id"], name="answer_newest"),
            models.Index(
                fields=["channel", "at", "id"], name="answer_waits", condition=Q(done_at=None, answered_at=None)
            ),
        ]

    def __str__(self) -> str:
        return self.text[:60]


class WebhookChoice(models.Model):
    """What somebody decided: whether a workspace is told by a network's webhooks. Without one, it is not."""

    workspace_id: UUID
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+")
    network = models.CharField(max_length=40)
    is_on = models.BooleanField()
    person = models.ForeignKey(Person, on_delete=models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField(default=now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["workspace", "network"], name="one_listening_each_network")]

    def __str__(self) -> str:
        return f"{self.network}: {'is told' if self.is_on else 'is not told'}"


class WebhookSubscription(LeasedRow):
    """A channel of which its network tells, or is to tell."""

    channel_id: UUID
    channel = models.OneToOneField(Channel, on_delete=models.CASCADE, primary_key=True, related_name="+")
    is_wanted = models.BooleanField(default=True)  # else it is to be taken back
    parting = EncryptedJSONField(null=True)  # the permission of a channel that was disconnected, until that is done
    parted_at = models.DateTimeField(null=True)  # UTC; when it was
    made_at = models.DateTimeField(null=True)  # UTC; since when the network tells
    told_at = models.DateTimeField(null=True)  # of the last webhook; None: none came yet, or one stayed away
    told = models.PositiveIntegerField(default=0)  # what came so far
    next_at = models.DateTimeField(null=True)  # when the network is asked for it (again)
    fruitless = models.PositiveIntegerField(default=0)  # tries in a row that failed
    reason = models.TextField(blank=True)  # why it is not told, in a sentence
    said = models.JSONField(default=list, blank=True)  # how that sentence was made

    class Meta:
        indexes = [models.Index(fields=["next_at"], name="subscription_next", condition=Q(next_at__isnull=False))]

    def __str__(self) -> str:
        return f"{self.channel_id}, told since {self.made_at}"

    def is_told(self, silent: timedelta, now: datetime) -> bool:
        """Whether webhooks come in for it: the last one is no longer ago than `silent`."""
        return bool(self.is_wanted and self.made_at and self.told_at and now - self.told_at < silent)


class IncomingWebhook(models.Model):
    """A body that a network posted and signed, kept before it is worked on. Once it is, its words are forgotten and
    what it was is kept for some days, so that the same one, sent again, is known."""

    app_id: UUID
    app = models.ForeignKey(NetworkApp, on_delete=models.CASCADE, related_name="+")
    digest = models.CharField(max_length=64)  # SHA-256 of the body
    body = models.BinaryField()
    at = models.DateTimeField(default=now)
    taken_at = models.DateTimeField(null=True)  # UTC; when it was worked on
    told = models.PositiveIntegerField(default=0)  # happenings in channels of ours
    ignored = models.PositiveIntegerField(default=0)  # of accounts that nobody here is told of, or unreadable

    class Meta:
        constraints = [models.UniqueConstraint(fields=["app", "digest"], name="one_webhook_each_body")]
        indexes = [
            models.Index(fields=["id"], name="webhook_waiting", condition=Q(taken_at__isnull=True)),
            models.Index(fields=["at"], name="webhook_at"),
        ]

    def __str__(self) -> str:
        return f"{self.app_id} at {self.at}"


class CommentReference(LeasedRow):
    """Somebody's words of which a webhook told an id alone: they are read by it, once, paid for as answers are."""

    channel_id: UUID
    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="+", db_index=False)
    named = models.CharField(max_length=300)
    at = models.DateTimeField(default=now)
    next_at = models.DateTimeField(null=True, default=now)  # when it is read; None: it was, or is gone
    fruitless = models.PositiveIntegerField(default=0)  # tries in a row that failed

    class Meta:
        constraints = [models.UniqueConstraint(fields=["channel", "named"], name="named_once")]
        indexes = [models.Index(fields=["next_at"], name="named_next", condition=Q(next_at__isnull=False))]

    def __str__(self) -> str:
        return f"{self.named} in {self.channel_id}"


class CommentTimestamp(models.Model):
    """When, by the network's clock, a webhook last told of an answer: what comes late changes nothing any more."""

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="+", db_index=False)
    remote_id = models.CharField(max_length=300)
    at = models.DateTimeField()
    is_gone = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["channel", "remote_id"], name="told_each_remote_id")]
        indexes = [models.Index(fields=["at"], name="told_at")]

    def __str__(self) -> str:
        return self.remote_id
