"""For every test: a throw-away data folder with a real PostgreSQL, and one fixed cast of people.

The first process starts the cluster; test workers share it, each with a database of its own.
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import gc
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

if "KICAU_TEST_CLUSTER" not in os.environ:  # the first process, before Django's settings are read
    _folder = Path(tempfile.mkdtemp(prefix="kicau-test-"))
    _folder.chmod(0o711)  # the database's own user passes through
    os.environ.update(KICAU_DATA=str(_folder / "data"), KICAU_TEST_FAST_DISK="1", KICAU_TEST_CLUSTER="1")
    for _name in [
        n
        for n in os.environ
        if n == "DATABASE_URL"
        or (n.startswith("KICAU_") and n not in ("KICAU_DATA", "KICAU_TEST_FAST_DISK", "KICAU_TEST_CLUSTER"))
    ]:
        del os.environ[_name]
    from kicau.base import message_catalogs, postgres

    message_catalogs.compile_stale_catalogs()  # they are not in the repository
    _stack = contextlib.ExitStack()
    _here = _stack.enter_context(postgres.running_server(_folder / "data"))
    os.environ["DATABASE_URL"] = _here.url
    # What tests do and Kicau never does: databases of their own, and emptying tables that refer to each other.
    postgres.run_as_administrator(
        _here, "ALTER ROLE kicau CREATEDB", "GRANT SET ON PARAMETER session_replication_role TO kicau"
    )

    def _clean_up() -> None:
        _stack.close()
        shutil.rmtree(_folder, ignore_errors=True)

    atexit.register(_clean_up)
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"  # tests look at rows from inside their loop

# Named here and not in the settings of pytest: it must be read after the data folder is known.
os.environ["DJANGO_SETTINGS_MODULE"] = "kicau.config.settings"

import django
import pytest

django.setup()

import hypothesis
from django.core.management import BaseCommand
from django.core.management.commands.flush import Command as Flush

from kicau.workspaces.hashing import LimitedArgon2PasswordHasher

# The real algorithm with its smallest parameters (a hash carries its own): a fifth of a second less for each person.
(
    LimitedArgon2PasswordHasher.time_cost,
    LimitedArgon2PasswordHasher.memory_cost,
    LimitedArgon2PasswordHasher.parallelism,
) = 1, 8, 1


# How long an example takes says how busy the machine is, and nothing of what is tested.
hypothesis.settings.register_profile("kicau", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("kicau")

# What is imported by now stays: looking through it again and again for what could go costs a twentieth of all the time.
gc.freeze()

TEMPLATE = "kicau_template"  # the database that tests' own are copied from

# What asks a database, a server or a whole process is no unit test, wherever it stands.
WHOLE = ("test_contract", "test_official_client", "test_isolation", "test_sandbox", "test_serve", "test_supervisor")
WHOLE_FOLDERS = ("tests", "kicau/cli/tests", "kicau/demo/tests")


def pytest_collection_finish() -> None:
    """Nor does what was collected go before the end; what could go by now is still told."""
    gc.collect()
    gc.freeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """`-m unit` picks the tests that stand on their own: no database, no sandbox's contract, no process."""
    root = Path(__file__).resolve().parent
    for item in items:
        place = item.path.relative_to(root)
        apart = place.stem in WHOLE or any(place.is_relative_to(folder) for folder in WHOLE_FOLDERS)
        needs = set(getattr(item, "fixturenames", ())) & {"db", "transactional_db", "django_db_setup", "live_server"}
        if not apart and not needs and not item.get_closest_marker("django_db"):
            item.add_marker("unit")


@pytest.fixture(autouse=True)
def _fresh_cache() -> Iterator[None]:
    """What a process remembers for some seconds (the operator's price lists, too) is not the next test's."""
    from django.core.cache import cache

    from kicau.costs import pricing

    yield
    pricing.clear_cache()
    with contextlib.suppress(Exception):
        cache.clear()


@pytest.fixture
def go(server) -> Iterator[Callable[..., None]]:
    """go(minutes=5): our time and that of the network that `server` is."""
    from kicau.base import clock

    gone = timedelta(0)

    def on(**more: float) -> None:
        nonlocal gone
        gone += timedelta(**more)
        clock.shift_clock(gone)
        server.clock_offset = gone.total_seconds()

    yield on
    clock.shift_clock(timedelta(0))


@pytest.fixture(scope="module")
def december_2026() -> Iterator[None]:
    """Time goes on from noon of 1 December 2026 in Jakarta: for modules whose tests name days of 2027. What a module
    makes once for all its tests (`populated`) is made at that time, too."""
    from kicau.base import clock

    clock.shift_clock(datetime(2026, 12, 1, 5, tzinfo=UTC) - clock.system_now())
    yield
    clock.shift_clock(timedelta(0))


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings, django_db_blocker):
    """The first process that needs a database migrates a template; every other's database is a copy of it."""
    from django.core.management import call_command
    from django.db import connection

    with django_db_blocker.unblock(), (Path(os.environ["KICAU_DATA"]) / "template.lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        name = connection.settings_dict["NAME"]
        with connection._nodb_cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [TEMPLATE])
            if not cursor.fetchone():
                cursor.execute(f"CREATE DATABASE {TEMPLATE}")
                connection.settings_dict["NAME"] = TEMPLATE
                try:
                    call_command("migrate", verbosity=0)
                finally:
                    connection.close()
                    connection.settings_dict["NAME"] = name
    connection.settings_dict["TEST"]["TEMPLATE"] = TEMPLATE


KEPT = ("django_migrations", "django_content_type", "auth_permission")  # what migrations put there stays right


def empty(self: BaseCommand, **options: Any) -> None:
    """For `flush`: only what a test filled is emptied. Truncating every table makes hundreds of files anew, for each
    test that commits."""
    from django.db import OperationalError, connections
    from psycopg.errors import DeadlockDetected

    connection = connections[options["database"]]
    tables = [name for name in connection.introspection.django_table_names(include_views=False) if name not in KEPT]
    with connection.cursor() as cursor:
        for tries_left in reversed(range(5)):
            cursor.execute(" UNION ALL ".join(f"SELECT '{one}' WHERE EXISTS (SELECT FROM \"{one}\")" for one in tables))
            filled = [f'DELETE FROM "{name}"' for (name,) in cursor.fetchall()]
            if not filled:
                return
            try:  # no trigger asks who refers to whom: all of it goes
                cursor.execute(
                    "; ".join(
                        ["SET session_replication_role = replica", *filled, "SET session_replication_role = DEFAULT"]
                    )
                )
                return
            except OperationalError as exc:  # the last page's own save, still under way, wrote the same rows
                if not (isinstance(exc.__cause__, DeadlockDetected) and tries_left):
                    raise


Flush.handle = empty  # type: ignore[method-assign]


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    """Connections that threads of a test left open do not keep the database from being dropped."""
    yield
    from django.db import connection

    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()"
        )


@pytest.fixture
def owner(db: None):
    """Sari, who owns the workspace and hosts the instance."""
    from kicau.workspaces.actions import add_person

    return add_person(
        "sari@kopisenja.example",
        "Sari Wulandari",
        "hujan-di-bandung-41",
        operator=True,
        timezone="Asia/Jakarta",
        proved=True,
    )


@pytest.fixture
def workspace(owner):
    from kicau.workspaces.actions import create_workspace

    return create_workspace(owner, "Kopi Senja", timezone="Asia/Jakarta")


@pytest.fixture
def actor(owner, workspace):
    """Sari at the shell."""
    from kicau.workspaces.actions import actor_for

    return actor_for(owner, workspace.id, "cli")


@pytest.fixture
def member(workspace, actor):
    """A function that adds somebody with a role and gives their Actor."""
    from kicau.workspaces.actions import actor_for, add_person, set_member_role

    def make(role: str):
        person = add_person(f"{role}@kopisenja.example", role.title(), "hujan-di-bandung-41", proved=True)
        set_member_role(actor, person, role)
        return actor_for(person, workspace.id, "page")

    return make


@pytest.fixture
def stranger(monkeypatch):
    """A network that is not ours is installed (tests/stranger)."""
    from importlib.metadata import EntryPoint

    from kicau.connector import registry

    points = dict(registry._entry_points())
    points["stranger"] = EntryPoint("stranger", "tests.stranger.connector:connector", registry.ENTRY_POINT_GROUP)
    monkeypatch.setattr(registry, "_entry_points", lambda: points)


@pytest.fixture
def channel(stranger, actor):
    """A function that makes a connected channel of the stranger's network, without asking any server."""
    from kicau.channels.actions import register_app
    from kicau.channels.channel_session import to_stored
    from kicau.channels.models import Channel
    from kicau.connector.session import Credentials

    def make(key: str, acting=actor):
        app = register_app("stranger", "app", "secret", endpoints={"api": "http://127.0.0.1:9"}, is_sandbox=True)
        return Channel.objects.create(
            workspace=acting.workspace,
            network="stranger",
            app=app,
            key=key,
            account_id=key,
            handle=key,
            name=key.title(),
            credentials=to_stored(Credentials(access_token="t", refresh_token="r")),
            connected_by=acting.person,
        )

    return make
