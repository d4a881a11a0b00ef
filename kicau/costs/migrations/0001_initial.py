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
            name="BilledResource",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "app_id",
                        "day",
                        "meter",
                        "resource",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("app_id", models.UUIDField()),
                ("day", models.DateField()),
                ("meter", models.CharField(max_length=60)),
                ("resource", models.CharField(max_length=200)),
            ],
            options={
                "indexes": [models.Index(fields=["day"], name="billed_day")],
            },
        ),
        migrations.CreateModel(
            name="Budget",
            fields=[
                (
                    "id",
                    models.UUIDField(default=kicau.base.ids.new_id, editable=False, primary_key=True, serialize=False),
                ),
                ("name", models.CharField(max_length=120)),
                ("app_id", models.UUIDField(null=True)),
                ("network", models.CharField(blank=True, max_length=40)),
                ("channel_id", models.UUIDField(null=True)),
                ("campaign_id", models.UUIDField(null=True)),
                (
                    "purpose",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("publish", "publishing"),
                            ("find", "checking whether posts were published"),
                            ("connect", "connecting a channel"),
                            ("refresh", "keeping Kicau connected to a channel"),
                            ("read", "checking which features a channel of the network supports"),
                            ("answers", "checking for new comments and replies to your posts"),
                            ("numbers", "fetching post statistics"),
                            ("delete", "deleting a published post from the network"),
                            ("edit", "changing a published post"),
                        ],
                        max_length=12,
                    ),
                ),
                (
                    "period",
                    models.CharField(
                        choices=[
                            ("day", "a day"),
                            ("month", "a month"),
                            ("total", "in total"),
                            ("hour", "an hour"),
                            ("24h", "24 hours"),
                            ("5m", "5 minutes"),
                        ],
                        default="month",
                        max_length=5,
                    ),
                ),
                ("timezone", models.CharField(default="UTC", max_length=64)),
                ("currency", models.CharField(blank=True, max_length=3)),
                ("meter", models.CharField(blank=True, max_length=200)),
                ("cap", models.CharField(blank=True, default="", max_length=200)),
                ("amount", models.BigIntegerField()),
                ("is_hard", models.BooleanField(default=True)),
                ("notify_at_percent", models.PositiveSmallIntegerField(default=80)),
                ("sync_share_percent", models.PositiveSmallIntegerField(default=70)),
                ("is_active", models.BooleanField(default=True)),
                ("created_at", models.DateTimeField(default=kicau.connector.clock.now)),
                (
                    "created_by",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.SET_NULL, to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "workspace",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="budgets",
                        to="workspaces.workspace",
                    ),
                ),
            ],
            options={
                "ordering": ["created_at"],
            },
        ),
        migrations.CreateModel(
            name="Charge",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(default=kicau.connector.clock.now)),
                ("workspace_id", models.UUIDField()),
                ("channel_id", models.UUIDField(null=True)),
                ("delivery_id", models.UUIDField(null=True)),
                ("campaign_id", models.UUIDField(null=True)),
                ("person_id", models.UUIDField(null=True)),
                ("app_id", models.UUIDField(null=True)),
                ("network", models.CharField(max_length=40)),
                ("meter", models.CharField(max_length=60)),
                ("units", models.IntegerField()),
                ("micro", models.BigIntegerField(default=0)),
                ("currency", models.CharField(blank=True, max_length=3)),
                (
                    "purpose",
                    models.CharField(
                        choices=[
                            ("publish", "publishing"),
                            ("find", "checking whether posts were published"),
                            ("connect", "connecting a channel"),
                            ("refresh", "keeping Kicau connected to a channel"),
                            ("read", "checking which features a channel of the network supports"),
                            ("answers", "checking for new comments and replies to your posts"),
                            ("numbers", "fetching post statistics"),
                            ("delete", "deleting a published post from the network"),
                            ("edit", "changing a published post"),
                        ],
                        max_length=12,
                    ),
                ),
                ("once", models.CharField(blank=True, default="", max_length=200)),
                ("is_certain", models.BooleanField(default=True)),
            ],
            options={
                "indexes": [
                    models.Index(fields=["workspace_id", "at"], name="charge_workspace"),
                    models.Index(fields=["app_id", "at"], name="charge_app"),
                    models.Index(
                        condition=models.Q(("delivery_id__isnull", False)),
                        fields=["delivery_id"],
                        name="charge_delivery",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("once", ""), _negated=True), fields=("app_id", "once"), name="billed_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="OperatorPriceList",
            fields=[
                (
                    "id",
                    models.UUIDField(default=kicau.base.ids.new_id, editable=False, primary_key=True, serialize=False),
                ),
                ("network", models.CharField(max_length=40)),
                ("toml", models.TextField()),
                ("added_at", models.DateTimeField(default=kicau.connector.clock.now)),
                (
                    "added_by",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.SET_NULL, to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ExchangeRate",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("currency", models.CharField(max_length=3)),
                ("shown_in", models.CharField(max_length=3)),
                ("since", models.DateField()),
                ("rate", models.DecimalField(decimal_places=8, max_digits=20)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("currency", "shown_in", "since"), name="one_rate_each_day")
                ],
            },
        ),
        migrations.CreateModel(
            name="Reservation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("holder", models.UUIDField()),
                ("workspace_id", models.UUIDField()),
                ("channel_id", models.UUIDField(null=True)),
                ("campaign_id", models.UUIDField(null=True)),
                ("app_id", models.UUIDField(null=True)),
                ("network", models.CharField(max_length=40)),
                (
                    "purpose",
                    models.CharField(
                        choices=[
                            ("publish", "publishing"),
                            ("find", "checking whether posts were published"),
                            ("connect", "connecting a channel"),
                            ("refresh", "keeping Kicau connected to a channel"),
                            ("read", "checking which features a channel of the network supports"),
                            ("answers", "checking for new comments and replies to your posts"),
                            ("numbers", "fetching post statistics"),
                            ("delete", "deleting a published post from the network"),
                            ("edit", "changing a published post"),
                        ],
                        max_length=12,
                    ),
                ),
                ("meter", models.CharField(max_length=60)),
                ("units", models.IntegerField()),
                ("micro", models.BigIntegerField(default=0)),
                ("currency", models.CharField(blank=True, max_length=3)),
                ("until", models.DateTimeField(null=True)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("holder", "purpose", "meter"), name="one_reservation_each_meter")
                ],
            },
        ),
        migrations.CreateModel(
            name="BudgetUse",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("begins_at", models.DateTimeField()),
                ("amount", models.BigIntegerField(default=0)),
                ("told", models.PositiveSmallIntegerField(default=0)),
                (
                    "budget",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="uses", to="costs.budget"
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("budget", "begins_at"), name="one_use_each_period")],
            },
        ),
    ]
