"""The embedded PostgreSQL: shared by processes, stopped by the last, and careful with other people's folders."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
import time
from pathlib import Path

import psycopg
import pytest

from kicau.base import postgres


def test_a_deep_folder_gets_its_socket_elsewhere(tmp_path):
    deep = tmp_path / ("x" * 120)
    here = postgres.cluster(deep)
    assert len(os.fsencode(here.sockets)) <= postgres.MAX_SOCKET_PATH_BYTES
    assert here.data.is_relative_to(deep)


@pytest.mark.skipif("os.geteuid() != 0")
def test_as_root_no_private_folder_is_opened_for_it(tmp_path):
    private = tmp_path / "home"
    private.mkdir(mode=0o700)
    with pytest.raises(postgres.DatabaseUnavailable, match="KICAU_DATA"), postgres.running_server(private / "data"):
        pass
    assert stat.S_IMODE(private.stat().st_mode) == 0o700


def test_the_last_one_out_stops_it(reachable):
    with postgres.running_server(reachable) as here:
        with postgres.running_server(reachable):
            pass
        with psycopg.connect(here.url) as db:
            assert db.execute("SELECT 1").fetchone() == (1,)
        pid = int((here.data / "postmaster.pid").read_text().splitlines()[0])
        os.kill(pid, 9)
        while _lives(pid):
            time.sleep(0.01)
        postgres.restart_if_dead(reachable)
        with psycopg.connect(here.url) as db:
            assert db.execute("SELECT 1").fetchone() == (1,)
    assert not (here.data / "postmaster.pid").exists()


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.fixture
def reachable():
    """A folder that the database's own user can get to."""
    folder = Path(tempfile.mkdtemp(prefix="kicau-pg-"))
    folder.chmod(0o711)
    yield folder / "data"
    shutil.rmtree(folder)


def test_the_cluster_of_another_major_version_is_no_reason_for_an_empty_one(tmp_path):
    here = postgres.cluster(tmp_path)
    other = here.data.parent / str(postgres.POSTGRES_MAJOR_VERSION - 1)
    other.mkdir(parents=True)
    (other / "PG_VERSION").write_text("17\n")
    with pytest.raises(postgres.DatabaseUnavailable, match="kicau backup FILE"):
        postgres._create_cluster(here)
