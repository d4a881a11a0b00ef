from django.db import migrations, models

import kicau.base.ids
import kicau.connector.clock


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="ActivityEntry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("workspace_id", models.UUIDField(null=True)),
                ("at", models.DateTimeField(default=kicau.connector.clock.now)),
                ("actor_id", models.UUIDField(null=True)),
                ("actor", models.CharField(max_length=200)),
                ("via", models.CharField(max_length=20)),
                ("act", models.CharField(max_length=60)),
                ("subject", models.CharField(blank=True, max_length=60)),
                ("detail", models.JSONField(blank=True, default=dict)),
            ],
            options={
                "ordering": ["-id"],
                "indexes": [
                    models.Index(fields=["workspace_id", "-id"], name="audit_workspace"),
                    models.Index(fields=["subject"], name="audit_subject"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Statement",
            fields=[
                (
                    "id",
                    models.UUIDField(default=kicau.base.ids.new_id, editable=False, primary_key=True, serialize=False),
                ),
                ("workspace_id", models.UUIDField()),
                (
                    "layer",
                    models.CharField(
                        choices=[
                            ("withdrawal", "withdrawal of permission"),
                            ("grant", "explicit grant or refusal"),
                            ("contract", "terms under which it was acquired"),
                            ("author", "its author's preference"),
                            ("licence", "the licence file"),
                            ("site", "the preference of the site where it stood"),
                            ("default", "what this workspace does where nobody said anything"),
                        ],
                        max_length=12,
                    ),
                ),
                (
                    "party",
                    models.CharField(
                        choices=[
                            ("author", "the author"),
                            ("network", "the network from which it came"),
                            ("site", "the site where it stood"),
                            ("workspace", "this workspace"),
                        ],
                        max_length=12,
                    ),
                ),
                ("party_name", models.CharField(blank=True, max_length=300)),
                (
                    "subject",
                    models.CharField(
                        choices=[
                            ("everything", "all content in this workspace"),
                            ("network", "all of one network"),
                            ("site", "all content of a website or of one of its folders"),
                            ("licence", "all content under one licence"),
                            ("author", "all of one author"),
                            ("file", "one picture, film or document"),
                            ("item", "one item"),
                        ],
                        max_length=12,
                    ),
                ),
                ("key", models.CharField(blank=True, max_length=500)),
                ("item", models.UUIDField(null=True)),
                ("network", models.CharField(blank=True, max_length=40)),
                (
                    "acquired",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("composed", "written here"),
                            ("imported", "from its owner's own archive or file"),
                            ("fetched", "read from a network"),
                            ("received", "sent by someone else"),
                            ("generated", "made by a model"),
                        ],
                        max_length=12,
                    ),
                ),
                ("says", models.JSONField()),
                ("conditions", models.JSONField(blank=True, default=dict)),
                ("source", models.CharField(blank=True, max_length=2000)),
                ("raw", models.BinaryField(null=True)),
                ("raw_sha256", models.CharField(blank=True, max_length=64)),
                ("parser", models.CharField(blank=True, max_length=80)),
                ("observed_at", models.DateTimeField(default=kicau.connector.clock.now)),
                ("valid_from", models.DateTimeField(default=kicau.connector.clock.now)),
                ("valid_until", models.DateTimeField(null=True)),
                ("note", models.TextField(blank=True)),
                ("recorded_by", models.UUIDField(null=True)),
                ("recorded_at", models.DateTimeField(default=kicau.connector.clock.now)),
            ],
            options={
                "ordering": ["id"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("item__isnull", False)),
                        fields=["workspace_id", "item"],
                        name="statement_item",
                    ),
                    models.Index(
                        condition=models.Q(("item", None)), fields=["workspace_id", "id"], name="statement_general"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Terms",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("network", models.CharField(max_length=40)),
                (
                    "acquired",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("composed", "written here"),
                            ("imported", "from its owner's own archive or file"),
                            ("fetched", "read from a network"),
                            ("received", "sent by someone else"),
                            ("generated", "made by a model"),
                        ],
                        max_length=12,
                    ),
                ),
                ("since", models.DateField()),
                ("until", models.DateField(null=True)),
                ("says", models.JSONField()),
                ("conditions", models.JSONField(blank=True, default=dict)),
                ("summary", models.TextField()),
                ("source", models.URLField(max_length=1000)),
                ("seen_on", models.DateField()),
                ("reviewed_by", models.CharField(blank=True, max_length=200)),
                ("reviewed_at", models.DateTimeField(null=True)),
                ("note", models.TextField(blank=True)),
            ],
            options={
                "ordering": ["network", "acquired", "since"],
                "constraints": [
                    models.UniqueConstraint(fields=("network", "acquired", "since"), name="one_terms_each_day")
                ],
            },
        ),
    ]
