from django.db import migrations

# A claim's new row stays on its page and takes the old one's index entries where there is room (publishing/claims.py). It
# counts for pages written from now on; a VACUUM FULL would give the older ones room, too, and is not needed.
ROOM = 70  # percent of a page that new rows fill


class Migration(migrations.Migration):
    dependencies = [("publishing", "0014_fewer_indexes")]

    operations = [
        migrations.RunSQL(
            f"ALTER TABLE publishing_delivery SET (fillfactor = {ROOM})",
            "ALTER TABLE publishing_delivery RESET (fillfactor)",
        ),
    ]
