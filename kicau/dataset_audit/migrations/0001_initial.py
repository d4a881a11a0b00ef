import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import kicau.base.ids
import kicau.connector.clock


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("workspaces", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="DatasetAudit",
            fields=[
                (
                    "id",
                    models.UUIDField(default=kicau.base.ids.new_id, editable=False, primary_key=True, serialize=False),
                ),
                ("name", models.CharField(max_length=200)),
                ("query", models.JSONField(blank=True, default=dict)),
                ("where", models.CharField(max_length=2000)),
                ("control", models.CharField(blank=True, max_length=2000)),
                ("is_uploaded", models.BooleanField(default=False)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "waits for its turn"),
                            ("running", "being searched"),
                            ("done", "done"),
                            ("failed", "could not be searched"),
                            ("canceled", "stopped"),
                        ],
                        default="waiting",
                        max_length=10,
                    ),
                ),
                ("problem", models.JSONField(blank=True, default=dict)),
                ("posts", models.PositiveIntegerField(default=0)),
                ("expected", models.BigIntegerField(default=0)),
                ("read", models.BigIntegerField(default=0)),
                ("copies", models.PositiveIntegerField(default=0)),
                ("found", models.PositiveIntegerField(default=0)),
                ("summary", models.JSONField(blank=True, default=dict)),
                ("bundle_sha256", models.CharField(blank=True, max_length=64)),
                ("not_stamped", models.JSONField(blank=True, default=list)),
                ("created_at", models.DateTimeField(default=kicau.connector.clock.now)),
                ("started_at", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
                (
                    "by",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.SET_NULL, to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "workspace",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="audits", to="workspaces.workspace"
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["workspace", "-id"], name="audit_newest"),
                    models.Index(
                        condition=models.Q(("state__in", ["waiting", "running"])), fields=["id"], name="audit_due"
                    ),
                ]
            },
        ),
        migrations.CreateModel(
            name="FoundCopy",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("posts", models.JSONField(default=list)),
                ("kind", models.CharField(max_length=10)),
                ("format", models.CharField(max_length=10)),
                ("shard", models.CharField(max_length=2000)),
                ("first_byte", models.BigIntegerField()),
                ("last_byte", models.BigIntegerField()),
                ("place", models.JSONField(blank=True, default=dict)),
                ("words", models.PositiveIntegerField()),
                ("of_words", models.PositiveIntegerField()),
                ("longest_run", models.PositiveIntegerField()),
                ("bits", models.FloatField()),
                ("raw", models.TextField()),
                ("raw_first_byte", models.BigIntegerField()),
                (
                    "audit",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="hits",
                        to="dataset_audit.datasetaudit",
                    ),
                ),
            ],
            options={"indexes": [models.Index(fields=["audit", "id"], name="hit_audit")]},
        ),
        migrations.CreateModel(
            name="FoundPost",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("item", models.CharField(max_length=64)),
                ("text", models.TextField()),
                ("taken_back_at", models.DateTimeField(null=True)),
                (
                    "audit",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="sought",
                        to="dataset_audit.datasetaudit",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(condition=models.Q(("taken_back_at", None)), fields=["item"], name="sought_item")
                ],
                "constraints": [models.UniqueConstraint(fields=("audit", "item"), name="one_text_each_item")],
            },
        ),
    ]
