"""What somebody was told, what they chose to be told, letters on their way, and troubles of the instance."""

from __future__ import annotations

from django.db import models

from kicau.base.clock import now
from kicau.base.ids import new_id
from kicau.notifications.events import EmailFrequency
from kicau.workspaces.models import Person, Workspace


class Notification(models.Model):
    """One thing that one person is told. Until it is read, more of the same (`gather`) raises its count."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="notices")
    workspace = models.ForeignKey(
        Workspace, on_delete=models.CASCADE, null=True, related_name="+"
    )  # None: the instance
    event = models.CharField(max_length=40)
    gather = models.CharField(max_length=120)
    page = models.CharField(max_length=500, blank=True)  # path of the page that it is about
    details = models.JSONField(default=dict, blank=True)  # what fills the places of its sentence
    count = models.PositiveIntegerField(default=1)
    in_page = models.BooleanField(default=True)
    at = models.DateTimeField(default=now)  # when it last happened
    read_at = models.DateTimeField(null=True)
    mail_at = models.DateTimeField(null=True)  # when it is due by e-mail; None: it is not, or was sent
    mailed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["person", "workspace", "event", "gather"],
                name="one_unread_notice_each",
                condition=models.Q(read_at=None),
                nulls_distinct=False,
            )
        ]
        indexes = [
            models.Index(fields=["person", "-at", "-id"], name="notice_list", condition=models.Q(in_page=True)),
            models.Index(fields=["mail_at"], name="notice_mail", condition=models.Q(mail_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.event} for {self.person_id}"


class NotificationChoice(models.Model):
    """How a person wants to hear of an event; without one, as the event says."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="choices")
    event = models.CharField(max_length=40)
    in_page = models.BooleanField()
    mail = models.CharField(max_length=8, choices=EmailFrequency.choices)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["person", "event"], name="one_choice_each_event")]

    def __str__(self) -> str:
        return f"{self.event}: {self.mail}"


class DigestHour(models.Model):
    """At which hour of their own day a person gets their digest; without one, at eight."""

    person = models.OneToOneField(Person, on_delete=models.CASCADE, primary_key=True, related_name="digest_hour")
    hour = models.PositiveSmallIntegerField()

    def __str__(self) -> str:
        return f"{self.hour}:00"


class Email(models.Model):
    """One e-mail, kept until the mail server took it or it was given up."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    address = models.EmailField()
    subject = models.CharField(max_length=300)
    text = models.TextField()
    html = models.TextField(blank=True)
    headers = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(default=now)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_at = models.DateTimeField(default=now)
    sent_at = models.DateTimeField(null=True)
    given_up_at = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=300, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["next_at"], name="letter_due", condition=models.Q(sent_at=None, given_up_at=None))
        ]

    def __str__(self) -> str:
        return f"{self.subject} to {self.address}"


class InstanceProblem(models.Model):
    """Something that keeps the instance from its work: told once when it begins, and once when it is over."""

    key = models.CharField(max_length=160)  # "late", "worker:host-4", "channel:…"
    kind = models.CharField(max_length=40)
    details = models.JSONField(default=dict, blank=True)
    began_at = models.DateTimeField(default=now)
    seen_at = models.DateTimeField(default=now)  # last
    over_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["key"], name="one_open_trouble_each", condition=models.Q(over_at=None))
        ]
        indexes = [models.Index(fields=["-began_at"], name="trouble_list")]

    def __str__(self) -> str:
        return self.key


class Alert(models.Model):
    """One message to the operator's own address for alerts (KICAU_ALERT_WEBHOOK), kept until it was taken or given up."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    payload = models.JSONField()
    created_at = models.DateTimeField(default=now)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_at = models.DateTimeField(default=now)
    sent_at = models.DateTimeField(null=True)
    given_up_at = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=300, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["next_at"], name="alert_due", condition=models.Q(sent_at=None, given_up_at=None))
        ]

    def __str__(self) -> str:
        return str(self.payload.get("text", ""))
