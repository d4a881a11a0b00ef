import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import kicau.base.ids
import kicau.connector.clock


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("archive", "0001_initial"),
        ("workspaces", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="TrainingSet",
            fields=[
                (
                    "id",
                    models.UUIDField(default=kicau.base.ids.new_id, editable=False, primary_key=True, serialize=False),
                ),
                ("name", models.CharField(max_length=120)),
                ("purpose", models.TextField(blank=True)),
                ("use", models.CharField(default="train_gen", max_length=12)),
                ("meets", models.JSONField(blank=True, default=list)),
                ("query", models.JSONField(blank=True, default=dict)),
                (
                    "format",
                    models.CharField(
                        choices=[
                            ("text", "plain text"),
                            ("prompt", "prompt and completion"),
                            ("chat", "chat messages"),
                        ],
                        default="text",
                        max_length=8,
                    ),
                ),
                ("options", models.JSONField(blank=True, default=dict)),
                ("created_at", models.DateTimeField(default=kicau.connector.clock.now)),
                (
                    "made_by",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.SET_NULL, to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "workspace",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="training_sets",
                        to="workspaces.workspace",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "constraints": [models.UniqueConstraint(fields=("workspace", "name"), name="one_set_each_name")],
            },
        ),
        migrations.CreateModel(
            name="TrainingSetPreview",
            fields=[
                (
                    "set",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="preview",
                        serialize=False,
                        to="training_sets.trainingset",
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "waits for its turn"),
                            ("making", "being made"),
                            ("ready", "ready"),
                            ("failed", "could not be made"),
                            ("superseded", "something was taken back; a newer version is without it"),
                        ],
                        default="waiting",
                        max_length=12,
                    ),
                ),
                ("as_of", models.DateTimeField(default=kicau.connector.clock.now)),
                ("expected", models.PositiveIntegerField(default=0)),
                ("done", models.PositiveIntegerField(default=0)),
                ("records", models.PositiveIntegerField(default=0)),
                ("items", models.PositiveIntegerField(default=0)),
                ("splits", models.JSONField(blank=True, default=dict)),
                ("excluded", models.JSONField(blank=True, default=dict)),
                ("reasons", models.JSONField(blank=True, default=dict)),
                ("personal", models.JSONField(blank=True, default=dict)),
                ("examples", models.JSONField(blank=True, default=list)),
                ("questions", models.JSONField(blank=True, default=list)),
                ("problem", models.TextField(blank=True)),
                ("ready_at", models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="PersonalDataFinding",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("item", models.UUIDField()),
                ("kind", models.CharField(max_length=10)),
                ("start", models.PositiveIntegerField()),
                ("end", models.PositiveIntegerField()),
                ("sha256", models.CharField(max_length=64)),
                ("is_kept", models.BooleanField(null=True)),
                ("judged_at", models.DateTimeField(null=True)),
                (
                    "judged_by",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.SET_NULL, to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "set",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="found",
                        to="training_sets.trainingset",
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
                "constraints": [
                    models.UniqueConstraint(fields=("set", "item", "start", "kind"), name="one_finding_each_place")
                ],
            },
        ),
        migrations.CreateModel(
            name="TrainingSetVersion",
            fields=[
                (
                    "id",
                    models.UUIDField(default=kicau.base.ids.new_id, editable=False, primary_key=True, serialize=False),
                ),
                ("number", models.PositiveIntegerField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "waits for its turn"),
                            ("making", "being made"),
                            ("ready", "ready"),
                            ("failed", "could not be made"),
                            ("superseded", "something was taken back; a newer version is without it"),
                        ],
                        default="waiting",
                        max_length=12,
                    ),
                ),
                ("as_of", models.DateTimeField(default=kicau.connector.clock.now)),
                ("expected", models.PositiveIntegerField(default=0)),
                ("done", models.PositiveIntegerField(default=0)),
                ("records", models.PositiveIntegerField(default=0)),
                ("excluded", models.JSONField(blank=True, default=dict)),
                ("reasons", models.JSONField(blank=True, default=dict)),
                ("questions", models.JSONField(blank=True, default=list)),
                ("files", models.JSONField(blank=True, default=dict)),
                ("delta", models.JSONField(blank=True, default=dict)),
                ("effect_ms", models.PositiveIntegerField(null=True)),
                ("problem", models.TextField(blank=True)),
                ("created_at", models.DateTimeField(default=kicau.connector.clock.now)),
                ("ready_at", models.DateTimeField(null=True)),
                (
                    "set",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="versions",
                        to="training_sets.trainingset",
                    ),
                ),
            ],
            options={
                "ordering": ["-number"],
                "constraints": [models.UniqueConstraint(fields=("set", "number"), name="one_version_each_number")],
            },
        ),
        migrations.CreateModel(
            name="Recipient",
            fields=[
                (
                    "id",
                    models.UUIDField(default=kicau.base.ids.new_id, editable=False, primary_key=True, serialize=False),
                ),
                ("name", models.CharField(max_length=200)),
                ("contact", models.CharField(blank=True, max_length=300)),
                ("given_at", models.DateTimeField(default=kicau.connector.clock.now)),
                ("owes", models.PositiveIntegerField(default=0)),
                ("told_at", models.DateTimeField(null=True)),
                ("ask_digest", models.CharField(blank=True, max_length=64)),
                ("acknowledged_at", models.DateTimeField(null=True)),
                ("acknowledged_by", models.CharField(blank=True, max_length=200)),
                (
                    "version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="recipients",
                        to="training_sets.trainingsetversion",
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("ask_digest", ""), _negated=True),
                        fields=["ask_digest"],
                        name="recipient_asked",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="VersionItem",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("record", models.CharField(max_length=64)),
                ("decision", models.CharField(max_length=64)),
                (
                    "item",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="archive.item",
                    ),
                ),
                (
                    "version",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="members",
                        to="training_sets.trainingsetversion",
                    ),
                ),
            ],
            options={"indexes": [models.Index(fields=["item"], name="member_item")]},
        ),
    ]
