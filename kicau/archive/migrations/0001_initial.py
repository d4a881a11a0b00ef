import datetime

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import kicau.base.ids
import kicau.connector.clock

# The table of the semantic search, where the database has pgvector; without it there is no semantic search, and nothing else is missing.
MAKE = """
DO $$ BEGIN
    IF EXISTS (SELECT FROM pg_available_extensions WHERE name = 'vector') THEN
        CREATE EXTENSION IF NOT EXISTS vector;
        CREATE TABLE archive_meaning (
            item_id uuid PRIMARY KEY,
            workspace_id uuid NOT NULL,
            vector halfvec(512) NOT NULL
        );
        CREATE INDEX archive_meaning_near ON archive_meaning USING hnsw (vector halfvec_cosine_ops);
        CREATE FUNCTION archive_forget_meaning() RETURNS trigger LANGUAGE plpgsql AS $f$ BEGIN
            DELETE FROM archive_meaning m USING gone WHERE m.item_id = gone.id;
            RETURN NULL;
        END $f$;
        CREATE TRIGGER archive_forget_meaning AFTER DELETE ON archive_item REFERENCING OLD TABLE AS gone
            FOR EACH STATEMENT EXECUTE FUNCTION archive_forget_meaning();
    END IF;
EXCEPTION WHEN insufficient_privilege OR undefined_object THEN
    RAISE NOTICE 'pgvector may not be used here: there is no search by meaning';
END $$
"""
DROP = "DROP TRIGGER IF EXISTS archive_forget_meaning ON archive_item; DROP FUNCTION IF EXISTS archive_forget_meaning; DROP TABLE IF EXISTS archive_meaning"


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("publishing", "0001_initial"),
        ("workspaces", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ArchiveImport",
            fields=[
                (
                    "id",
                    models.UUIDField(default=kicau.base.ids.new_id, editable=False, primary_key=True, serialize=False),
                ),
                ("path", models.CharField(max_length=1000)),
                ("is_ours", models.BooleanField(default=False)),
                ("name", models.CharField(max_length=255)),
                ("size", models.BigIntegerField(default=0)),
                ("format", models.CharField(blank=True, max_length=40)),
                ("network", models.CharField(blank=True, max_length=40)),
                ("account_id", models.CharField(blank=True, max_length=200)),
                ("account_handle", models.CharField(blank=True, max_length=200)),
                ("account_name", models.CharField(blank=True, max_length=200)),
                (
                    "acquired",
                    models.CharField(
                        choices=[
                            ("composed", "written here"),
                            ("imported", "from its owner's own archive or file"),
                            ("fetched", "read from a network"),
                            ("received", "sent by someone else"),
                            ("generated", "made by a model"),
                        ],
                        default="imported",
                        max_length=12,
                    ),
                ),
                ("options", models.JSONField(blank=True, default=dict)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "waits for its turn"),
                            ("asking", "asks whose it is"),
                            ("running", "being read"),
                            ("done", "read"),
                            ("failed", "could not be read"),
                            ("canceled", "stopped"),
                        ],
                        default="waiting",
                        max_length=10,
                    ),
                ),
                ("problem", models.JSONField(blank=True, default=dict)),
                ("expected", models.BigIntegerField(default=0)),
                ("cursor", models.JSONField(blank=True, default=dict)),
                ("read", models.BigIntegerField(default=0)),
                ("new", models.BigIntegerField(default=0)),
                ("known", models.BigIntegerField(default=0)),
                ("skipped", models.BigIntegerField(default=0)),
                ("skips", models.JSONField(blank=True, default=list)),
                ("worker", models.CharField(blank=True, max_length=80)),
                ("lease_until", models.DateTimeField(null=True)),
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
                        on_delete=django.db.models.deletion.CASCADE, related_name="imports", to="workspaces.workspace"
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["workspace", "-id"], name="import_workspace"),
                    models.Index(
                        condition=models.Q(("state__in", ["waiting", "running"])), fields=["id"], name="import_due"
                    ),
                ]
            },
        ),
        migrations.CreateModel(
            name="ItemOrigin",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "acquired",
                    models.CharField(
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
                ("network", models.CharField(blank=True, max_length=40)),
                ("label", models.CharField(blank=True, max_length=300)),
                ("created_at", models.DateTimeField(default=kicau.connector.clock.now)),
                (
                    "of_import",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="source",
                        to="archive.archiveimport",
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
                    models.UniqueConstraint(
                        condition=models.Q(("label", ""), ("of_import", None)),
                        fields=("workspace", "acquired", "network"),
                        name="one_source_of_ours",
                    )
                ]
            },
        ),
        migrations.CreateModel(
            name="RightsContext",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("network", models.CharField(max_length=40)),
                ("author", models.CharField(max_length=250)),
                ("author_handle", models.CharField(blank=True, max_length=200)),
                ("author_name", models.CharField(blank=True, max_length=200)),
                ("own", models.BooleanField(default=False)),
                ("licence", models.CharField(blank=True, max_length=200)),
                ("acquired", django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=12))),
                (
                    "workspace",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="workspaces.workspace"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("workspace", "network", "author", "own", "licence", "acquired"),
                        name="one_standing_each",
                    )
                ]
            },
        ),
        migrations.CreateModel(
            name="Item",
            fields=[
                (
                    "id",
                    models.UUIDField(default=kicau.base.ids.new_id, editable=False, primary_key=True, serialize=False),
                ),
                ("network", models.CharField(max_length=40)),
                ("remote_id", models.CharField(max_length=300)),
                ("sources", django.contrib.postgres.fields.ArrayField(base_field=models.IntegerField())),
                ("kind", models.CharField(default="post", max_length=10)),
                ("text", models.TextField(blank=True)),
                ("language", models.CharField(blank=True, max_length=12)),
                ("posted_at", models.DateTimeField(default=datetime.datetime(1970, 1, 1, 0, 0, tzinfo=datetime.UTC))),
                ("posted_to", models.CharField(default="second", max_length=6)),
                ("reply_to", models.CharField(blank=True, max_length=300)),
                ("url", models.CharField(blank=True, max_length=1000)),
                ("media", models.JSONField(blank=True, default=list)),
                ("extra", models.JSONField(blank=True, default=dict)),
                ("said", models.BooleanField(default=False)),
                ("deleted_at", models.DateTimeField(null=True)),
                ("added_at", models.DateTimeField(default=kicau.connector.clock.now)),
                ("search", django.contrib.postgres.search.SearchVectorField(null=True)),
                (
                    "campaign",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="items",
                        to="publishing.campaign",
                    ),
                ),
                (
                    "delivery",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="items",
                        to="publishing.delivery",
                    ),
                ),
                (
                    "workspace",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="items",
                        to="workspaces.workspace",
                    ),
                ),
                (
                    "standing",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="items",
                        to="archive.rightscontext",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["workspace", "-posted_at", "-id"], name="item_newest"),
                    models.Index(fields=["standing", "-posted_at", "-id"], name="item_standing"),
                    models.Index(
                        condition=models.Q(("delivery__isnull", False)), fields=["delivery"], name="item_delivery"
                    ),
                    models.Index(
                        condition=models.Q(("campaign__isnull", False)), fields=["campaign"], name="item_campaign"
                    ),
                    models.Index(condition=models.Q(("said", True)), fields=["workspace", "id"], name="item_said"),
                    django.contrib.postgres.indexes.GinIndex(fields=["search"], name="item_words"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("workspace", "network", "remote_id"), name="one_item_each_remote_id"
                    )
                ],
            },
        ),
        migrations.RunSQL(MAKE, DROP),
    ]
