from django.db import migrations

# Rows that wait are a third smaller since what stands at its default is left out (docs/decisions/0031): room for every
# claim costs no more disk now than room for half of them did. It counts for pages written from now on.
ROOM = 50  # percent of a page that new rows fill


class Migration(migrations.Migration):
    dependencies = [("publishing", "0015_room_for_claims")]

    operations = [
        migrations.RunSQL(
            f"ALTER TABLE publishing_delivery SET (fillfactor = {ROOM})",
            "ALTER TABLE publishing_delivery SET (fillfactor = 70)",  # 0015
        ),
    ]
