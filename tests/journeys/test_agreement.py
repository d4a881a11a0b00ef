"""A preview cannot lie: what it shows is what the networks show. With as many posts as are wanted:

python -m tests.journeys.test_agreement [200]
"""

from __future__ import annotations

import os
import subprocess
import sys

from django.test import Client

COUNT = int(os.environ.get("AGREEMENT", "12"))


def test_what_was_previewed_is_what_was_published(networks, owner, actor):
    from tests.journeys.agreement import run

    page = Client(headers={"accept-language": "en"})
    page.force_login(owner)
    agreed, wrong = run(page, actor, networks, COUNT, patience=60 + COUNT)
    print(f"{COUNT} posts: {agreed} deliveries agreed, {len(wrong)} did not")
    assert not wrong, "\n".join(wrong[:10])
    assert agreed >= COUNT


def main(arguments: list[str]) -> int:
    environment = {**os.environ, "AGREEMENT": arguments[0] if arguments else "200"}
    return subprocess.run(
        [sys.executable, "-m", "pytest", __file__, "-q", "-s"], check=False, env=environment
    ).returncode


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
