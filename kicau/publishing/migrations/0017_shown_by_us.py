from django.db import migrations, models

# Columns that PostgreSQL computes cost each changed row, although what they are computed from did not change: version 18
# reads their expressions anew for every row of an UPDATE that needs none of them. They stay as they are, and are
# written with what they tell of (docs/decisions/0033).
PLAIN = """
ALTER TABLE publishing_delivery
    ALTER COLUMN head DROP EXPRESSION, ALTER COLUMN picture DROP EXPRESSION, ALTER COLUMN charges DROP EXPRESSION
"""
COMPUTED = """
ALTER TABLE publishing_delivery DROP COLUMN head, DROP COLUMN picture, DROP COLUMN charges;
ALTER TABLE publishing_delivery
    ADD COLUMN head text GENERATED ALWAYS AS (left(rendered #>> '{parts,0,text}', 160)) STORED,
    ADD COLUMN picture text GENERATED ALWAYS AS (rendered #>> '{parts,0,media,0,media,ref}') STORED,
    ADD COLUMN charges jsonb GENERATED ALWAYS AS (rendered -> 'charges') STORED
"""


class Migration(migrations.Migration):
    dependencies = [("publishing", "0016_half_a_page_free")]

    operations = [
        migrations.RunSQL(
            PLAIN,
            COMPUTED,
            state_operations=[
                migrations.AlterField("delivery", "head", models.TextField(null=True)),
                migrations.AlterField("delivery", "picture", models.TextField(null=True)),
                migrations.AlterField("delivery", "charges", models.JSONField(null=True)),
            ],
        ),
    ]
