"""Items, where they came from, whose they are, and the imports that bring them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models

from kicau.base.clock import now
from kicau.base.ids import new_id
from kicau.publishing.models import Campaign, Delivery
from kicau.rights.decisions import ItemFacts
from kicau.rights.models import Origin
from kicau.workspaces.models import Person, Workspace

UNKNOWN_DATE = datetime(1970, 1, 1, tzinfo=UTC)  # `posted_at` of what nothing dates; `posted_to` is "none" there


class ImportState(models.TextChoices):
    WAITING = "waiting", "waits for its turn"
    ASKING = "asking", "asks whose it is"  # somebody must say so before it goes on
    RUNNING = "running", "being read"
    DONE = "done", "read"
    FAILED = "failed", "could not be read"
    CANCELED = "canceled", "stopped"


class ArchiveImport(models.Model):
    """One archive being taken in, as a job: what was read stays read, and a new start goes on at `cursor`."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="imports")
    by = models.ForeignKey(Person, on_delete=models.SET_NULL, null=True)
    path = models.CharField(max_length=1000)  # of the file or folder on this machine
    is_ours = models.BooleanField(default=False)  # an upload, deleted when it is read
    name = models.CharField(max_length=255)  # as people know it
    size = models.BigIntegerField(default=0)  # bytes
    format = models.CharField(max_length=40, blank=True)  # the reader's name
    network = models.CharField(max_length=40, blank=True)
    account_id = models.CharField(max_length=200, blank=True)  # whose archive it says it is
    account_handle = models.CharField(max_length=200, blank=True)
    account_name = models.CharField(max_length=200, blank=True)
    acquired = models.CharField(max_length=12, choices=Origin.choices, default=Origin.IMPORTED)
    options = models.JSONField(default=dict, blank=True)  # of a table: {"answers": {"kind:…": meaning}, "only": [keys]}
    state = models.CharField(max_length=10, choices=ImportState.choices, default=ImportState.WAITING)
    problem = models.JSONField(default=dict, blank=True)  # why it asks or failed: code, message, params
    expected = models.BigIntegerField(default=0)  # items that the archive says it holds; 0 where it does not say
    cursor = models.JSONField(default=dict, blank=True)  # {"read": how many records are dealt with}
    read = models.BigIntegerField(default=0)
    new = models.BigIntegerField(default=0)
    known = models.BigIntegerField(default=0)  # were here already, and have this origin too now
    skipped = models.BigIntegerField(default=0)
    skips = models.JSONField(default=list, blank=True)  # [{code, message, params, count, examples}]
    worker = models.CharField(max_length=80, blank=True)
    lease_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=now)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["workspace", "-id"], name="import_workspace"),
            models.Index(fields=["id"], name="import_due", condition=models.Q(state__in=["waiting", "running"])),
        ]

    def __str__(self) -> str:
        return f"{self.name}: {self.state}"


class ItemOrigin(models.Model):
    """One origin that many items share: an import, or what was published with Kicau itself."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+")
    acquired = models.CharField(max_length=12, choices=Origin.choices)
    network = models.CharField(max_length=40, blank=True)
    label = models.CharField(max_length=300, blank=True)  # a file's name
    of_import = models.OneToOneField(ArchiveImport, on_delete=models.SET_NULL, null=True, related_name="source")
    created_at = models.DateTimeField(default=now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "acquired", "network"],
                condition=models.Q(of_import=None, label=""),
                name="one_source_of_ours",
            )
        ]

    def __str__(self) -> str:
        return self.label or self.acquired


class RightsContext(models.Model):
    """All that decides over an item's rights but what is said of the item itself; many items share one."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+")
    network = models.CharField(max_length=40)
    author = models.CharField(max_length=250)  # "network:account id"
    author_handle = models.CharField(max_length=200, blank=True)
    author_name = models.CharField(max_length=200, blank=True)
    own = models.BooleanField(default=False)  # whether this workspace wrote it
    licence = models.CharField(max_length=200, blank=True)  # an SPDX expression
    acquired = ArrayField(models.CharField(max_length=12))  # each way by which a copy came, sorted

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "network", "author", "own", "licence", "acquired"], name="one_standing_each"
            )
        ]

    def __str__(self) -> str:
        return f"{self.author} by {', '.join(self.acquired)}"

    def facts(self) -> ItemFacts:
        """Of any of its items, but for the item's own id and address."""
        return ItemFacts(
            network=self.network, author=self.author, own=self.own, licence=self.licence, acquired=tuple(self.acquired)
        )


class Item(models.Model):
    """One post, once, however often it came. Rows come in bulk: see imports/writing.py."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(
        Workspace, on_delete=models.CASCADE, related_name="items", db_index=False, db_constraint=False
    )
    network = models.CharField(max_length=40)
    remote_id = models.CharField(max_length=300)  # the network's own id; a hash where an archive gives none
    standing = models.ForeignKey(
        RightsContext, on_delete=models.PROTECT, related_name="items", db_index=False, db_constraint=False
    )
    sources = ArrayField(models.IntegerField())  # each origin: ids of Source, in the order in which they came
    kind = models.CharField(max_length=10, default="post")  # post, reply, repost, quote, comment, article, message
    text = models.TextField(blank=True)
    language = models.CharField(max_length=12, blank=True)  # "id", "en", …; "" not known
    posted_at = models.DateTimeField(default=UNKNOWN_DATE)  # UTC
    posted_to = models.CharField(max_length=6, default="second")  # how exactly that is known: second, day, none
    reply_to = models.CharField(max_length=300, blank=True)  # remote id of what it answers
    url = models.CharField(max_length=1000, blank=True)
    media = models.JSONField(default=list, blank=True)  # [{name, kind, alt, url, medium}]
    extra = models.JSONField(default=dict, blank=True)  # likes, reposts, title … as the network told
    said = models.BooleanField(default=False)  # whether there are statements about this very item or one of its files
    deleted_at = models.DateTimeField(null=True)  # gone from its network since
    delivery = models.ForeignKey(Delivery, on_delete=models.SET_NULL, null=True, related_name="items", db_index=False)
    campaign = models.ForeignKey(Campaign, on_delete=models.SET_NULL, null=True, related_name="items", db_index=False)
    added_at = models.DateTimeField(default=now)
    search = SearchVectorField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["workspace", "network", "remote_id"], name="one_item_each_remote_id")
        ]
        indexes = [
            models.Index(fields=["workspace", "-posted_at", "-id"], name="item_newest"),
            models.Index(fields=["standing", "-posted_at", "-id"], name="item_standing"),
            models.Index(fields=["delivery"], name="item_delivery", condition=models.Q(delivery__isnull=False)),
            models.Index(fields=["campaign"], name="item_campaign", condition=models.Q(campaign__isnull=False)),
            models.Index(fields=["workspace", "id"], name="item_said", condition=models.Q(said=True)),
            GinIndex(fields=["search"], name="item_words"),
        ]

    def __str__(self) -> str:
        return self.text[:60]

    def facts(self) -> ItemFacts:
        """What statements can speak of. Reads `standing`."""
        shared = self.standing
        return ItemFacts(
            network=shared.network,
            author=shared.author,
            own=shared.own,
            licence=shared.licence,
            acquired=tuple(shared.acquired),
            url=self.url,
            item=self.id,
            files=file_digests(self.media),
        )


def file_digests(media: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """SHA-256 of each file of an item that is in the library."""
    return tuple(sorted({str(one["sha256"]) for one in media if one.get("sha256")}))
