import django.contrib.postgres.fields
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
            name="Medium",
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
                ("sha256", models.CharField(max_length=64)),
                ("name", models.CharField(max_length=255)),
                ("kind", models.CharField(max_length=10)),
                ("mime", models.CharField(max_length=100)),
                ("size", models.BigIntegerField()),
                ("width", models.PositiveIntegerField(default=0)),
                ("height", models.PositiveIntegerField(default=0)),
                ("duration_ms", models.PositiveBigIntegerField(default=0)),
                ("fps", models.FloatField(default=0)),
                ("bitrate", models.BigIntegerField(default=0)),
                ("video_codec", models.CharField(blank=True, max_length=20)),
                ("audio_codec", models.CharField(blank=True, max_length=20)),
                ("frames", models.PositiveIntegerField(default=0)),
                ("pages", models.PositiveIntegerField(default=0)),
                ("colour", models.CharField(blank=True, max_length=10)),
                ("alt", models.TextField(blank=True)),
                ("title", models.CharField(blank=True, max_length=300)),
                (
                    "tags",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=60), blank=True, default=list
                    ),
                ),
                ("created_at", models.DateTimeField(default=kicau.connector.clock.now)),
                (
                    "added_by",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.SET_NULL, to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "workspace",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="media", to="workspaces.workspace"
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["workspace", "-created_at", "-id"], name="medium_library")],
                "constraints": [
                    models.UniqueConstraint(fields=("workspace", "sha256"), name="one_medium_each_content")
                ],
            },
        ),
        migrations.CreateModel(
            name="LinkedPage",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("url", models.CharField(max_length=2000)),
                ("title", models.CharField(blank=True, max_length=300)),
                ("description", models.CharField(blank=True, max_length=1000)),
                ("why", models.TextField(blank=True)),
                ("said", models.JSONField(blank=True, default=list)),
                ("read_at", models.DateTimeField(default=kicau.connector.clock.now)),
                (
                    "workspace",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="linked_pages",
                        to="workspaces.workspace",
                    ),
                ),
                (
                    "picture",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to="media.medium"
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("workspace", "url"), name="one_linked_page_each_url")]
            },
        ),
    ]
