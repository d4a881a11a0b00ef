"""What an instance says of a database that it cannot use."""

from __future__ import annotations

import pytest
from django.db import connection

from kicau.config.database_setup import DatabaseNotReady, apply_migrations


def test_a_database_of_before_the_first_version_is_told_from_one_to_upgrade(db):
    assert apply_migrations() == 0
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE sync_comment RENAME TO sync_answer")
    with pytest.raises(DatabaseNotReady, match="cannot be upgraded"):
        apply_migrations()
