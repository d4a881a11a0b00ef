"""Makes the database ready: migrations, under a lock, and the first owner. Run by `kicau up` before anything else:

    python -m kicau.config.database_setup [--owner EMAIL]

Prints one JSON object: {"migrated": how many, "empty": nobody is here, "owner": {"email", "password"} once, or null}.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import sys
from typing import Any

MIGRATION_LOCK_ID = 7_215_002  # key of the lock under which one process migrates
MIN_POSTGRES_VERSION = 150_000  # of PostgreSQL: version 15
PASSWORD_WORD_COUNT = 4  # of a made-up password; 4 times 8 random hexadecimal digits


class DatabaseNotReady(RuntimeError):
    """The database cannot be used as it is. The message says why and what to do."""


def prepare_database(owner: str = "", workspace: str = "") -> dict[str, Any]:
    """Raises DatabaseNotReady, or a Refusal where the owner's address is none."""
    from django.conf import settings
    from django.db import OperationalError, connection

    settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)  # where the web server looks first

    try:
        connection.ensure_connection()
    except OperationalError as exc:
        raise DatabaseNotReady(
            f"The database does not answer: {str(exc).strip().splitlines()[0].rstrip('.')}. Check DATABASE_URL."
        ) from exc
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version_num")
        version = int(cursor.fetchone()[0])
        if version < MIN_POSTGRES_VERSION:
            raise DatabaseNotReady(f"The database is PostgreSQL {version // 10_000}; Kicau needs 15 or newer.")
        cursor.execute("SELECT pg_advisory_lock(%s)", [MIGRATION_LOCK_ID])
        try:
            migrated = apply_migrations()
            propose_terms()
            from kicau.workspaces import actions

            made = create_first_owner(owner, workspace, proved=True) if owner and actions.has_no_people() else None
            return {"migrated": migrated, "empty": actions.has_no_people(), "owner": made}
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [MIGRATION_LOCK_ID])


def apply_migrations() -> int:
    """Apply what is missing; returns how many migrations that were."""
    from django.core.management import call_command
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    ours = {key for key in executor.loader.applied_migrations if key[0] in executor.loader.migrated_apps}
    promised = executor.loader.project_state([key for key in ours if key in executor.loader.disk_migrations])
    tables = {
        model.options.get("db_table") or f"{app}_{name}"
        for (app, name), model in promised.models.items()
        if model.options.get("managed", True) and "swappable" not in model.options
    }
    if tables - set(connection.introspection.table_names()):  # initial migrations were begun anew for 0.2.0
        raise DatabaseNotReady(
            "This database was made by a Kicau before 0.2.0, which cannot be upgraded. Export its posts with that version, "
            "and start this one with an empty data folder (KICAU_DATA)."
        )
    if unknown := sorted(f"{app}.{name}" for app, name in ours - set(executor.loader.disk_migrations)):
        raise DatabaseNotReady(
            f"The database was last used by a newer Kicau (it has {unknown[0]}, which this one does not know); start that one."
        )
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if plan:
        call_command("migrate", verbosity=0, interactive=False)
    return len(plan)


def propose_terms() -> int:
    """Put what each network's folder says of its terms before the operator, where it is new; returns how much was."""
    from kicau.connector import registry, terms
    from kicau.rights import statements

    return sum(
        statements.propose_terms(slug, terms.load_terms(registry.network_package(slug)))
        for slug in registry.installed_slugs()
    )


def create_first_owner(email: str, workspace: str = "", *, proved: bool = False) -> dict[str, str]:
    """The person who owns this instance, with a password that is told once. `proved`: whoever hosts it named them."""
    from kicau.workspaces import actions

    password = "-".join(secrets.token_hex(4) for _ in range(PASSWORD_WORD_COUNT))
    actions.create_first_owner(
        email, email.split("@")[0].title(), password, workspace or "Our workspace", proved=proved
    )
    return {"email": email, "password": password}


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--owner", default="")
    wanted = asked.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kicau.config.settings")
    from kicau.base import logs, privileges, setting_definitions
    from kicau.base.errors import DomainError

    privileges.keep_files_private()
    try:
        logs.set_up_logging(
            setting_definitions.read_setting("KICAU_LOG_LEVEL"),
            setting_definitions.read_setting("KICAU_LOG_FORMAT"),
            process="prepare",
        )
        import django

        django.setup()
        print(json.dumps(prepare_database(wanted.owner)))
    except (DatabaseNotReady, DomainError, ValueError, OSError) as exc:
        sys.exit(str(exc))


if __name__ == "__main__":
    main()
