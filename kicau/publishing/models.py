"""What was written (Draft, Part, Variant) and what becomes of it on each channel (Delivery, Attempt)."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from datetime import datetime
from typing import Protocol
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models.functions import Lower

from kicau.base import clock
from kicau.base.ids import new_id
from kicau.channels.models import Channel, NetworkApp
from kicau.connector.content import Rendered
from kicau.connector.serialization import to_compact_json
from kicau.media.models import Medium
from kicau.rights.models import Provenance
from kicau.workspaces.models import Person, Workspace


class Campaign(models.Model):
    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="campaigns")
    name = models.CharField(max_length=120)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["workspace", "name"], name="one_campaign_each_name")]

    def __str__(self) -> str:
        return self.name


class DraftState(models.TextChoices):
    DRAFT = "draft", "draft"
    SUBMITTED = "submitted", "waits for an editor"
    APPROVED = "approved", "approved"  # a change takes it back to a draft
    SCHEDULED = "scheduled", "scheduled"
    ARCHIVED = "archived", "archived"


class Draft(Provenance):
    """One post, or a thread, as its author wrote it; deliveries hold what each network was or will be given."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="drafts")
    author = models.ForeignKey(Person, on_delete=models.SET_NULL, null=True, db_index=False)
    state = models.CharField(max_length=10, choices=DraftState.choices, default=DraftState.DRAFT)
    ref = models.CharField(max_length=120, blank=True)  # the author's own id, of an import; unique where given
    language = models.CharField(max_length=20, blank=True)
    extras = models.JSONField(default=dict, blank=True)  # link, poll, first_comment, options, convert: see compose.py
    campaign = models.ForeignKey(Campaign, on_delete=models.SET_NULL, null=True, blank=True, db_index=False)
    tags = ArrayField(models.CharField(max_length=60), default=list, blank=True)
    timezone = models.CharField(max_length=64, default="UTC")  # the author's, in which times were given
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=clock.now)
    changed_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["workspace", "ref"], name="one_draft_each_ref", condition=~models.Q(ref=""))
        ]
        indexes = [
            models.Index(fields=["workspace", "-id"], name="draft_workspace"),
            GinIndex(fields=["tags"], name="draft_tags"),
            # Which posts fit a calendar's filter is read from these alone.
            models.Index(fields=["campaign", "id"], name="draft_campaign", include=["workspace"]),
            models.Index(fields=["author", "id"], name="draft_author", include=["workspace"]),
        ]

    def __str__(self) -> str:
        return str(self.id)


class Variant(models.Model):
    """What differs for one channel or for all channels of one network; what it does not hold is the draft's."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    draft = models.ForeignKey(Draft, on_delete=models.CASCADE, related_name="variants")
    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, null=True)
    network = models.CharField(max_length=40, blank=True)  # where it is for a whole network
    has_parts = models.BooleanField(default=False)  # text and media of its own
    extras = models.JSONField(default=dict, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["draft", "channel", "network"], name="one_variant_each_target", nulls_distinct=False
            )
        ]

    def __str__(self) -> str:
        return f"{self.draft_id} for {self.channel_id or self.network}"


class Part(Provenance):
    """One text with its media: the whole post, or one of a thread."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    draft = models.ForeignKey(Draft, on_delete=models.CASCADE, related_name="parts")
    variant = models.ForeignKey(Variant, on_delete=models.CASCADE, null=True, related_name="parts")
    position = models.PositiveSmallIntegerField()
    text = models.TextField(blank=True)

    class Meta:
        ordering = ["position"]

    def __str__(self) -> str:
        return self.text[:60]


class PartMedium(models.Model):
    part = models.ForeignKey(Part, on_delete=models.CASCADE, related_name="uses")
    medium = models.ForeignKey(Medium, on_delete=models.PROTECT, related_name="uses")
    position = models.PositiveSmallIntegerField()
    alt = models.TextField(null=True)  # noqa: DJ001 (None: the library's own; "": deliberately none)
    cover = models.ForeignKey(Medium, on_delete=models.PROTECT, null=True, related_name="covers")  # of a video
    cover_ms = models.PositiveIntegerField(null=True)  # or the frame at this time

    class Meta:
        ordering = ["position"]

    def __str__(self) -> str:
        return f"{self.medium_id} at {self.position}"


class DeliveryState(models.TextChoices):
    SCHEDULED = "scheduled", "scheduled"  # it has not begun, or its first step is just under way (`begun_at`)
    PUBLISHING = "publishing", "being published"  # a step is over, and more is to come
    PUBLISHED = "published", "published"
    HELD = "held", "held"  # goes on when what `hold` names is done
    FAILED = "failed", "has a problem to fix"  # the network refused it as it stands
    UNKNOWN = "unknown", "outcome unknown"  # a person is asked
    PARKED = "parked", "stopped by an error in Kicau"
    CANCELED = "canceled", "canceled"
    DELETED = "deleted", "deleted from the network"


PENDING_STATES = (DeliveryState.SCHEDULED, DeliveryState.PUBLISHING)  # what the engine looks for
ATTENTION_STATES = (
    DeliveryState.FAILED,
    DeliveryState.UNKNOWN,
    DeliveryState.PARKED,
    DeliveryState.HELD,
)  # a person is asked
FINAL_STATES = (DeliveryState.PUBLISHED, DeliveryState.CANCELED, DeliveryState.DELETED)


class HoldReason(models.TextChoices):
    NONE = "", ""
    CONFIRMATION = "confirmation", "waits for a person to confirm it"
    BUDGET = "budget", "plan or budget is spent"
    OFFBOARDED = "offboarded", "its network was offboarded"


RENDERED_COLUMNS = ("rendered", "head", "picture", "charges", "text_hash")
HEAD_LENGTH = 160  # characters of a text that calendars have


def text_hash(rendered: Rendered) -> str:
    """Of all the text, white space and case aside; "" where there is none to compare."""
    text = " ".join(" ".join(part.text for part in rendered.parts).casefold().split())
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest() if text else ""


class Delivery(models.Model):
    """A post on its way to one channel."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    # The indexes below serve these three; one of its own for each would only slow the engine's writes, each of which
    # makes an entry in every index. So texts have none: the same one is looked for among a channel's of some days.
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="deliveries", db_index=False)
    draft = models.ForeignKey(Draft, on_delete=models.PROTECT, related_name="deliveries", db_index=False)
    channel = models.ForeignKey(Channel, on_delete=models.PROTECT, related_name="deliveries", db_index=False)
    network = models.CharField(max_length=40)
    key = models.UUIDField(default=new_id)  # the same on every step and retry
    state = models.CharField(max_length=10, choices=DeliveryState.choices, default=DeliveryState.SCHEDULED)
    hold = models.CharField(max_length=12, choices=HoldReason.choices, blank=True, default=HoldReason.NONE)
    due_at = models.DateTimeField()  # when it was wanted, UTC
    timezone = models.CharField(max_length=64, default="UTC")  # in which that was said
    next_at = models.DateTimeField()  # when the next step may be taken
    rendered = models.JSONField()  # the preview's own value, in wire form
    # What calendars show of it, so that they need not open the whole value; `show` keeps all of it together.
    head = models.TextField(null=True)  # noqa: DJ001 (null where the database once found none)
    picture = models.TextField(null=True)  # noqa: DJ001
    charges = models.JSONField(null=True)
    text_hash = models.CharField(max_length=64, blank=True)  # of the text, for the duplicate warning
    progress = models.JSONField(default=dict, blank=True)
    steps = models.PositiveIntegerField(default=0)
    tries = models.PositiveIntegerField(default=0)  # fruitless steps in a row
    worker = models.CharField(max_length=80, blank=True)
    lease_until = models.DateTimeField(null=True)
    begun_at = models.DateTimeField(null=True)  # a step began and did not report yet
    # Claimed by a step that says in time that it sends (publishing/delivery/send_intents.py), and has not said so.
    unsent = models.BooleanField(default=False, db_default=False)
    broken_at = models.DateTimeField(null=True)  # when the step began that `find` must look up
    reason = models.TextField(blank=True)  # why it is in its state, in a sentence
    said = models.JSONField(default=list, blank=True)  # how that sentence was made, to tell it in other languages
    problems = models.JSONField(default=list, blank=True)
    remote_ids = ArrayField(models.CharField(max_length=300), default=list, blank=True)
    url = models.URLField(max_length=1000, blank=True)
    raw = models.JSONField(default=dict, blank=True)  # what the network answered
    published_at = models.DateTimeField(null=True)
    confirmed_by = models.ForeignKey(Person, on_delete=models.SET_NULL, null=True, related_name="+", db_index=False)
    confirmed_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=clock.now)
    changed_at = models.DateTimeField(default=clock.now)

    class Meta:
        indexes = [
            models.Index(
                fields=["channel", "next_at"],
                name="delivery_due",
                condition=models.Q(state__in=["scheduled", "publishing"]),
            ),
            models.Index(
                fields=["next_at"], name="delivery_next", condition=models.Q(state__in=["scheduled", "publishing"])
            ),
            models.Index(
                fields=["workspace", "due_at", "id"], name="delivery_calendar", include=["draft", "channel", "state"]
            ),
            models.Index(fields=["channel", "due_at", "id"], name="delivery_by_channel", include=["draft", "state"]),
            models.Index(fields=["workspace", "state", "due_at", "id"], name="delivery_by_state"),
            models.Index(fields=["draft"], name="delivery_draft"),
            models.Index(
                fields=["confirmed_by"], name="delivery_confirmed", condition=models.Q(confirmed_by__isnull=False)
            ),
            models.Index(
                fields=["workspace", "due_at", "id"],
                name="delivery_attention",
                include=["channel", "hold", "state"],
                condition=models.Q(state__in=ATTENTION_STATES),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.id} {self.state}"

    def show(self, rendered: Rendered) -> None:
        """Take what is to be sent, with what others ask of it: the columns SHOWN."""
        self.rendered, self.text_hash, first = to_compact_json(rendered), text_hash(rendered), rendered.parts[0]
        self.head, self.picture = first.text[:HEAD_LENGTH], first.media[0].media.ref if first.media else None
        self.charges = self.rendered.get("charges")

    @property
    def standing(self) -> DeliveryState:
        return shown_state(self)

    @property
    def late_ms(self) -> int | None:
        """Milliseconds between the wanted and the real time; None before it is out."""
        return round((self.published_at - self.due_at).total_seconds() * 1000) if self.published_at else None


class _HasState(Protocol):
    @property
    def state(self) -> str: ...
    @property
    def begun_at(self) -> datetime | None: ...


def shown_state(row: _HasState) -> DeliveryState:
    """A delivery's state as people are told: on its way from the moment on that its first step begins."""
    is_claimed = row.state == DeliveryState.SCHEDULED and row.begun_at is not None
    return DeliveryState.PUBLISHING if is_claimed else DeliveryState(row.state)


def in_flight_filter() -> models.Q:
    """Deliveries whose first step is under way: by their time, so that the index of what is due leads to them."""
    return models.Q(state=DeliveryState.SCHEDULED, begun_at__isnull=False, next_at__lte=clock.now())


def state_filter(states: Collection[str]) -> models.Q:
    """Deliveries that stand in one of these states. Those whose first step is under way are among both the scheduled,
    which an index alone tells, and those on their way."""
    found = models.Q(state__in=states)
    return found | in_flight_filter() if DeliveryState.PUBLISHING in states else found


class Attempt(models.Model):
    """One step, or one decision of a person, in words that a person reads."""

    delivery_id: UUID
    # Written by the thousand a second, and asked of the database only by its own code: no check and no second index.
    delivery = models.ForeignKey(
        Delivery, on_delete=models.CASCADE, related_name="attempts", db_constraint=False, db_index=False
    )
    at = models.DateTimeField(default=clock.now)
    did = models.CharField(max_length=10)  # publish, find, person
    outcome = models.CharField(max_length=20)
    sentence = models.TextField(blank=True)
    detail = models.JSONField(default=dict, blank=True)  # said: how the sentence was made; calls, traceback of a bug
    worker = models.CharField(max_length=80, blank=True)

    class Meta:
        indexes = [models.Index(fields=["delivery", "id"], name="attempt_story")]
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.did}: {self.outcome}"


class Revision(models.Model):
    """A published post that is changed on its network: stored before anything is sent there."""

    class State(models.TextChoices):
        BEGUN = "begun", "under way"  # or its process died: what became of it is looked up
        UNKNOWN = "unknown", "outcome unknown"
        DONE = "done", "changed"
        REFUSED = "refused", "not changed"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="revisions")
    person = models.ForeignKey(Person, on_delete=models.SET_NULL, null=True, related_name="+")
    state = models.CharField(max_length=8, choices=State.choices, default=State.BEGUN)
    before = models.JSONField()  # as it was published or last changed, in wire form
    after = models.JSONField()  # as it is to read
    done = ArrayField(models.PositiveSmallIntegerField(), default=list, blank=True)  # parts that read so
    raw = models.JSONField(default=dict, blank=True)  # what the network answered, by part
    begun_at = models.DateTimeField(default=clock.now)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["delivery"], name="one_revision_at_a_time", condition=models.Q(state__in=["begun", "unknown"])
            )
        ]
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.delivery_id}: {self.state}"


class Outage(models.Model):
    """A network, or one of its servers, that cannot be reached: its deliveries wait, but for a few that try."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    app = models.ForeignKey(NetworkApp, on_delete=models.CASCADE, related_name="outages")
    host = models.CharField(max_length=200, blank=True)  # where a network has many servers
    rounds = models.PositiveIntegerField(default=1)  # fruitless tries since it began
    began_at = models.DateTimeField(default=clock.now)
    until = models.DateTimeField()  # when it is tried again
    told_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["app", "host"], name="one_outage_at_a_time", condition=models.Q(ended_at=None)
            )
        ]

    def __str__(self) -> str:
        return f"{self.app} {self.host} since {self.began_at}"


class SavedText(models.Model):
    """Words that a workspace uses again and again; put in where the cursor stands."""

    class Kind(models.TextChoices):
        HASHTAGS = "hashtags", "hashtags"
        SIGNATURE = "signature", "signature"
        TEMPLATE = "template", "template"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="saved_texts")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    name = models.CharField(max_length=80)
    text = models.TextField()
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["workspace", "kind", "name"], name="one_saved_text_each_name")]
        ordering = ["kind", "name"]

    def __str__(self) -> str:
        return self.name


class ChannelGroup(models.Model):
    """Channels that are chosen together, by one press."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="channel_groups")
    name = models.CharField(max_length=80)
    keys = ArrayField(models.CharField(max_length=80))  # of channels

    class Meta:
        constraints = [models.UniqueConstraint(fields=["workspace", "name"], name="one_channel_group_each_name")]
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class EditorPresence(models.Model):
    """Somebody has a post open in an editor; gone when it was not heard of for a minute."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+")
    draft_id = models.UUIDField()  # no foreign key: a post is opened before it is first saved
    hand = models.CharField(max_length=40)  # the open editor
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+")
    seen_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["draft_id", "hand"], name="one_writer_each_hand")]

    def __str__(self) -> str:
        return f"{self.person} in {self.draft_id}"


class ReviewLink(models.Model):
    """A way for somebody without a sign-in to read one post. Only the link's digest is kept."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+")
    draft = models.ForeignKey(Draft, on_delete=models.CASCADE, related_name="review_links")
    digest = models.CharField(max_length=64, unique=True)  # SHA-256 of the link's secret
    name = models.CharField(max_length=120)  # for whom: what they say carries it
    may_comment = models.BooleanField(default=True)
    may_approve = models.BooleanField(default=True)
    created_by = models.ForeignKey(Person, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=clock.now)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    opened_at = models.DateTimeField(null=True)  # last

    class Meta:
        indexes = [models.Index(fields=["workspace", "-id"], name="review_link_workspace")]

    def __str__(self) -> str:
        return f"{self.name} reads {self.draft_id}"


class Review(models.Model):
    """One thing that somebody said about a post before it went out: a comment on its text, or a verdict."""

    class Kind(models.TextChoices):
        COMMENT = "comment", "commented"
        SUBMITTED = "submitted", "submitted"
        APPROVED = "approved", "approved"
        RETURNED = "returned", "sent back"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+")
    draft = models.ForeignKey(Draft, on_delete=models.CASCADE, related_name="reviews")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    version = models.PositiveIntegerField()  # of the draft, when it was said
    text = models.TextField(blank=True)
    part = models.PositiveSmallIntegerField(null=True)  # position of the part that it is about; None: the whole post
    quote = models.TextField(blank=True)  # the words that it is about
    person = models.ForeignKey(Person, on_delete=models.SET_NULL, null=True, related_name="+")
    link = models.ForeignKey(ReviewLink, on_delete=models.SET_NULL, null=True, related_name="+")
    name = models.CharField(max_length=120)  # of who said it, as they were called then
    at = models.DateTimeField(default=clock.now)
    resolved_at = models.DateTimeField(null=True)
    resolved_by = models.ForeignKey(Person, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        indexes = [models.Index(fields=["draft", "id"], name="review_of_draft")]
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.name} {self.kind}"


class KnownAccount(models.Model):
    """An account that a text may mention, as its network told of it, or as somebody here wrote it before."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+")
    network = models.CharField(max_length=40)
    target = models.CharField(max_length=300)  # of a mention's span, case folded
    mention = models.CharField(max_length=400)  # what an author writes
    handle = models.CharField(max_length=300)  # without @
    name = models.CharField(max_length=300, blank=True)
    is_there = models.BooleanField(null=True)  # None: written here, and never looked up
    seen_at = models.DateTimeField(default=clock.now)  # when it was looked up or written, last

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["workspace", "network", "target"], name="one_handle_each_account")
        ]

    def __str__(self) -> str:
        return f"{self.handle} on {self.network}"


class Contact(models.Model):
    """One person or firm with several handles: "@Name" in a text becomes the right one on each network."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="contacts")
    name = models.CharField(max_length=60)  # one word, as it stands after the @
    mentions = models.JSONField(default=dict)  # network: what stands there instead, "@kopisenja"
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.UniqueConstraint(models.F("workspace"), Lower("name"), name="one_contact_each_name")]
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
