"""Others' words get a rule of their own: what the one rule said of them, but for permissions that only they can give."""

from __future__ import annotations

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

IN_HOUSE = ("ground", "embed", "search", "archive")


def divide(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    for row in apps.get_model("workspaces", "Workspace").objects.exclude(ai_use={}):
        row.others_ai_use = {use: value for use, value in row.ai_use.items() if value == "deny" or use in IN_HOUSE}
        row.save(update_fields=["others_ai_use"])


class Migration(migrations.Migration):
    dependencies = [("workspaces", "0008_browser_sessions")]

    operations = [
        migrations.AddField("workspace", "others_ai_use", models.JSONField(blank=True, default=dict)),
        migrations.RunPython(divide, migrations.RunPython.noop, elidable=True),
    ]
