"""Origin and permission, carried by every post, part and medium from its first day; and who did what."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import models

from kicau.base.clock import now
from kicau.base.errors import validation_failed
from kicau.base.ids import new_id
from kicau.rights.uses import CONDITIONS as CONDITIONS
from kicau.rights.uses import IN_HOUSE_USES as IN_HOUSE_USES
from kicau.rights.uses import PURPOSES
from kicau.rights.uses import USE_VALUES as USE_VALUES
from kicau.rights.uses import USES as USES


class Origin(models.TextChoices):
    """The way by which something was acquired: an axis of its own, since each way can carry other duties."""

    COMPOSED = "composed", "written here"
    IMPORTED = "imported", "from its owner's own archive or file"
    FETCHED = "fetched", "read from a network"
    RECEIVED = "received", "sent by someone else"
    GENERATED = "generated", "made by a model"


def check_ai_use(value: Mapping[str, str]) -> dict[str, str]:
    """The permissions, each use and value known. Raises ValidationFailed."""
    for use, said in value.items():
        if use not in USES:
            raise validation_failed(
                f"ai_use.{use}",
                "Kicau does not know the purpose {use!r}. Choose what the content may be used for: {uses}.",
                use=use,
                uses=", ".join(USES),
            )
        if said not in USE_VALUES:
            raise validation_failed(
                f"ai_use.{use}",
                "{said!r} is not a valid value. For each use of the content, for example AI training, choose allow, deny or conditional.",
                said=said,
            )
    return dict(value)


def check_others_ai_use(value: Mapping[str, str]) -> dict[str, str]:
    """The rule for others' words: what leaves this house can only be denied by it. Raises ValidationFailed."""
    for use, said in check_ai_use(value).items():
        if said != "deny" and use not in IN_HOUSE_USES:
            raise validation_failed(
                f"others_ai_use.{use}",
                "A workspace rule for other people's content cannot allow this use: {purpose}. Only the author, the licence or the social network can allow it.",
                purpose=PURPOSES[use],
            )
    return dict(value)


class Provenance(models.Model):
    """Mixin: where an item came from, and what it may be used for."""

    origin = models.CharField(max_length=12, choices=Origin.choices, default=Origin.COMPOSED)
    origin_detail = models.CharField(max_length=500, blank=True)  # a file's name and row, an address, a model's name
    ai_use = models.JSONField(default=dict, blank=True)  # {use: value}; see USES

    class Meta:
        abstract = True


class Layer(models.TextChoices):
    """With which authority something is said, the highest first; `decisions.py` tells how they go together."""

    WITHDRAWAL = "withdrawal", "withdrawal of permission"
    GRANT = "grant", "explicit grant or refusal"
    CONTRACT = "contract", "terms under which it was acquired"
    AUTHOR = "author", "its author's preference"
    LICENCE = "licence", "the licence file"
    SITE = "site", "the preference of the site where it stood"
    DEFAULT = "default", "what this workspace does where nobody said anything"


class Party(models.TextChoices):
    """Who says it: a grant lifts only what its grantor controls."""

    AUTHOR = "author", "the author"
    NETWORK = "network", "the network from which it came"
    SITE = "site", "the site where it stood"
    WORKSPACE = "workspace", "this workspace"


class Subject(models.TextChoices):
    """Of what it is said, the widest first; `key` names which."""

    EVERYTHING = "everything", "all content in this workspace"
    NETWORK = "network", "all of one network"  # key: its slug
    SITE = "site", "all content of a website or of one of its folders"  # key: https://host/path, by its beginning
    LICENCE = "licence", "all content under one licence"  # key: an SPDX expression
    AUTHOR = "author", "all of one author"  # key: "network:account id"; "own" for this workspace's own words
    FILE = "file", "one picture, film or document"  # key: the SHA-256 of its content
    ITEM = "item", "one item"  # `item` names it


class Statement(models.Model):
    """What somebody said about uses, once, as it was read; never changed, only ended. Speaks in one workspace."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace_id = models.UUIDField()  # no foreign key: workspaces stand on a higher floor
    layer = models.CharField(max_length=12, choices=Layer.choices)
    party = models.CharField(max_length=12, choices=Party.choices)
    party_name = models.CharField(max_length=300, blank=True)
    subject = models.CharField(max_length=12, choices=Subject.choices)
    key = models.CharField(max_length=500, blank=True)
    item = models.UUIDField(null=True)  # of an item of the archive
    network = models.CharField(max_length=40, blank=True)  # narrower: only what is of this network
    acquired = models.CharField(max_length=12, choices=Origin.choices, blank=True)  # narrower: only what came this way
    says = models.JSONField()  # {use: allow, deny, conditional or unknown}
    conditions = models.JSONField(default=dict, blank=True)  # {condition: detail} of what is conditional
    source = models.CharField(max_length=2000, blank=True)  # URI where it was read; "" where a person said it here
    raw = models.BinaryField(null=True)  # the bytes as read, where they are small enough to keep
    raw_sha256 = models.CharField(max_length=64, blank=True)
    parser = models.CharField(max_length=80, blank=True)  # name and version of what read it
    observed_at = models.DateTimeField(default=now)
    valid_from = models.DateTimeField(default=now)
    valid_until = models.DateTimeField(null=True)  # not valid any more from then on
    note = models.TextField(blank=True)  # why, in the words of who recorded it
    recorded_by = models.UUIDField(null=True)
    recorded_at = models.DateTimeField(default=now)

    class Meta:
        indexes = [
            models.Index(
                fields=["workspace_id", "item"], name="statement_item", condition=models.Q(item__isnull=False)
            ),
            models.Index(fields=["workspace_id", "id"], name="statement_general", condition=models.Q(item=None)),
        ]
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.layer} of {self.party_name or self.party}: {self.says}"


class Terms(models.Model):
    """What a network's terms say about one way of acquiring, since a day; a proposal until the operator reviewed it."""

    network = models.CharField(max_length=40)
    acquired = models.CharField(max_length=12, choices=Origin.choices, blank=True)  # "": however it came
    since = models.DateField()  # in force from this day on
    until = models.DateField(null=True)  # not any more from this day on
    says = models.JSONField()
    conditions = models.JSONField(default=dict, blank=True)
    summary = models.TextField()  # what the terms say, in a sentence
    source = models.URLField(max_length=1000)
    seen_on = models.DateField()  # when the source was read
    reviewed_by = models.CharField(max_length=200, blank=True)
    reviewed_at = models.DateTimeField(null=True)
    note = models.TextField(blank=True)

    class Meta:
        ordering = ["network", "acquired", "since"]
        constraints = [
            models.UniqueConstraint(fields=["network", "acquired", "since"], name="one_terms_each_day"),
        ]

    def __str__(self) -> str:
        return f"{self.network} {self.acquired} since {self.since}"


class ActivityEntry(models.Model):
    """One act, for ever. Holds names beside ids, so that it still reads when what it tells of is gone."""

    workspace_id = models.UUIDField(null=True)  # no foreign key: the trail outlives its workspace
    at = models.DateTimeField(default=now)
    actor_id = models.UUIDField(null=True)
    actor = models.CharField(max_length=200)
    via = models.CharField(max_length=20)  # page, api, cli, system
    act = models.CharField(max_length=60)  # "delivery.scheduled"
    subject = models.CharField(max_length=60, blank=True)  # the object's id
    detail = models.JSONField(default=dict, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["workspace_id", "-id"], name="audit_workspace"),
            models.Index(fields=["subject"], name="audit_subject"),
        ]
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.actor}: {self.act} {self.subject}"
