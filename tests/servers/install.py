"""Installs the real servers and the networks' own text libraries ahead of the tests, and says which are missing.

python -m tests.servers.install
"""

from __future__ import annotations

from tests.oracles import all_oracles
from tests.servers import NotHere, pds, snac


def main() -> int:
    missing = 0
    for install in (snac.install, pds.install, *(one.program.install for one in all_oracles())):
        try:
            install()
        except NotHere as exc:
            print(f"NOT TRIED: {exc}", flush=True)
            missing += 1
    return missing


if __name__ == "__main__":
    raise SystemExit(main())
