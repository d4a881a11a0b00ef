"""A real browser for the journeys: as root on Debian it is installed; elsewhere the tests say what is missing.

Needs nothing but Python, so that it runs while everything else is being installed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")


def install() -> None:
    if any(shutil.which(name) for name in BROWSERS) or not shutil.which("apt-get") or os.geteuid() != 0:
        return
    print("── browser: installing Chromium for the journeys", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (
        ["apt-get", "update", "-qq"],
        ["apt-get", "install", "-y", "-qq", "--no-install-recommends", BROWSERS[0]],
    ):
        done = subprocess.run(
            command, check=False, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        if done.returncode != 0:
            print(done.stdout[-2000:], file=sys.stderr)


if __name__ == "__main__":
    install()
