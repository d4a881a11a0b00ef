import re

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.db.models.deletion
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models

import kicau.base.ids
import kicau.connector.clock

# With millions of rows, a fifth of them is far too many to wait for before a vacuum: rows are claimed and written all day,
# and dead rows lie in the indexes that the dispatcher reads. Half of each page stays free, so that a claim's new row stays
# on its page and takes over the old row's index entries (kicau/publishing/delivery/claims.py, docs/decisions/0030 and 0031).
STORAGE = (
    "autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 5000, "
    "autovacuum_analyze_scale_factor = 0.02, autovacuum_analyze_threshold = 2000, fillfactor = 50"
)
STORAGE_NAMES = re.sub(r" = [0-9.]+", "", STORAGE)


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("channels", "0001_initial"),
        ("media", "0001_initial"),
        ("workspaces", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Campaign",
            fields=[
                (
                    "id",
                    models.UUIDField(default=kicau.base.ids.new_id, editable=False, primary_key=True, serialize=False),
                ),
                ("name", models.CharField(max_length=120)),
                ("created_at", models.DateTimeField(default=kicau.connector.clock.now)),
                (
                    "workspace",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="campaigns", to="workspaces.workspace"
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("workspace", "name"), name="one_campaign_each_name")]
            },
        ),
        migrations.CreateModel(
            name="ChannelGroup",
            fields=[
                (
                    "id",
                    models.UUIDField(default=kicau.base.ids.new_id, editable=False, primary_key=True, serialize=False),
                ),
                ("name", models.CharField(max_length=80)),
                ("keys", django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=80))),
                (
                    "workspace",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="channel_groups",
                        to="workspaces.workspace",
                    ),
                ),
            ],
            options={
                "ordering": ["name"],
                "constraints": [
                    models.UniqueConstraint(fields=("workspace", "name"), name="one_channel_group_each_name")
                ],
            },
        ),
        migrations.CreateModel(
            name="Contact",
            fields=[
                (
                    "id",
                    models.UUIDField(default=kicau.base.ids.new_id, editable=False, primary_key=True, serialize=False),
                ),
                ("name", models.CharField(max_length=60)),
                ("mentions", models.JSONField(default=dict)),
                ("created_at", models.DateTimeField(default=kicau.connector.clock.now)),
                (
                    "workspace",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="contacts", to="workspaces.workspace"
                    ),
                ),
            ],
            options={
                "ordering": ["name"],
                "constraints": [
                    models.UniqueConstraint(
                        models.F("workspace"),
                        django.db.models.functions.text.Lower("name"),
                        name="one_contact_each_name",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Delivery",
            fields=[
                (
                    "id",
                    models.UUIDField(default=kicau.base.ids.new_id, editable=False, primary_key=True, serialize=False),
                ),
                ("network", models.CharField(max_length=40)),
                ("key", models.UUIDField(default=kicau.base.ids.new_id)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("scheduled", "scheduled"),
                            ("publishing", "being published"),
                            ("published", "published"),
                            ("held", "held"),
                            ("failed", "has a problem to fix"),
                            ("unknown", "outcome unknown"),
                            ("parked", "stopped by an error in Kicau"),
                            ("canceled", "canceled"),
                            ("deleted", "deleted from the network"),
                        ],
                        default="scheduled",
                        max_length=10,
                    ),
                ),
                (
                    "hold",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("", ""),
                            ("confirmation", "waits for a person to confirm it"),
                            ("budget", "plan or budget is spent"),
                            ("offboarded", "its network was offboarded"),
                        ],
                        default="",
                        max_length=12,
                    ),
                ),
                ("due_at", models.DateTimeField()),
                ("timezone", models.CharField(default="UTC", max_length=64)),
                ("next_at", models.DateTimeField()),
                ("rendered", models.JSONField()),
                ("head", models.TextField(null=True)),
                ("picture", models.TextField(null=True)),
                ("charges", models.JSONField(null=True)),
                ("text_hash", models.CharField(blank=True, max_length=64)),
                ("progress", models.JSONField(blank=True, default=dict)),
                ("steps", models.PositiveIntegerField(default=0)),
                ("tries", models.PositiveIntegerField(default=0)),
                ("worker", models.CharField(blank=True, max_length=80)),
                ("lease_until", models.DateTimeField(null=True)),
                ("begun_at", models.DateTimeField(null=True)),
                ("unsent", models.BooleanField(db_default=False, default=False)),
                ("broken_at", models.DateTimeField(null=True)),
                ("reason", models.TextField(blank=True)),
                ("said", models.JSONField(blank=True, default=list)),
                ("problems", models.JSONField(blank=True, default=list)),
                (
                    "remote_ids",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=300), blank=True, default=list
                    ),
                ),
                ("url", models.URLField(blank=True, max_length=1000)),
                ("raw", models.JSONField(blank=True, default=dict)),
                ("published_at", models.DateTimeField(null=True)),
                ("confirmed_at", models.DateTimeField(null=True)),
                ("created_at", models.DateTimeField(default=kicau.connector.clock.now)),
                ("changed_at", models.DateTimeField(default=kicau.connector.clock.now)),
                (
                    "channel",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="deliveries",
                        to="channels.channel",
                    ),
                ),
                (
                    "confirmed_by",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "workspace",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="deliveries",
                        to="workspaces.workspace",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("state__in", ["scheduled", "publishing"])),
                        fields=["channel", "next_at"],
                        name="delivery_due",
                    ),
                    models.Index(
                        condition=models.Q(("state__in", ["scheduled", "publishing"])),
                        fields=["next_at"],
                        name="delivery_next",
                    ),
                    models.Index(fields=["workspace", "state", "due_at", "id"], name="delivery_by_state"),
                    models.Index(
                        condition=models.Q(("confirmed_by__isnull", False)),
                        fields=["confirmed_by"],
                        name="delivery_confirmed",
                    ),
                    models.Index(
                        condition=models.Q(("state__in", ("failed", "unknown", "parked", "held"))),
                        fields=["workspace", "due_at", "id"],
                        include=("channel", "hold", "state"),
                        name="delivery_attention",
                    ),
                ]
            },
        ),
        migrations.CreateModel(
            name="Attempt",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(default=kicau.connector.clock.now)),
                ("did", models.CharField(max_length=10)),
                ("outcome", models.CharField(max_length=20)),
                ("sentence", models.TextField(blank=True)),
                ("detail", models.JSONField(blank=True, default=dict)),
                ("worker", models.CharField(blank=True, max_length=80)),
                (
                    "delivery",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="attempts",
                        to="publishing.delivery",
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
                "indexes": [models.Index(fields=["delivery", "id"], name="attempt_story")],
            },
        ),
        migrations.CreateModel(
            name="Draft",
            fields=[
                (
                    "origin",
                    models.CharField(
                        choices=[
                            ("composed", "written here"),
                            ("imported", "from its owner's own archive or file"),
                            ("fetched", "read from a network"),
                            ("received", "sent by someone else"),
                            ("generated", "made by a model"),
                        ],
                        default="composed",
                        max_length=12,
                    ),
                ),
                ("origin_detail", models.CharField(blank=True, max_length=500)),
                ("ai_use", models.JSONField(blank=True, default=dict)),
                (
                    "id",
                    models.UUIDField(default=kicau.base.ids.new_id, editable=False, primary_key=True, serialize=False),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("draft", "draft"),
                            ("submitted", "waits for an editor"),
                            ("approved", "approved"),
                            ("scheduled", "scheduled"),
                            ("archived", "archived"),
                        ],
                        default="draft",
                        max_length=10,
                    ),
                ),
                ("ref", models.CharField(blank=True, max_length=120)),
                ("language", models.CharField(blank=True, max_length=20)),
                ("extras", models.JSONField(blank=True, default=dict)),
                (
                    "tags",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=60), blank=True, default=list
                    ),
                ),
                ("timezone", models.CharField(default="UTC", max_length=64)),
                ("version", models.PositiveIntegerField(default=1)),
                ("created_at", models.DateTimeField(default=kicau.connector.clock.now)),
                ("changed_at", models.DateTimeField(default=kicau.connector.clock.now)),
                (
                    "author",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "campaign",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        to="publishing.campaign",
                    ),
                ),
                (
                    "workspace",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="drafts", to="workspaces.workspace"
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["workspace", "-id"], name="draft_workspace"),
                    django.contrib.postgres.indexes.GinIndex(fields=["tags"], name="draft_tags"),
                    models.Index(fields=["campaign", "id"], include=("workspace",), name="draft_campaign"),
                    models.Index(fields=["author", "id"], include=("workspace",), name="draft_author"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("ref", ""), _negated=True),
                        fields=("workspace", "ref"),
                        name="one_draft_each_ref",
                    )
                ],
            },
        ),
        migrations.AddField(
            model_name="delivery",
            name="draft",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="deliveries",
                to="publishing.draft",
            ),
        ),
        migrations.CreateModel(
            name="KnownAccount",
            fields=[
                (
                    "id",
                    models.UUIDField(default=kicau.base.ids.new_id, editable=False, primary_key=True, serialize=False),
                ),
                ("network", models.CharField(max_length=40)),
                ("target", models.CharField(max_length=300)),
                ("mention", models.CharField(max_length=400)),
                ("handle", models.CharField(max_length=300)),
                ("name", models.CharField(blank=True, max_length=300)),
                ("is_there", models.BooleanField(null=True)),
                ("seen_at", models.DateTimeField(default=kicau.connector.clock.now)),
                (
                    "workspace",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="workspaces.workspace"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("workspace", "network", "target"), name="one_handle_each_account")
                ]
            },
        ),
        migrations.CreateModel(
            name="Outage",
            fields=[
                (
                    "id",
                    models.UUIDField(default=kicau.base.ids.new_id, editable=False, primary_key=True, serialize=False),
                ),
                ("host", models.CharField(blank=True, max_length=200)),
                ("rounds", models.PositiveIntegerField(default=1)),
                ("began_at", models.DateTimeField(default=kicau.connector.clock.now)),
                ("until", models.DateTimeField()),
                ("told_at", models.DateTimeField(null=True)),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "app",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="outages", to="channels.networkapp"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("ended_at", None)), fields=("app", "host"), name="one_outage_at_a_time"
                    )
                ]
            },
        ),
        migrations.CreateModel(
            name="Part",
            fields=[
                (
                    "origin",
                    models.CharField(
                        choices=[
                            ("composed", "written here"),
                            ("imported", "from its owner's own archive or file"),
                            ("fetched", "read from a network"),
                            ("received", "sent by someone else"),
                            ("generated", "made by a model"),
                        ],
                        default="composed",
                        max_length=12,
                    ),
                ),
                ("origin_detail", models.CharField(blank=True, max_length=500)),
                ("ai_use", models.JSONField(blank=True, default=dict)),
                (
                    "id",
                    models.UUIDField(default=kicau.base.ids.new_id, editable=False, primary_key=True, serialize=False),
                ),
                ("position", models.PositiveSmallIntegerField()),
                ("text", models.TextField(blank=True)),
                (
                    "draft",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="parts", to="publishing.draft"
                    ),
                ),
            ],
            options={
                "ordering": ["position"],
            },
        ),
        migrations.CreateModel(
            name="PartMedium",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("position", models.PositiveSmallIntegerField()),
                ("alt", models.TextField(null=True)),
                ("cover_ms", models.PositiveIntegerField(null=True)),
                (
                    "cover",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="covers", to="media.medium"
                    ),
                ),
                (
                    "medium",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="uses", to="media.medium"
                    ),
                ),
                (
                    "part",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="uses", to="publishing.part"
                    ),
                ),
            ],
            options={
                "ordering": ["position"],
            },
        ),
        migrations.CreateModel(
            name="ReviewLink",
            fields=[
                (
                    "id",
                    models.UUIDField(default=kicau.base.ids.new_id, editable=False, primary_key=True, serialize=False),
                ),
                ("digest", models.CharField(max_length=64, unique=True)),
                ("name", models.CharField(max_length=120)),
                ("may_comment", models.BooleanField(default=True)),
                ("may_approve", models.BooleanField(default=True)),
                ("created_at", models.DateTimeField(default=kicau.connector.clock.now)),
                ("expires_at", models.DateTimeField()),
                ("revoked_at", models.DateTimeField(null=True)),
                ("opened_at", models.DateTimeField(null=True)),
                (
                    "created_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "draft",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="review_links", to="publishing.draft"
                    ),
                ),
                (
                    "workspace",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="workspaces.workspace"
                    ),
                ),
            ],
            options={"indexes": [models.Index(fields=["workspace", "-id"], name="review_link_workspace")]},
        ),
        migrations.CreateModel(
            name="Review",
            fields=[
                (
                    "id",
                    models.UUIDField(default=kicau.base.ids.new_id, editable=False, primary_key=True, serialize=False),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("comment", "commented"),
                            ("submitted", "submitted"),
                            ("approved", "approved"),
                            ("returned", "sent back"),
                        ],
                        max_length=10,
                    ),
                ),
                ("version", models.PositiveIntegerField()),
                ("text", models.TextField(blank=True)),
                ("part", models.PositiveSmallIntegerField(null=True)),
                ("quote", models.TextField(blank=True)),
                ("name", models.CharField(max_length=120)),
                ("at", models.DateTimeField(default=kicau.connector.clock.now)),
                ("resolved_at", models.DateTimeField(null=True)),
                (
                    "draft",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="reviews", to="publishing.draft"
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "resolved_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "workspace",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="workspaces.workspace"
                    ),
                ),
                (
                    "link",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="publishing.reviewlink",
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
                "indexes": [models.Index(fields=["draft", "id"], name="review_of_draft")],
            },
        ),
        migrations.CreateModel(
            name="Revision",
            fields=[
                (
                    "id",
                    models.UUIDField(default=kicau.base.ids.new_id, editable=False, primary_key=True, serialize=False),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("begun", "under way"),
                            ("unknown", "outcome unknown"),
                            ("done", "changed"),
                            ("refused", "not changed"),
                        ],
                        default="begun",
                        max_length=8,
                    ),
                ),
                ("before", models.JSONField()),
                ("after", models.JSONField()),
                (
                    "done",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.PositiveSmallIntegerField(), blank=True, default=list
                    ),
                ),
                ("raw", models.JSONField(blank=True, default=dict)),
                ("begun_at", models.DateTimeField(default=kicau.connector.clock.now)),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "delivery",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="revisions", to="publishing.delivery"
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state__in", ["begun", "unknown"])),
                        fields=("delivery",),
                        name="one_revision_at_a_time",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="SavedText",
            fields=[
                (
                    "id",
                    models.UUIDField(default=kicau.base.ids.new_id, editable=False, primary_key=True, serialize=False),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("hashtags", "hashtags"), ("signature", "signature"), ("template", "template")],
                        max_length=10,
                    ),
                ),
                ("name", models.CharField(max_length=80)),
                ("text", models.TextField()),
                ("created_at", models.DateTimeField(default=kicau.connector.clock.now)),
                (
                    "workspace",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="saved_texts",
                        to="workspaces.workspace",
                    ),
                ),
            ],
            options={
                "ordering": ["kind", "name"],
                "constraints": [
                    models.UniqueConstraint(fields=("workspace", "kind", "name"), name="one_saved_text_each_name")
                ],
            },
        ),
        migrations.CreateModel(
            name="Variant",
            fields=[
                (
                    "id",
                    models.UUIDField(default=kicau.base.ids.new_id, editable=False, primary_key=True, serialize=False),
                ),
                ("network", models.CharField(blank=True, max_length=40)),
                ("has_parts", models.BooleanField(default=False)),
                ("extras", models.JSONField(blank=True, default=dict)),
                (
                    "channel",
                    models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, to="channels.channel"),
                ),
                (
                    "draft",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="variants", to="publishing.draft"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("draft", "channel", "network"), name="one_variant_each_target", nulls_distinct=False
                    )
                ]
            },
        ),
        migrations.AddField(
            model_name="part",
            name="variant",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.CASCADE, related_name="parts", to="publishing.variant"
            ),
        ),
        migrations.CreateModel(
            name="EditorPresence",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("draft_id", models.UUIDField()),
                ("hand", models.CharField(max_length=40)),
                ("seen_at", models.DateTimeField(default=kicau.connector.clock.now)),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "workspace",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="workspaces.workspace"
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("draft_id", "hand"), name="one_writer_each_hand")]
            },
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                fields=["workspace", "due_at", "id"], include=("draft", "channel", "state"), name="delivery_calendar"
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                fields=["channel", "due_at", "id"], include=("draft", "state"), name="delivery_by_channel"
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(fields=["draft"], name="delivery_draft"),
        ),
        migrations.RunSQL(
            f"ALTER TABLE publishing_delivery SET ({STORAGE})",
            f"ALTER TABLE publishing_delivery RESET ({STORAGE_NAMES})",
        ),
    ]
