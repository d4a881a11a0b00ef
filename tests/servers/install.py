"""Installs the real servers ahead of the tests, and says which of them will not be tried: `python -m tests.servers.install`."""

from __future__ import annotations

from tests.servers import NotHere, pds, snac


def main() -> int:
    missing = 0
    for install in (snac.install, pds.install):
        try:
            install()
        except NotHere as exc:
            print(f"NOT TRIED: {exc}", flush=True)
            missing += 1
    return missing


if __name__ == "__main__":
    raise SystemExit(main())
