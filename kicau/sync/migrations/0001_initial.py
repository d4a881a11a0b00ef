import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import kicau.base.encrypted_fields
import kicau.base.ids
import kicau.connector.clock


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("channels", "0001_initial"),
        ("publishing", "0001_initial"),
        ("workspaces", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="PostMetrics",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("lease", models.UUIDField(null=True)),
                ("leased_until", models.DateTimeField(null=True)),
                ("remote_id", models.CharField(max_length=300)),
                ("position", models.PositiveSmallIntegerField(default=0)),
                ("published_at", models.DateTimeField()),
                ("values", models.JSONField(default=dict)),
                ("read_at", models.DateTimeField(null=True)),
                ("next_at", models.DateTimeField(null=True)),
                ("gone_at", models.DateTimeField(null=True)),
                ("lost_at", models.DateTimeField(null=True)),
                (
                    "channel",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="channels.channel",
                    ),
                ),
                (
                    "delivery",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="numbered", to="publishing.delivery"
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("next_at__isnull", False)), fields=["channel", "next_at"], name="post_next"
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("channel", "remote_id"), name="one_post_each_remote_id")
                ],
            },
        ),
        migrations.CreateModel(
            name="MetricsChange",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField()),
                ("values", models.JSONField()),
                (
                    "post",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="readings", to="sync.postmetrics"
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="SyncProgress",
            fields=[
                ("lease", models.UUIDField(null=True)),
                ("leased_until", models.DateTimeField(null=True)),
                (
                    "channel",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="channels.channel",
                    ),
                ),
                ("cursor", models.TextField(blank=True)),
                ("read_at", models.DateTimeField(null=True)),
                ("next_at", models.DateTimeField()),
                ("fruitless", models.PositiveIntegerField(default=0)),
                ("reason", models.TextField(blank=True)),
                ("said", models.JSONField(blank=True, default=list)),
                ("is_renewed", models.BooleanField(default=False)),
            ],
            options={
                "indexes": [models.Index(fields=["next_at"], name="standing_next")],
            },
        ),
        migrations.CreateModel(
            name="WebhookSubscription",
            fields=[
                ("lease", models.UUIDField(null=True)),
                ("leased_until", models.DateTimeField(null=True)),
                (
                    "channel",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="channels.channel",
                    ),
                ),
                ("is_wanted", models.BooleanField(default=True)),
                ("parting", kicau.base.encrypted_fields.EncryptedJSONField(null=True)),
                ("parted_at", models.DateTimeField(null=True)),
                ("made_at", models.DateTimeField(null=True)),
                ("told_at", models.DateTimeField(null=True)),
                ("told", models.PositiveIntegerField(default=0)),
                ("next_at", models.DateTimeField(null=True)),
                ("fruitless", models.PositiveIntegerField(default=0)),
                ("reason", models.TextField(blank=True)),
                ("said", models.JSONField(blank=True, default=list)),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("next_at__isnull", False)), fields=["next_at"], name="subscription_next"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="CommentTimestamp",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("remote_id", models.CharField(max_length=300)),
                ("at", models.DateTimeField()),
                ("is_gone", models.BooleanField(default=False)),
                (
                    "channel",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="channels.channel",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["at"], name="told_at")],
                "constraints": [models.UniqueConstraint(fields=("channel", "remote_id"), name="told_each_remote_id")],
            },
        ),
        migrations.CreateModel(
            name="IncomingWebhook",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("digest", models.CharField(max_length=64)),
                ("body", models.BinaryField()),
                ("at", models.DateTimeField(default=kicau.connector.clock.now)),
                ("taken_at", models.DateTimeField(null=True)),
                ("told", models.PositiveIntegerField(default=0)),
                ("ignored", models.PositiveIntegerField(default=0)),
                (
                    "app",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="channels.networkapp"
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(condition=models.Q(("taken_at__isnull", True)), fields=["id"], name="webhook_waiting"),
                    models.Index(fields=["at"], name="webhook_at"),
                ],
                "constraints": [models.UniqueConstraint(fields=("app", "digest"), name="one_webhook_each_body")],
            },
        ),
        migrations.CreateModel(
            name="Comment",
            fields=[
                (
                    "id",
                    models.UUIDField(default=kicau.base.ids.new_id, editable=False, primary_key=True, serialize=False),
                ),
                ("remote_id", models.CharField(max_length=300)),
                ("author", models.CharField(blank=True, max_length=300)),
                ("handle", models.CharField(blank=True, default="", max_length=300)),
                ("name", models.CharField(blank=True, default="", max_length=300)),
                ("url", models.CharField(blank=True, default="", max_length=1000)),
                ("begins", models.CharField(blank=True, default="", max_length=310)),
                ("is_answerable", models.BooleanField(default=True)),
                ("text", models.TextField(blank=True)),
                ("at", models.DateTimeField()),
                ("fetched_at", models.DateTimeField(default=kicau.connector.clock.now)),
                ("raw", models.JSONField(blank=True, default=dict)),
                ("answered_at", models.DateTimeField(null=True)),
                ("done_at", models.DateTimeField(null=True)),
                (
                    "answered_by",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="publishing.delivery",
                    ),
                ),
                (
                    "channel",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="channels.channel",
                    ),
                ),
                (
                    "delivery",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="answers",
                        to="publishing.delivery",
                    ),
                ),
                (
                    "done_by",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "reply",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to="publishing.draft"
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["channel", "at", "id"], name="answer_newest"),
                    models.Index(
                        condition=models.Q(("answered_at", None), ("done_at", None)),
                        fields=["channel", "at", "id"],
                        name="answer_waits",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("channel", "remote_id"), name="one_answer_each_remote_id")
                ],
            },
        ),
        migrations.CreateModel(
            name="SyncChoice",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("network", models.CharField(max_length=40)),
                ("reads", models.BooleanField()),
                ("at", models.DateTimeField(default=kicau.connector.clock.now)),
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
                    "workspace",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="workspaces.workspace"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("workspace", "network"), name="one_choice_each_network")
                ],
            },
        ),
        migrations.CreateModel(
            name="WebhookChoice",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("network", models.CharField(max_length=40)),
                ("is_on", models.BooleanField()),
                ("at", models.DateTimeField(default=kicau.connector.clock.now)),
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
                    "workspace",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="workspaces.workspace"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("workspace", "network"), name="one_listening_each_network")
                ],
            },
        ),
        migrations.CreateModel(
            name="CommentReference",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("lease", models.UUIDField(null=True)),
                ("leased_until", models.DateTimeField(null=True)),
                ("named", models.CharField(max_length=300)),
                ("at", models.DateTimeField(default=kicau.connector.clock.now)),
                ("next_at", models.DateTimeField(default=kicau.connector.clock.now, null=True)),
                ("fruitless", models.PositiveIntegerField(default=0)),
                (
                    "channel",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="channels.channel",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(condition=models.Q(("next_at__isnull", False)), fields=["next_at"], name="named_next")
                ],
                "constraints": [models.UniqueConstraint(fields=("channel", "named"), name="named_once")],
            },
        ),
    ]
