"""Sessions know whose they are; those of before end, so everybody signs in once more. What second factors are required."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import kicau.base.ids
import kicau.connector.clock


class Migration(migrations.Migration):
    dependencies = [
        ("workspaces", "0007_address_proofs"),
    ]

    operations = [
        migrations.RunSQL("DROP TABLE IF EXISTS django_session", migrations.RunSQL.noop),
        migrations.AddField(
            model_name="identity",
            name="had_second_factor",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="workspace",
            name="requires_second_factor",
            field=models.BooleanField(default=False),
        ),
        migrations.CreateModel(
            name="BrowserSession",
            fields=[
                (
                    "session_key",
                    models.CharField(max_length=40, primary_key=True, serialize=False, verbose_name="session key"),
                ),
                ("session_data", models.TextField(verbose_name="session data")),
                ("expire_date", models.DateTimeField(db_index=True, verbose_name="expire date")),
                ("handle", models.UUIDField(default=kicau.base.ids.new_id, editable=False, unique=True)),
                ("began_at", models.DateTimeField(default=kicau.connector.clock.now)),
                ("used_at", models.DateTimeField(default=kicau.connector.clock.now)),
                ("address", models.CharField(blank=True, max_length=60)),
                ("user_agent", models.CharField(blank=True, max_length=300)),
                (
                    "person",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="browser_sessions",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "session",
                "verbose_name_plural": "sessions",
                "abstract": False,
            },
        ),
    ]
