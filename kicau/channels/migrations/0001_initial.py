import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import kicau.base.encrypted_fields
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
            name="NetworkApp",
            fields=[
                (
                    "id",
                    models.UUIDField(default=kicau.base.ids.new_id, editable=False, primary_key=True, serialize=False),
                ),
                ("network", models.CharField(max_length=40)),
                ("name", models.CharField(default="default", max_length=80)),
                ("client_id", models.CharField(max_length=300)),
                ("client_secret", kicau.base.encrypted_fields.EncryptedJSONField()),
                ("endpoints", models.JSONField(blank=True, default=dict)),
                ("tier", models.CharField(blank=True, max_length=40)),
                ("plan", models.CharField(blank=True, max_length=40)),
                ("is_sandbox", models.BooleanField(default=False)),
                ("paused_until", models.DateTimeField(null=True)),
                ("sync_paused_until", models.DateTimeField(null=True)),
                ("offboarded_at", models.DateTimeField(null=True)),
                ("created_at", models.DateTimeField(default=kicau.connector.clock.now)),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("network", "name"), name="one_app_each_name")],
            },
        ),
        migrations.CreateModel(
            name="Channel",
            fields=[
                (
                    "id",
                    models.UUIDField(default=kicau.base.ids.new_id, editable=False, primary_key=True, serialize=False),
                ),
                ("network", models.CharField(max_length=40)),
                ("key", models.SlugField(max_length=80)),
                ("account_id", models.CharField(max_length=200)),
                ("handle", models.CharField(max_length=200)),
                ("name", models.CharField(max_length=200)),
                ("kind", models.CharField(default="person", max_length=20)),
                ("host", models.CharField(blank=True, max_length=200)),
                ("url", models.URLField(blank=True, max_length=500)),
                ("credentials", kicau.base.encrypted_fields.EncryptedJSONField()),
                ("token_expires_at", models.DateTimeField(null=True)),
                ("refresh_at", models.DateTimeField(null=True)),
                ("renewal_problem", models.TextField(blank=True, default="")),
                ("renewal_said", models.JSONField(blank=True, default=list)),
                ("capabilities", models.JSONField(blank=True, default=dict)),
                ("capabilities_at", models.DateTimeField(null=True)),
                ("capabilities_delayed_until", models.DateTimeField(null=True)),
                ("capabilities_delay_reason", models.TextField(blank=True, default="")),
                ("asks_said", models.JSONField(blank=True, default=list)),
                ("answered_at", models.DateTimeField(null=True)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("active", "active"),
                            ("expired", "wants a reconnect"),
                            ("held", "waits for a budget"),
                            ("removed", "disconnected"),
                            ("offboarded", "its network was offboarded"),
                        ],
                        default="active",
                        max_length=10,
                    ),
                ),
                ("reason", models.CharField(blank=True, max_length=500)),
                ("is_paused", models.BooleanField(default=False)),
                ("paused_until", models.DateTimeField(null=True)),
                ("sync_paused_until", models.DateTimeField(null=True)),
                ("leaves_at", models.DateTimeField(null=True)),
                ("version", models.PositiveIntegerField(default=1)),
                ("connected_at", models.DateTimeField(default=kicau.connector.clock.now)),
                (
                    "connected_by",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.SET_NULL, to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "workspace",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="channels", to="workspaces.workspace"
                    ),
                ),
                (
                    "app",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="channels", to="channels.networkapp"
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("state__in", ["active", "held"])),
                        fields=["refresh_at"],
                        name="channel_refresh",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("workspace", "key"), name="one_channel_each_key"),
                    models.UniqueConstraint(
                        fields=("workspace", "network", "host", "account_id"), name="one_channel_each_identity"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="PendingSignIn",
            fields=[
                ("state", models.CharField(max_length=100, primary_key=True, serialize=False)),
                ("memory", kicau.base.encrypted_fields.EncryptedJSONField()),
                ("found", kicau.base.encrypted_fields.EncryptedJSONField(null=True)),
                ("created_at", models.DateTimeField(default=kicau.connector.clock.now)),
                ("app", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="channels.networkapp")),
                (
                    "person",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.CASCADE, to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "workspace",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="workspaces.workspace"),
                ),
            ],
        ),
        migrations.CreateModel(
            name="AppRefusal",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(default=kicau.connector.clock.now)),
                ("network", models.CharField(max_length=40)),
                ("code", models.CharField(max_length=60)),
                ("said", models.CharField(blank=True, max_length=500)),
                ("over", models.DurationField()),
                (
                    "app",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="channels.networkapp"
                    ),
                ),
                (
                    "channel",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="channels.channel"
                    ),
                ),
            ],
            options={"indexes": [models.Index(fields=["network", "app", "at"], name="refusal_app")]},
        ),
        migrations.CreateModel(
            name="Slot",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("weekday", models.PositiveSmallIntegerField()),
                ("time", models.TimeField()),
                ("timezone", models.CharField(max_length=64)),
                (
                    "channel",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="slots", to="channels.channel"
                    ),
                ),
            ],
            options={
                "ordering": ["weekday", "time"],
                "constraints": [
                    models.UniqueConstraint(fields=("channel", "weekday", "time"), name="one_slot_each_time")
                ],
            },
        ),
        migrations.CreateModel(
            name="Revocation",
            fields=[
                (
                    "id",
                    models.UUIDField(default=kicau.base.ids.new_id, editable=False, primary_key=True, serialize=False),
                ),
                ("workspace_id", models.UUIDField()),
                ("channel_id", models.UUIDField()),
                ("network", models.CharField(max_length=40)),
                ("account_id", models.CharField(max_length=200)),
                ("handle", models.CharField(max_length=200)),
                ("kind", models.CharField(max_length=20)),
                ("host", models.CharField(blank=True, max_length=200)),
                ("credentials", kicau.base.encrypted_fields.EncryptedJSONField()),
                ("created_at", models.DateTimeField(default=kicau.connector.clock.now)),
                ("next_at", models.DateTimeField()),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                (
                    "app",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="channels.networkapp"
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["network", "next_at"], name="revocation_due")],
            },
        ),
    ]
