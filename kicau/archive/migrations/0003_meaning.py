"""The table of meanings, where the database has pgvector; without it there is no search by meaning, and nothing else lacks."""

from django.db import migrations

MAKE = """
DO $$ BEGIN
    IF EXISTS (SELECT FROM pg_available_extensions WHERE name = 'vector') THEN
        CREATE EXTENSION IF NOT EXISTS vector;
        CREATE TABLE archive_meaning (
            item_id uuid PRIMARY KEY,
            workspace_id uuid NOT NULL,
            vector halfvec(512) NOT NULL
        );
        CREATE INDEX archive_meaning_near ON archive_meaning USING hnsw (vector halfvec_cosine_ops);
        CREATE FUNCTION archive_forget_meaning() RETURNS trigger LANGUAGE plpgsql AS $f$ BEGIN
            DELETE FROM archive_meaning m USING gone WHERE m.item_id = gone.id;
            RETURN NULL;
        END $f$;
        CREATE TRIGGER archive_forget_meaning AFTER DELETE ON archive_item REFERENCING OLD TABLE AS gone
            FOR EACH STATEMENT EXECUTE FUNCTION archive_forget_meaning();
    END IF;
EXCEPTION WHEN insufficient_privilege OR undefined_object THEN
    RAISE NOTICE 'pgvector may not be used here: there is no search by meaning';
END $$
"""


class Migration(migrations.Migration):
    dependencies = [("archive", "0002_dated")]
    operations = [
        migrations.RunSQL(
            MAKE,
            "DROP TRIGGER IF EXISTS archive_forget_meaning ON archive_item; DROP FUNCTION IF EXISTS archive_forget_meaning; DROP TABLE IF EXISTS archive_meaning",
        )
    ]
