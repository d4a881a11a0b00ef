import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

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
            name="FrozenDelivery",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("was_state", models.CharField(max_length=10)),
                ("was_hold", models.CharField(blank=True, max_length=12)),
                ("was_reason", models.TextField(blank=True)),
                ("was_said", models.JSONField(blank=True, default=list)),
                ("frozen_at", models.DateTimeField(default=kicau.connector.clock.now)),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "delivery",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="publishing.delivery"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Replacement",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("made_at", models.DateTimeField(default=kicau.connector.clock.now)),
                (
                    "delivery",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="publishing.delivery"
                    ),
                ),
                (
                    "frozen",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="replacements",
                        to="offboarding.frozendelivery",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Offboarding",
            fields=[
                (
                    "id",
                    models.UUIDField(default=kicau.base.ids.new_id, editable=False, primary_key=True, serialize=False),
                ),
                ("network", models.CharField(max_length=40)),
                ("host", models.CharField(blank=True, max_length=200)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("proposed", "frozen; a person decides"),
                            ("announced", "has a date"),
                            ("offboarded", "in effect"),
                            ("resumed", "publishing was resumed"),
                            ("canceled", "canceled before publishing stopped"),
                        ],
                        max_length=10,
                    ),
                ),
                (
                    "cause",
                    models.CharField(
                        choices=[
                            ("choice", "someone's decision"),
                            ("network", "announced by the network"),
                            ("refused", "the network shut its door"),
                            ("disconnected", "the channel was disconnected"),
                            ("lost", "the channel's permission had ended"),
                        ],
                        default="choice",
                        max_length=12,
                    ),
                ),
                ("reason", models.CharField(blank=True, max_length=500)),
                ("evidence", models.JSONField(blank=True, default=dict)),
                ("decision_id", models.UUIDField(null=True)),
                ("by_operator", models.BooleanField(default=False)),
                ("effective_at", models.DateTimeField()),
                ("announced_at", models.DateTimeField(default=kicau.connector.clock.now)),
                ("offboarded_at", models.DateTimeField(null=True)),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "announced_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "app",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="channels.networkapp",
                    ),
                ),
                (
                    "channel",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="offboardings",
                        to="channels.channel",
                    ),
                ),
                (
                    "ended_by",
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
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="offboardings",
                        to="workspaces.workspace",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["workspace", "-announced_at"], name="offboarding_workspace"),
                    models.Index(
                        condition=models.Q(("state", "announced")), fields=["effective_at"], name="offboarding_due"
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state__in", ["proposed", "announced", "offboarded"])),
                        fields=("workspace", "network", "channel", "app", "host"),
                        name="one_open_offboarding_each",
                        nulls_distinct=False,
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ClosedChannel",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("was_state", models.CharField(max_length=10)),
                ("was_reason", models.CharField(blank=True, max_length=500)),
                (
                    "channel",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="channels.channel"
                    ),
                ),
                (
                    "offboarding",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="closed_channels",
                        to="offboarding.offboarding",
                    ),
                ),
            ],
            options={"constraints": [models.UniqueConstraint(fields=("offboarding", "channel"), name="left_once")]},
        ),
        migrations.CreateModel(
            name="OffboardingJob",
            fields=[
                (
                    "id",
                    models.UUIDField(default=kicau.base.ids.new_id, editable=False, primary_key=True, serialize=False),
                ),
                ("kind", models.CharField(choices=[("export", "export"), ("retarget", "new targets")], max_length=10)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "waits for a worker"),
                            ("working", "under way"),
                            ("done", "done"),
                            ("failed", "failed"),
                        ],
                        default="waiting",
                        max_length=10,
                    ),
                ),
                ("parameters", models.JSONField(blank=True, default=dict)),
                ("done", models.PositiveIntegerField(default=0)),
                ("total", models.PositiveIntegerField(default=0)),
                ("result", models.JSONField(blank=True, default=dict)),
                ("sentence", models.TextField(blank=True)),
                ("via", models.CharField(default="page", max_length=20)),
                ("requested_at", models.DateTimeField(default=kicau.connector.clock.now)),
                ("lease_until", models.DateTimeField(null=True)),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "requested_by",
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
                    "offboarding",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="jobs", to="offboarding.offboarding"
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("state__in", ["waiting", "working"])),
                        fields=["requested_at"],
                        name="offboarding_job_due",
                    )
                ]
            },
        ),
        migrations.AddField(
            model_name="frozendelivery",
            name="offboarding",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="frozen_deliveries",
                to="offboarding.offboarding",
            ),
        ),
        migrations.AddConstraint(
            model_name="frozendelivery",
            constraint=models.UniqueConstraint(fields=("offboarding", "delivery"), name="frozen_once"),
        ),
    ]
