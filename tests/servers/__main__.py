"""Kicau against the real servers, at full size; prints a report and ends with 1 where anything is wrong.

python -m tests.servers                            100 posts read back on each, 500 and 200 deliveries, 20 kills
python -m tests.servers --posts 10 --no-chaos      only the reading back, smaller
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys

from kicau.networks.bluesky.tests import real_server as bluesky
from kicau.networks.mastodon.tests import real_server as mastodon
from tests.servers import NotHere, chaos, pds, snac


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--posts", type=int, default=100)
    asked.add_argument("--bluesky", type=int, default=500, help="deliveries of the chaos")
    asked.add_argument("--mastodon", type=int, default=200, help="deliveries of the chaos")
    asked.add_argument("--kills", type=int, default=20)
    asked.add_argument("--seconds", type=float, default=90.0, help="over which it happens")
    asked.add_argument("--chaos", action=argparse.BooleanOptionalAction, default=True)
    given = asked.parse_args()
    wrong = 0
    try:
        if given.posts:
            with pds.running() as server:
                print("Bluesky (@atproto/pds):", flush=True)
                wrong += asyncio.run(bluesky.main(server.url, server.directory, given.posts))
            with snac.running() as (alice, _):
                print("Mastodon (snac2):", flush=True)
                wrong += asyncio.run(mastodon.main(alice.url, alice.person, alice.password, given.posts))
        if given.chaos:
            report = chaos.run(
                chaos.Wanted(bluesky=given.bluesky, mastodon=given.mastodon, kills=given.kills, seconds=given.seconds)
            )
            print(json.dumps(report, indent=1, ensure_ascii=False))
            wrong += bool(report["wrong"] or report["ended"])
    except NotHere as exc:
        print(exc, file=sys.stderr)
        return 1
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
