from django.db import migrations, models

import kicau.connector.clock


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Heartbeat",
            fields=[
                ("worker", models.CharField(max_length=80, primary_key=True, serialize=False)),
                ("started_at", models.DateTimeField(default=kicau.connector.clock.now)),
                ("at", models.DateTimeField(default=kicau.connector.clock.now)),
                ("in_flight", models.PositiveIntegerField(default=0)),
                ("steps", models.PositiveBigIntegerField(default=0)),
            ],
        ),
    ]
