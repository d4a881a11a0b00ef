"""Training sets, their versions, what is in each, and who has them."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from kicau.archive.models import Item
from kicau.base.clock import now
from kicau.base.ids import new_id
from kicau.workspaces.models import Person, Workspace


class RecordFormat(models.TextChoices):
    TEXT = "text", "plain text"
    PROMPT = "prompt", "prompt and completion"
    CHAT = "chat", "chat messages"


class TrainingSet(models.Model):
    """A query and a purpose; its versions hold what they gave at a time."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="training_sets")
    name = models.CharField(max_length=120)
    purpose = models.TextField(blank=True)  # in the words of who makes it; stands in the card
    use = models.CharField(max_length=12, default="train_gen")  # one of rights.models.USES
    meets = models.JSONField(default=list, blank=True)  # conditions that this purpose keeps
    query = models.JSONField(default=dict, blank=True)  # see records.query_of
    format = models.CharField(max_length=8, choices=RecordFormat.choices, default=RecordFormat.TEXT)
    options = models.JSONField(default=dict, blank=True)  # see records.Options
    made_by = models.ForeignKey(Person, on_delete=models.SET_NULL, null=True)
    created_at = models.DateTimeField(default=now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["workspace", "name"], name="one_set_each_name")]
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.name


class VersionState(models.TextChoices):
    WAITING = "waiting", "waits for its turn"
    MAKING = "making", "being made"
    READY = "ready", "ready"
    FAILED = "failed", "could not be made"
    SUPERSEDED = "superseded", "something was taken back; a newer version is without it"


class TrainingSetVersion(models.Model):
    """One making of a set: its files lie in their own folder and are never changed."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    set = models.ForeignKey(TrainingSet, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    state = models.CharField(max_length=12, choices=VersionState.choices, default=VersionState.WAITING)
    as_of = models.DateTimeField(default=now)  # decisions hold as of then; the same moment gives the same bytes
    expected = models.PositiveIntegerField(default=0)  # items to look at; 0 where that is not known yet
    done = models.PositiveIntegerField(default=0)  # items looked at, while it is made
    records = models.PositiveIntegerField(default=0)
    excluded = models.JSONField(default=dict, blank=True)  # {reason: count}
    reasons = models.JSONField(default=dict, blank=True)  # {reason: how its sentence was made}, for other languages
    questions = models.JSONField(default=list, blank=True)  # as of a preview
    files = models.JSONField(default=dict, blank=True)  # {name: {bytes, sha256}}
    delta = models.JSONField(default=dict, blank=True)  # what this version is without, of the one before (signed)
    effect_ms = models.PositiveIntegerField(
        null=True
    )  # from the end of a permission until nobody is handed it any more
    problem = models.TextField(blank=True)
    created_at = models.DateTimeField(default=now)
    ready_at = models.DateTimeField(null=True)
    copies_checked_at = models.DateTimeField(null=True)  # it holds no copy of what was forbidden at this time

    class Meta:
        constraints = [models.UniqueConstraint(fields=["set", "number"], name="one_version_each_number")]
        ordering = ["-number"]

    def __str__(self) -> str:
        return f"{self.set_id} {self.number}"


class CopyReview(models.Model):
    """Permissions changed, so copies of what is forbidden now are still to be looked for in a set. Until that is done,
    nobody is handed a version of the set."""

    set = models.ForeignKey(TrainingSet, on_delete=models.CASCADE, related_name="copy_reviews")
    items = ArrayField(models.UUIDField(), null=True)  # whose permissions changed; null: any
    not_before = models.DateTimeField(default=now)  # later after a failure

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"copies in {self.set_id}"


class VersionItem(models.Model):
    """An item in a version; a turn of a conversation counts like its own record."""

    version = models.ForeignKey(
        TrainingSetVersion, on_delete=models.CASCADE, related_name="members", db_constraint=False
    )
    item = models.ForeignKey(Item, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False)
    record = models.CharField(max_length=64)  # id of the record that holds it
    decision = models.CharField(max_length=64)  # digest of the decision that let it in

    class Meta:
        indexes = [models.Index(fields=["item"], name="member_item")]

    def __str__(self) -> str:
        return f"{self.item_id} in {self.version_id}"


class Recipient(models.Model):
    """Somebody who was given a version, and must be told when something in it is taken back."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    version = models.ForeignKey(TrainingSetVersion, on_delete=models.CASCADE, related_name="recipients")
    name = models.CharField(max_length=200)
    contact = models.CharField(max_length=300, blank=True)  # an address of e-mail or web
    given_at = models.DateTimeField(default=now)
    owes = models.PositiveIntegerField(default=0)  # number of the newest version that took something back from theirs
    told_at = models.DateTimeField(null=True)
    ask_digest = models.CharField(max_length=64, blank=True)  # SHA-256 of the secret in the link by which they answer
    acknowledged_at = models.DateTimeField(null=True)
    acknowledged_by = models.CharField(max_length=200, blank=True)  # who said so, in their words

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["ask_digest"], name="recipient_asked", condition=~models.Q(ask_digest=""))]

    def __str__(self) -> str:
        return self.name


class TrainingSetPreview(models.Model):
    """What a set would hold if it were made now, found by the very code that makes it; nothing is written."""

    set = models.OneToOneField(TrainingSet, on_delete=models.CASCADE, primary_key=True, related_name="preview")
    state = models.CharField(max_length=12, choices=VersionState.choices, default=VersionState.WAITING)
    as_of = models.DateTimeField(default=now)
    expected = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    records = models.PositiveIntegerField(default=0)
    items = models.PositiveIntegerField(default=0)  # in these records; a conversation is one record of several
    splits = models.JSONField(default=dict, blank=True)  # {split: records}
    excluded = models.JSONField(default=dict, blank=True)  # as of a version
    reasons = models.JSONField(default=dict, blank=True)
    personal = models.JSONField(default=dict, blank=True)  # {kind: pieces found}
    examples = models.JSONField(default=list, blank=True)  # bodies of the first records
    questions = models.JSONField(default=list, blank=True)  # [item of ours, the forbidden text's item that it holds]
    problem = models.TextField(blank=True)
    ready_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"of {self.set_id}"


class PersonalDataFinding(models.Model):
    """A piece of a text that rules take for personal data, for a person to judge. The piece itself is not kept here."""

    set = models.ForeignKey(TrainingSet, on_delete=models.CASCADE, related_name="found")
    item = models.UUIDField()
    kind = models.CharField(max_length=10)  # one of options.LABELS
    start = models.PositiveIntegerField()  # characters of the item's text
    end = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)  # of the piece: a verdict holds for these very letters
    is_kept = models.BooleanField(
        null=True
    )  # True: it is none, and stays; False: it is, and is replaced; None: nobody said
    judged_by = models.ForeignKey(Person, on_delete=models.SET_NULL, null=True)
    judged_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["set", "item", "start", "kind"], name="one_finding_each_place")]
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.kind} in {self.item}"
