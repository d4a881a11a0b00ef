"""A Kicau that root starts: what reads strangers' files is not root, and its files are its own user's alone."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from kicau.base import postgres, privileges

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has rights to give up")
NOBODY = 65534


class Up:
    """`kicau up` on a folder of its own, which other users pass through."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.data = folder / "data"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(settings.setdefault("KICAU_PORT", str(probe.getsockname()[1])))
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("KICAU_", "DATABASE_URL", "DJANGO_"))}
        self.environment = {
            **kept,
            "KICAU_DATA": str(self.data),
            "KICAU_TEST_FAST_DISK": "1",
            **settings,
        }
        self.process: subprocess.Popen[str] | None = None
        self.log = folder / "log"

    def __enter__(self) -> Up:
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "kicau.cli", "up", "--owner", "sari@kopisenja.example"],
                env=self.environment,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                umask=0o022,  # what most machines have
            )
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if "Kicau is at" in line:
                return self
        self.process.wait(40)
        self.process.stdout.close()
        raise AssertionError(self.log.read_text())

    def __exit__(self, *_: object) -> None:
        assert self.process is not None
        assert self.process.stdout is not None
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(40)
        self.process.stdout.close()

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "kicau.cli", *arguments]
        return subprocess.run(
            command, env=self.environment, capture_output=True, text=True, timeout=60, check=False, umask=0o022
        )

    @property
    def children(self) -> dict[str, int]:
        said = [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]
        return {one["child"]: one["pid"] for one in said if one["event"] == "started"}


def status(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def open_to_others(folder: Path) -> list[str]:
    """Whatever in it has a right for others, but for the way to the database's socket."""
    top = os.stat(folder).st_mode & 0o077
    found = [f". {top:o}"] if top & ~0o011 else []
    for here, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(here, name)
            about = path.lstat()
            within = path.relative_to(folder)
            way = within in (Path("postgres"), Path("postgres/run"))
            if stat.S_ISSOCK(about.st_mode):
                assert within.parent == Path("postgres/run")
                if about.st_mode & 0o007:
                    found.append(f"{within} {about.st_mode:o}")
            elif about.st_mode & 0o077 & ~(0o011 if way else 0):
                found.append(f"{within} {about.st_mode & 0o777:o}")
    return found


def port_of_root() -> int:
    """A free port that only root may open; any one, since other tests may be choosing at the same moment."""
    for port in random.sample(range(600, 1024), 424):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port
    raise AssertionError("no free port")


@pytest.fixture
def place() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="kicau-root-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@as_root
def test_web_and_workers_are_not_root_and_what_root_does_beside_them_stays_theirs(place):
    made = Up(place, KICAU_PORT=str(port_of_root()))
    made.data.mkdir()  # as an earlier Kicau left it: all of it root's, and readable by others
    (made.data / "media").mkdir()
    (made.data / "media" / "old").write_text("a picture")
    (made.data / "notes.txt").write_text("not Kicau's")
    linked = place / "of-root"
    linked.write_text("x")
    os.link(linked, made.data / "media" / "hard")
    (made.data / "media" / "soft").symlink_to(linked)
    with made:
        user = privileges.folder_owner(made.data)
        assert user
        assert user.name == privileges.SERVICE_USER
        for name in ("web", "worker-1"):
            found = status(made.children[name])
            assert found["Uid"].split() == [str(user.uid)] * 4, name
            assert found["Gid"].split() == [str(user.gid)] * 4, name
            assert found["Groups"] == "", name
            assert {found[f"Cap{kind}"] for kind in ("Inh", "Prm", "Eff", "Bnd", "Amb")} == {"0" * 16}, name
            assert (found["NoNewPrivs"], found["Umask"]) == ("1", "0077"), name
        with urllib.request.urlopen(f"http://127.0.0.1:{made.port}/healthz") as answer:
            assert answer.status == 200
        picture = place / "private"
        picture.mkdir(mode=0o700)
        shutil.copy(Path(__file__).parents[2] / "demo" / "media" / "brew-1.jpg", picture / "brew-1.jpg")
        done = made.run("rights", "--help")
        assert done.returncode == 0
        code = (
            "import os, sys, pathlib\n"
            "from kicau.cli.core.command import Shell\n"
            "shell = Shell(); shell.kicau()\n"
            "from kicau.base import setting_definitions\n"
            f"text = pathlib.Path({str(picture / 'brew-1.jpg')!r}).read_bytes()\n"
            "(setting_definitions.data_folder() / 'media' / 'from-the-shell').write_bytes(text)\n"
            f"pathlib.Path({str(picture / 'out')!r}).write_bytes(text)\n"
            "shell.close()\n"
            f"pathlib.Path({str(picture / 'after')!r}).write_bytes(text)\n"
        )
        subprocess.run([sys.executable, "-c", code], env=made.environment, check=True, umask=0o077)
        assert (made.data / "media" / "from-the-shell").stat().st_uid == user.uid
        assert (picture / "after").stat().st_uid == 0
        assert made.run("tokens", "list").returncode == 0
        checks = json.loads(made.run("doctor", "--json").stdout)
        assert [check for check in checks if check["state"] == "wrong"] == []
    for path in made.data.rglob("*"):
        inside = path.relative_to(made.data).parts[0]
        if inside not in ("postgres", "notes.txt") and path.name not in ("hard", "soft"):
            assert path.lstat().st_uid == user.uid, path
    assert (linked.stat().st_uid, stat.S_IMODE(linked.stat().st_mode)) == (0, 0o644)
    (made.data / "media" / "hard").unlink()
    (made.data / "media" / "soft").unlink()
    assert (made.data / "notes.txt").stat().st_uid == 0
    (made.data / "notes.txt").unlink()
    assert open_to_others(made.data) == []


@as_root
def test_a_server_that_a_plain_user_made_is_never_taken_from_them(place):
    data = place / "data"
    code = f"from pathlib import Path\nfrom kicau.base import postgres\nwith postgres.running_server(Path({str(data)!r})): pass"
    data.mkdir()
    os.chown(data, NOBODY, NOBODY)
    subprocess.run([sys.executable, "-c", code], user=NOBODY, group=NOBODY, extra_groups=[], cwd=place, check=True)
    before = {path: path.lstat().st_uid for path in data.rglob("*")}
    with postgres.running_server(data) as here:
        pid = int((here.data / "postmaster.pid").read_text().splitlines()[0])
        assert status(pid)["Uid"].split()[0] == str(NOBODY)
    assert {path: path.lstat().st_uid for path in data.rglob("*")} == before


@as_root
def test_no_link_in_the_folder_leads_root_outside(place):
    """Whoever owns the folder may plant links in it; root does not follow them."""
    victim = place / "victim"
    victim.mkdir(mode=0o755)
    (victim / "file").write_text("root's own\n")
    data = place / "data"
    data.mkdir()
    for name in ("up.lock", "postgres.lock", "postgres.users", "media", "postgres"):
        link = data / name
        link.symlink_to(victim / "file" if "." in name else victim)
        os.lchown(link, NOBODY, NOBODY)
    os.chown(data, NOBODY, NOBODY)
    made = Up(place)
    assert made.run("up").returncode != 0
    for name in ("up.lock", "postgres.lock", "postgres.users"):
        (data / name).unlink()
    assert made.run("up").returncode != 0  # the folder of the database is no folder of theirs
    privileges.take_ownership(data, privileges.SystemUser(uid=NOBODY, gid=NOBODY, name="nobody"), shared=True)
    about = victim.stat()
    assert (about.st_uid, stat.S_IMODE(about.st_mode)) == (0, 0o755)
    assert ((victim / "file").read_text(), (victim / "file").stat().st_uid) == ("root's own\n", 0)


@as_root
@pytest.mark.parametrize("private", [False, True])
def test_from_a_private_folder_it_keeps_the_right_to_read_and_no_other(private, place):
    account = privileges.SystemUser(uid=NOBODY, gid=NOBODY, name="nobody")
    hidden = place / "hidden"
    hidden.mkdir(mode=0o700)
    (hidden / "kept").write_text("x")
    code = "import sys; print(open('/proc/self/status').read()); open(sys.argv[1]).read(); print('reading was allowed'); open(sys.argv[1], 'a')"
    done = subprocess.run(
        [sys.executable, "-S", "-c", code, str(hidden / "kept")],
        preexec_fn=lambda: privileges.switch_user(account, reads_anything=private),
        capture_output=True,
        text=True,
        check=False,
    )
    found = {name: value.strip() for name, _, value in (line.partition(":") for line in done.stdout.splitlines())}
    assert done.returncode == 1
    assert done.stderr.count("PermissionError") == 1
    assert len(done.stdout.split("CapAmb")) == 2
    assert ("reading was allowed" in done.stdout) is private
    assert {int(found[f"Cap{kind}"], 16) for kind in ("Prm", "Eff", "Bnd", "Amb")} == {4 if private else 0}


@as_root
def test_a_key_file_that_only_root_reads_is_named_at_the_start(place):
    key = place / "key.pem"
    key.write_text("secret")
    key.chmod(0o600)
    said = Up(place, KICAU_C2PA_KEY=str(key)).run("up")
    assert (said.returncode, f"cannot read {key}" in said.stderr) == (1, True)


def test_every_process_keeps_its_files_private():
    """Each module that is a process of its own sets its umask before it does anything; so does every command."""
    root = Path(privileges.__file__).resolve().parents[1]
    without = [
        str(path.relative_to(root))
        for path in (*(root / "config").glob("*.py"), root / "sandbox" / "all_networks.py")
        if '__name__ == "__main__"' in (text := path.read_text("utf-8")) and "keep_files_private()" not in text
    ]
    assert without == []
    done = subprocess.run(
        [sys.executable, "-c", "import os; from kicau.cli.core.command import RootGroup; import click\n"
         "@click.command(cls=RootGroup, invoke_without_command=True)\n"
         "def main(): umask = os.umask(0); os.umask(umask); print(oct(umask))\nmain()"],
        capture_output=True, text=True, check=True, umask=0o022,
    )  # fmt: skip
    assert done.stdout.strip() == "0o77"


def test_a_plain_users_folder_is_closed_to_others(place):
    """The same run without root: nobody else reads anything of it, and what was open before is closed."""
    made = Up(place)
    made.data.mkdir()
    (made.data / "archive").mkdir()
    (made.data / "archive" / "old").write_text("private messages")
    if os.geteuid() == 0:
        os.chown(made.data, NOBODY, NOBODY)
        for path in made.data.rglob("*"):
            os.chown(path, NOBODY, NOBODY)
        code = (
            "import os, sys; os.setgroups([]); os.setgid(65534); os.setuid(65534); os.execv(sys.argv[1], sys.argv[1:])"
        )
        first = [sys.executable, "-c", code]
    else:
        first = []
    process = subprocess.Popen(
        [*first, sys.executable, "-m", "kicau.cli", "up"],
        env=made.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        umask=0o022,
        cwd=place,
    )
    assert process.stdout is not None
    try:
        assert any("Kicau is at" in line for line in process.stdout)
    finally:
        process.terminate()
        process.wait(40)
        process.stdout.close()
    assert open_to_others(made.data) == []
    if os.geteuid() == 0:  # root's own commands on it take nothing from that user
        assert privileges.service_user(made.data) == privileges.folder_owner(made.data)
        assert "no owner yet" in made.run("tokens", "list").stderr
        assert {path.lstat().st_uid for path in made.data.rglob("*")} == {NOBODY}


def test_the_databases_user_passes_through_the_parents_that_root_makes(tmp_path):
    before = os.umask(privileges.PRIVATE_UMASK)
    try:
        privileges.make_folder(tmp_path / "new" / "kicau" / "data")
    finally:
        os.umask(before)
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("new", "new/kicau", "new/kicau/data")]
    assert modes == ([0o711, 0o711, 0o700] if os.geteuid() == 0 else [0o700, 0o700, 0o700])
