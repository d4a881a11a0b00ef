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
            name="DigestHour",
            fields=[
                (
                    "person",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="digest_hour",
                        serialize=False,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("hour", models.PositiveSmallIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name="Alert",
            fields=[
                (
                    "id",
                    models.UUIDField(default=kicau.base.ids.new_id, editable=False, primary_key=True, serialize=False),
                ),
                ("payload", models.JSONField()),
                ("created_at", models.DateTimeField(default=kicau.connector.clock.now)),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("next_at", models.DateTimeField(default=kicau.connector.clock.now)),
                ("sent_at", models.DateTimeField(null=True)),
                ("given_up_at", models.DateTimeField(null=True)),
                ("last_error", models.CharField(blank=True, max_length=300)),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("given_up_at", None), ("sent_at", None)),
                        fields=["next_at"],
                        name="alert_due",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Email",
            fields=[
                (
                    "id",
                    models.UUIDField(default=kicau.base.ids.new_id, editable=False, primary_key=True, serialize=False),
                ),
                ("address", models.EmailField(max_length=254)),
                ("subject", models.CharField(max_length=300)),
                ("text", models.TextField()),
                ("html", models.TextField(blank=True)),
                ("headers", models.JSONField(blank=True, default=dict)),
                ("created_at", models.DateTimeField(default=kicau.connector.clock.now)),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("next_at", models.DateTimeField(default=kicau.connector.clock.now)),
                ("sent_at", models.DateTimeField(null=True)),
                ("given_up_at", models.DateTimeField(null=True)),
                ("last_error", models.CharField(blank=True, max_length=300)),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("given_up_at", None), ("sent_at", None)),
                        fields=["next_at"],
                        name="letter_due",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="InstanceProblem",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.CharField(max_length=160)),
                ("kind", models.CharField(max_length=40)),
                ("details", models.JSONField(blank=True, default=dict)),
                ("began_at", models.DateTimeField(default=kicau.connector.clock.now)),
                ("seen_at", models.DateTimeField(default=kicau.connector.clock.now)),
                ("over_at", models.DateTimeField(null=True)),
            ],
            options={
                "indexes": [models.Index(fields=["-began_at"], name="trouble_list")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("over_at", None)), fields=("key",), name="one_open_trouble_each"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="NotificationChoice",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("event", models.CharField(max_length=40)),
                ("in_page", models.BooleanField()),
                (
                    "mail",
                    models.CharField(
                        choices=[("never", "Never"), ("now", "Immediately"), ("daily", "Daily e-mail digest")],
                        max_length=8,
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="choices", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("person", "event"), name="one_choice_each_event")],
            },
        ),
        migrations.CreateModel(
            name="Notification",
            fields=[
                (
                    "id",
                    models.UUIDField(default=kicau.base.ids.new_id, editable=False, primary_key=True, serialize=False),
                ),
                ("event", models.CharField(max_length=40)),
                ("gather", models.CharField(max_length=120)),
                ("page", models.CharField(blank=True, max_length=500)),
                ("details", models.JSONField(blank=True, default=dict)),
                ("count", models.PositiveIntegerField(default=1)),
                ("in_page", models.BooleanField(default=True)),
                ("at", models.DateTimeField(default=kicau.connector.clock.now)),
                ("read_at", models.DateTimeField(null=True)),
                ("mail_at", models.DateTimeField(null=True)),
                ("mailed_at", models.DateTimeField(null=True)),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="notices", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "workspace",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="workspaces.workspace",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("in_page", True)), fields=["person", "-at", "-id"], name="notice_list"
                    ),
                    models.Index(
                        condition=models.Q(("mail_at__isnull", False)), fields=["mail_at"], name="notice_mail"
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("read_at", None)),
                        fields=("person", "workspace", "event", "gather"),
                        name="one_unread_notice_each",
                        nulls_distinct=False,
                    )
                ],
            },
        ),
    ]
