from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("datasets", "0002_previews_and_reviews")]

    operations = [
        migrations.AddField("preview", "questions", models.JSONField(blank=True, default=list)),
        migrations.AddField("version", "questions", models.JSONField(blank=True, default=list)),
    ]
