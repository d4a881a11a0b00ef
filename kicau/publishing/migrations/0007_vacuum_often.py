from django.db import migrations

# With millions of rows a fifth of them is far too many to wait for: waiting rows are claimed and written all day, and
# what they leave behind lies in the very indexes that the engine reads.
OFTEN = "autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 5000, autovacuum_analyze_scale_factor = 0.02, autovacuum_analyze_threshold = 2000"
NAMES = "autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold, autovacuum_analyze_scale_factor, autovacuum_analyze_threshold"


class Migration(migrations.Migration):
    dependencies = [("publishing", "0006_by_channel")]

    operations = [
        migrations.RunSQL(
            f"ALTER TABLE publishing_delivery SET ({OFTEN})", f"ALTER TABLE publishing_delivery RESET ({NAMES})"
        ),
    ]
