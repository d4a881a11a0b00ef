"""Two real Mastodon-like servers (snac2) that federate over plain http on loopback, with nginx before them.

Each has a loopback address of its own and port 80, because snac's mentions know no ports; nginx, because snac closes
connections without saying so.
"""

from __future__ import annotations

import json
import os
import pwd
import random
import re
import shutil
import subprocess
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.instance.processes import free_port
from tests import debian
from tests.servers import NotHere

USER = "debian-snac"  # made by the package; snac must not run as root
PACKAGES = ("snac2", "nginx-light")
START_WITHIN = 20  # seconds
PEOPLE = (("a", "alice"), ("b", "bob"))
NGINX = """
daemon off; worker_processes 1; user {user}; pid {folder}/nginx.pid; error_log {folder}/nginx.log; events {{}}
http {{
  access_log off; client_max_body_size 50m; proxy_read_timeout 120s;
  client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3; uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
  proxy_set_header Host $host; proxy_set_header X-Forwarded-For $remote_addr;
  {servers}
}}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snac:
    """One server and who lives there."""

    host: str
    person: str
    password: str

    @property
    def url(self) -> str:
        return f"http://{self.host}"

    @property
    def endpoints(self) -> dict[str, str]:
        return {"server": self.url}

    def token(self) -> str:
        """By its own short cut, without an app: for those who only look."""
        form = {"login": self.person, "passwd": self.password, "redir": "", "cid": "", "state": ""}
        return self._open("/oauth/x-snac-get-token", form).decode().strip()

    def ask(self, path: str, token: str, form: Mapping[str, str] | None = None) -> Any:
        """One call of the Mastodon API; a form makes it a POST. Raises OSError."""
        return json.loads(self._open(path, form, token))

    def _open(self, path: str, form: Mapping[str, str] | None = None, token: str = "") -> bytes:
        data = urllib.parse.urlencode(form).encode() if form is not None else None
        request = urllib.request.Request(self.url + path, data=data)
        if token:
            request.add_header("Authorization", f"Bearer {token}")
        with urllib.request.urlopen(request, timeout=30) as answer:
            body: bytes = answer.read()
            return body


def install() -> None:
    """As root on Debian the two packages are installed. Raises NotHere."""
    if missing := debian.install(*PACKAGES, present=lambda: bool(shutil.which("snac") and shutil.which("nginx"))):
        raise NotHere(f"The real Mastodon-like servers are missing; {missing}")


def _user() -> int:
    if os.geteuid() != 0:
        raise NotHere(
            "The real Mastodon-like servers want port 80 of a loopback address each, which only root may open."
        )
    try:
        return pwd.getpwnam(USER).pw_uid
    except KeyError:
        raise NotHere(f"snac2 is here, but its user {USER} is not.") from None


@contextmanager
def running() -> Iterator[tuple[Snac, Snac]]:
    """Alice's server and Bob's, started and stopped after. Raises NotHere."""
    install()
    uid = _user()
    folder = Path(tempfile.mkdtemp(prefix="kicau-snac-", dir="/tmp"))  # a path that their user may pass through
    folder.chmod(0o711)
    os.chown(folder, uid, -1)
    net = f"127.{random.randint(64, 250)}.{random.randint(1, 250)}"
    hosts, ports = {"a": f"{net}.2", "b": f"{net}.3"}, {"a": free_port(), "b": free_port()}
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        words = {name: _made(folder / name, hosts[name], ports[name], person) for name, person in PEOPLE}
        for name in hosts:
            stack.enter_context(_process(["snac", "httpd", str(folder / name)], folder / f"{name}.log", user=USER))
        servers = " ".join(
            f"server {{ listen {hosts[n]}:80; location / {{ proxy_pass http://127.0.0.1:{ports[n]}; }} }}"
            for n in hosts
        )
        (folder / "nginx.conf").write_text(NGINX.format(user=USER, folder=folder, servers=servers))
        stack.enter_context(
            _process(["nginx", "-c", str(folder / "nginx.conf"), "-e", str(folder / "nginx.log")], folder / "nginx.out")
        )
        for host in hosts.values():
            _wait(host, folder)
        alice, bob = (Snac(host=hosts[name], person=person, password=words[name]) for name, person in PEOPLE)
        yield alice, bob


def _made(folder: Path, host: str, port: int, person: str) -> str:
    """A fresh server with one account; gives the account's password."""
    _as_user(["snac", "init", str(folder)], f"127.0.0.1\n{port}\n{host}\n\n\n")
    path = folder / "server.json"
    settings = json.loads(path.read_text())
    settings |= {"protocol": "http", "queue_retry_minutes": 1, "disable_email_notifications": True, "title": "snac"}
    path.write_text(json.dumps(settings))
    said = _as_user(["snac", "adduser", str(folder), person])
    found = re.search(r"User password is (\S+)", said)
    if found is None:
        raise NotHere(f"snac made no account: {said[-400:]}")
    return found[1]


def _as_user(command: list[str], said: str = "") -> str:
    done = subprocess.run(
        command, input=said, capture_output=True, text=True, check=False, user=USER, extra_groups=[], cwd="/"
    )
    return done.stdout + done.stderr


@contextmanager
def _process(command: list[str], log: Path, user: str | None = None) -> Iterator[None]:
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, stdout=out, stderr=out, user=user, extra_groups=[] if user else None, cwd="/"
        )
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(host: str, folder: Path) -> None:
    until = time.monotonic() + START_WITHIN
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(f"http://{host}/", timeout=2):
                return
        except OSError:
            time.sleep(0.05)
    logs = " ".join(path.read_text("utf-8", "replace")[-300:] for path in folder.glob("*.log"))
    raise NotHere(f"The real Mastodon-like server at {host} did not start: {logs}")
