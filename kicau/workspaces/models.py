"""Who may do what, where."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any, ClassVar, Self

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.fields import ArrayField
from django.contrib.sessions.base_session import AbstractBaseSession
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models

from kicau.base.clock import now
from kicau.base.encrypted_fields import EncryptedJSONField
from kicau.base.ids import new_id

if TYPE_CHECKING:
    _Manager = BaseUserManager["Person"]
else:
    _Manager = BaseUserManager  # generic for the type checker only


class PersonManager(_Manager):
    def get_by_natural_key(self, username: str | None) -> Person:
        return self.get(email__iexact=username)


class Person(AbstractBaseUser):
    """Somebody who signs in. Belongs to workspaces by membership only."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    email = models.EmailField(unique=True)
    email_proved_at = models.DateTimeField(null=True)  # None: nobody has shown that the address is this person's
    name = models.CharField(max_length=120)
    language = models.CharField(max_length=8, default="en")
    timezone = models.CharField(max_length=64, default="UTC")
    is_operator = models.BooleanField(default=False)  # hosts this instance: may add people and workspaces
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=now)

    _read_email: str | None = None  # as the database has it

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]
    objects: ClassVar[PersonManager] = PersonManager()

    def __str__(self) -> str:
        return self.name or self.email

    @classmethod
    def from_db(cls, db: str | None, field_names: Collection[str], values: Collection[Any], **more: Any) -> Self:
        made = super().from_db(db, field_names, values, **more)
        made._read_email = made.__dict__.get("email")
        return made

    def save(self, *args: Any, **more: Any) -> None:
        """Another address has to be proved again."""
        if self._read_email is not None and self.email != self._read_email:
            self.email_proved_at = None
            if (fields := more.get("update_fields")) is not None:
                more["update_fields"] = {*fields, "email_proved_at"}
        super().save(*args, **more)
        self._read_email = self.email

    @property
    def is_proved(self) -> bool:
        """Whether the address was proved. Only such an account is ever found by its address from outside."""
        return self.email_proved_at is not None


class Workspace(models.Model):
    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.CharField(max_length=120)
    timezone = models.CharField(max_length=64, default="UTC")  # IANA
    language = models.CharField(max_length=8, default="en")
    currency = models.CharField(max_length=3, blank=True, default="")  # that costs are shown in beside their own
    duplicate_hours = models.PositiveSmallIntegerField(default=24)  # window of the duplicate warning
    ai_use = models.JSONField(default=dict, blank=True)  # the rule for what is composed here
    others_ai_use = models.JSONField(default=dict, blank=True)  # and for others' words; see rights.models
    terms_url = models.URLField(max_length=500, blank=True)  # where others read whom to ask for what is not allowed
    marks_media = models.BooleanField(default=False)  # whether pictures carry ai_use in them when they are published
    requires_second_factor = models.BooleanField(default=False)  # of every member, before they get in
    created_at = models.DateTimeField(default=now)

    def __str__(self) -> str:
        return self.name


class Role(models.TextChoices):
    OWNER = "owner", "Owner"
    ADMIN = "admin", "Admin"
    EDITOR = "editor", "Editor"
    CONTRIBUTOR = "contributor", "Contributor"  # writes and submits; may not publish
    VIEWER = "viewer", "Viewer"


class Membership(models.Model):
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="memberships")
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=12, choices=Role.choices)
    created_at = models.DateTimeField(default=now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["workspace", "person"], name="one_membership")]

    def __str__(self) -> str:
        return f"{self.person} in {self.workspace}: {self.role}"


class BrowserSession(AbstractBaseSession):
    """A browser that came here; `person` is who is signed in there, None while nobody is (kicau/workspaces/session_store.py)."""

    handle = models.UUIDField(unique=True, default=new_id, editable=False)  # what pages name it by; the key is a secret
    person = models.ForeignKey(Person, on_delete=models.CASCADE, null=True, related_name="browser_sessions")
    began_at = models.DateTimeField(default=now)
    used_at = models.DateTimeField(default=now)
    address = models.CharField(max_length=60, blank=True)  # IP address of the last use
    user_agent = models.CharField(max_length=300, blank=True)

    def __str__(self) -> str:
        return f"session of {self.person_id}"


class ApiToken(models.Model):
    """A key for programs. Only its digest is kept; it acts as `person`, at most with their role, within `scopes`."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.CharField(max_length=120)
    prefix = models.CharField(max_length=16)  # shown so that people can tell their tokens apart
    digest = models.CharField(max_length=64, unique=True)  # SHA-256 of the whole token
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="tokens")
    workspace = models.ForeignKey(
        Workspace, on_delete=models.CASCADE, null=True, related_name="tokens"
    )  # None: all of the person's
    role = models.CharField(max_length=12, choices=Role.choices, blank=True)  # of a workspace token; caps the person's
    scopes = ArrayField(models.CharField(max_length=30))
    created_at = models.DateTimeField(default=now)
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"


class Webhook(models.Model):
    """An address of another program that is told of events, each request signed with `secret`."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="webhooks")
    url = models.URLField(max_length=500)
    events = ArrayField(models.CharField(max_length=40))  # "delivery.published"; "delivery.*"
    secret = EncryptedJSONField()
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=now)
    failures = models.PositiveIntegerField(default=0)  # in a row
    last_status = models.PositiveSmallIntegerField(default=0)
    last_error = models.CharField(max_length=300, blank=True)
    last_at = models.DateTimeField(null=True)
    busy_until = models.DateTimeField(null=True)  # UTC; one worker tells it at a time

    def __str__(self) -> str:
        return self.url


class WebhookEvent(models.Model):
    """One message for one webhook, kept for some days after it was taken or given up."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="outbox")
    event = models.CharField(max_length=40)
    subject = models.UUIDField(null=True)  # the object that it is about: such messages come in order
    payload = models.JSONField(encoder=DjangoJSONEncoder)  # that object, as the REST API returned it then
    details = models.JSONField(default=dict, encoder=DjangoJSONEncoder)  # what the event tells beside
    created_at = models.DateTimeField(default=now)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_at = models.DateTimeField(default=now)
    sent_at = models.DateTimeField(null=True)
    given_up_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["webhook", "next_at"],
                name="webhookevent_waiting",
                condition=models.Q(sent_at=None, given_up_at=None),
            ),
            models.Index(fields=["created_at"], name="webhookevent_told"),
        ]

    def __str__(self) -> str:
        return f"{self.event} to {self.webhook}"


class Invitation(models.Model):
    """A one-time link into a workspace, for one address. Only the link's digest is kept."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="invitations")
    email = models.EmailField()
    role = models.CharField(max_length=12, choices=Role.choices)
    digest = models.CharField(max_length=64, unique=True)  # SHA-256 of the link's secret
    invited_by = models.ForeignKey(Person, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=now)
    expires_at = models.DateTimeField()
    mailed_at = models.DateTimeField(null=True)
    is_shown = models.BooleanField(default=True)  # whether anybody but the mailbox has seen the link
    accepted_at = models.DateTimeField(null=True)
    accepted_by = models.ForeignKey(Person, on_delete=models.SET_NULL, null=True, related_name="+")
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["workspace", "-id"], name="invitation_workspace")]

    def __str__(self) -> str:
        return f"{self.email} to {self.workspace}"

    @property
    def proves_address(self) -> bool:
        """Whether who holds the link reads the mailbox: it was mailed, and shown to nobody."""
        return self.mailed_at is not None and not self.is_shown


class AddressVerification(models.Model):
    """A link that was mailed to a person's address and shown to nobody: whoever opens it reads that mailbox."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="address_proofs")
    email = models.EmailField()  # as it was when the link was mailed
    digest = models.CharField(max_length=64, unique=True)  # SHA-256 of the link's secret
    created_at = models.DateTimeField(default=now)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"proof of {self.email}"


class Authenticator(models.Model):
    """A person's app that shows a new code every 30 seconds (TOTP, RFC 6238)."""

    person = models.OneToOneField(Person, on_delete=models.CASCADE, primary_key=True, related_name="authenticator")
    secret = EncryptedJSONField()  # base32
    confirmed_at = models.DateTimeField(null=True)  # it counts once a code of it was shown
    last_step = models.BigIntegerField(default=0)  # the newest step that was used: no code counts twice

    def __str__(self) -> str:
        return f"authenticator of {self.person_id}"


class RecoveryCode(models.Model):
    """One way in, once, for somebody who has lost their authenticator."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="recovery_codes")
    digest = models.CharField(max_length=64)
    used_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["person", "digest"], name="one_recovery_code_each")]

    def __str__(self) -> str:
        return f"recovery code of {self.person_id}"


class Passkey(models.Model):
    """A key pair on somebody's device (WebAuthn); only the public half is here."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="passkeys")
    name = models.CharField(max_length=80)
    credential_id = models.BinaryField(max_length=1023, unique=True)  # 1023: the longest that WebAuthn allows
    credential = models.BinaryField()  # attested credential data, as WebAuthn encodes it
    count = models.BigIntegerField(default=0)  # the device's own counter, 0 where it has none
    created_at = models.DateTimeField(default=now)
    last_used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.name


class Throttle(models.Model):
    """How often something was done under one key (kicau/workspaces/throttle.py). Unlogged: a crash forgets it."""

    key = models.CharField(max_length=200, primary_key=True)
    until = models.DateTimeField()
    used = models.PositiveIntegerField()

    def __str__(self) -> str:
        return f"{self.key}: {self.used}"


class ProviderIdentity(models.Model):
    """A person's account at the operator's identity provider (OpenID Connect)."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="identities")
    issuer = models.CharField(max_length=300)
    subject = models.CharField(max_length=255)
    had_second_factor = models.BooleanField(default=False)  # as the provider said at the last sign-in by it
    created_at = models.DateTimeField(default=now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["issuer", "subject"], name="one_person_each_identity")]

    def __str__(self) -> str:
        return f"{self.subject} at {self.issuer}"
