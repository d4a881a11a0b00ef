"""Lighthouse's accessibility score of every page, on a wide and a narrow screen. Lighthouse is no dependency of Kicau:

npm install -g lighthouse
python -m tests.journeys.lighthouse [page …]

LIGHTHOUSE names the program where it is not on the path.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("LIGHTHOUSE", "lighthouse")
PUBLIC = ("sign-in", "client-review")  # as somebody without a sign-in sees them


def test_scores(site, transactional_db, owner, workspace, actor, tmp_path):
    from django.test import Client

    from tests.journeys.conftest import browser_path
    from tests.journeys.screenshots import addresses
    from tests.journeys.stock.posts import stock

    client = Client()
    client.force_login(owner)
    pages = {**addresses(actor, stock(actor, workspace)), "sign-in": "/sign-in"}
    del pages["missing"]  # an answer of 404, which Lighthouse does not look at
    short = []
    for title, address in pages.items():
        if (wanted := os.environ.get("LIGHTHOUSE_PAGES", "").split()) and title not in wanted:
            continue
        scores = []
        for look in ("--preset=desktop", "--form-factor=mobile"):
            told = tmp_path / "told.json"
            cookie = {} if title in PUBLIC else {"Cookie": f"kicau={client.cookies['kicau'].value}"}
            subprocess.run(
                [
                    PROGRAM,
                    f"{site}{address}",
                    look,
                    "--only-categories=accessibility",
                    "--output=json",
                    f"--output-path={told}",
                    "--quiet",
                    f"--extra-headers={json.dumps(cookie)}",
                    "--chrome-flags=--headless --no-sandbox --disable-gpu --disable-dev-shm-usage",
                ],
                env={**os.environ, "CHROME_PATH": browser_path()},
                check=True,
                timeout=180,
            )
            report = json.loads(told.read_text("utf-8"))
            scores.append(round(report["categories"]["accessibility"]["score"] * 100))
            failed = [
                a
                for r in report["categories"]["accessibility"]["auditRefs"]
                if r["weight"] and (a := report["audits"][r["id"]])["score"] == 0
            ]
            short += [
                f"{title} {look}: {a['id']}: {item['node']['snippet']}"
                for a in failed
                for item in a.get("details", {}).get("items", [])[:3]
            ]
        print(f"{title:24} wide {scores[0]}  narrow {scores[1]}", flush=True)
    assert not short, "\n".join(short)


def main(arguments: list[str]) -> int:
    """The pages that are named, or all of them; 1 where one is below 100."""
    if not shutil.which(PROGRAM):
        print(__doc__)
        return 2
    return subprocess.run(
        [sys.executable, "-m", "pytest", str(Path(__file__)), "-q", "-s"],
        check=False,
        cwd=ROOT,
        env={**os.environ, "LIGHTHOUSE_PAGES": " ".join(arguments)},
    ).returncode


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
