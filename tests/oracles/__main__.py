"""Our rules for texts against the networks' own libraries, with as many texts as wanted; ends with 1 where any differ.

python -m tests.oracles                                    5,000 texts each, those of the tests
python -m tests.oracles x mastodon --texts 100000 --seed 7   more of them, and others
"""

from __future__ import annotations

import argparse
import importlib
import sys
import time

from tests.oracles import NotHere, all_oracles
from tests.oracles.texts import DEFAULT_COUNT, DEFAULT_SEED, texts

SHOWN_DIFFERENCES = 20


def main() -> int:
    networks = [one.network for one in all_oracles()]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="*", default=networks, help=f"which of {', '.join(networks)}; all by default")
    parser.add_argument("--texts", type=int, default=DEFAULT_COUNT)
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED)
    arguments = parser.parse_args()
    if unknown := set(arguments.networks) - set(networks):
        parser.error(f"no oracle for {', '.join(sorted(unknown))}; there is {', '.join(networks)}")
    failed = False
    for network in arguments.networks:
        module = importlib.import_module(f"kicau.networks.{network}.tests.oracle")
        began = time.monotonic()
        try:
            found = module.compare(texts(arguments.seed, arguments.texts))
        except NotHere as exc:
            print(f"{network}: NOT TRIED: {exc}", file=sys.stderr)
            failed = True
            continue
        failed |= bool(found.differences)
        seconds = time.monotonic() - began
        print(f"{network}: {found.texts} texts, {len(found.differences)} differences, {seconds:.1f} s")
        for name, count in sorted(found.classes.items()):
            print(f"  {count} × {name}: {module.CLASSES[name]}")
        for one in found.differences[:SHOWN_DIFFERENCES]:
            print(f"  {one}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
