import django.db.models.deletion
from django.db import migrations, models

import kicau.base.encrypted_fields
import kicau.base.ids
import kicau.connector.clock


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Leaf",
            fields=[
                ("index", models.BigIntegerField(primary_key=True, serialize=False)),
                ("hash", models.BinaryField()),
                ("workspace_id", models.UUIDField(null=True)),
                ("kind", models.CharField(max_length=20)),
                ("ref", models.CharField(blank=True, max_length=200)),
                ("at", models.DateTimeField(default=kicau.connector.clock.now)),
            ],
            options={"indexes": [models.Index(fields=["kind", "ref"], name="leaf_of")]},
        ),
        migrations.CreateModel(
            name="SignedCheckpoint",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("size", models.BigIntegerField()),
                ("root", models.BinaryField()),
                ("note", models.TextField()),
                ("anchors", models.JSONField(blank=True, default=list)),
                ("at", models.DateTimeField(default=kicau.connector.clock.now)),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="SigningKey",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=200)),
                ("public", models.BinaryField(unique=True)),
                ("private", kicau.base.encrypted_fields.EncryptedJSONField()),
                ("made_at", models.DateTimeField(default=kicau.connector.clock.now)),
            ],
            options={
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="Tile",
            fields=[
                ("number", models.BigIntegerField(primary_key=True, serialize=False)),
                ("root", models.BinaryField()),
            ],
        ),
        migrations.CreateModel(
            name="WitnessedCheckpoint",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("origin", models.CharField(max_length=200, unique=True)),
                ("size", models.BigIntegerField(default=0)),
                ("root", models.BinaryField(default=bytes)),
                ("note", models.TextField(blank=True)),
                ("at", models.DateTimeField(default=kicau.connector.clock.now)),
            ],
        ),
        migrations.CreateModel(
            name="Canary",
            fields=[
                (
                    "id",
                    models.UUIDField(default=kicau.base.ids.new_id, editable=False, primary_key=True, serialize=False),
                ),
                ("workspace_id", models.UUIDField()),
                ("name", models.CharField(max_length=120)),
                ("candidates", kicau.base.encrypted_fields.EncryptedJSONField()),
                ("chosen", models.PositiveIntegerField()),
                ("first_leaf", models.BigIntegerField()),
                ("tests", models.PositiveIntegerField(default=0)),
                ("registered_at", models.DateTimeField(default=kicau.connector.clock.now)),
            ],
            options={
                "ordering": ["-id"],
                "constraints": [models.UniqueConstraint(fields=("workspace_id", "name"), name="one_canary_each_name")],
            },
        ),
        migrations.CreateModel(
            name="CanaryTest",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField()),
                ("report", kicau.base.encrypted_fields.EncryptedJSONField()),
                ("made_at", models.DateTimeField(default=kicau.connector.clock.now)),
                (
                    "canary",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="held", to="evidence.canary"
                    ),
                ),
            ],
            options={
                "ordering": ["-number"],
                "constraints": [models.UniqueConstraint(fields=("canary", "number"), name="one_report_each_test")],
            },
        ),
        migrations.CreateModel(
            name="Salt",
            fields=[
                (
                    "leaf",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        serialize=False,
                        to="evidence.leaf",
                    ),
                ),
                ("salt", models.BinaryField()),
            ],
        ),
    ]
