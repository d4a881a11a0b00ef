from django.db import migrations, models

import kicau.base.encrypted_fields
import kicau.connector.clock


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="IdempotentResponse",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("token_id", models.UUIDField()),
                ("workspace_id", models.UUIDField()),
                ("key", models.CharField(max_length=200)),
                ("fingerprint", models.CharField(max_length=64)),
                ("status", models.PositiveSmallIntegerField(default=0)),
                ("headers", models.JSONField(default=dict)),
                ("body", kicau.base.encrypted_fields.EncryptedJSONField(null=True)),
                ("at", models.DateTimeField(default=kicau.connector.clock.now)),
                ("under_way_until", models.DateTimeField(null=True)),
            ],
            options={
                "indexes": [models.Index(fields=["at"], name="answer_age")],
                "constraints": [
                    models.UniqueConstraint(fields=("token_id", "workspace_id", "key"), name="one_answer_each_key")
                ],
            },
        ),
    ]
