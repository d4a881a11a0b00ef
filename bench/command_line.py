"""How long a command takes that needs no database: `kicau --help`, and `kicau check` of 4,000 lines.

    python -m bench.command_line [--times 5]

Prints one JSON line with the fastest of each in seconds, measured and calibrated by the processor. There is no bar.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time

from bench.calibration import calibrated

LINES = "".join(
    json.dumps({"text": f"Kabar nomor {n} #kopi https://kopi-senja.example.com/{n}"}) + "\n" for n in range(4000)
)
COMMANDS = {
    "help_s": (["--help"], ""),
    "check_4000_s": (["check", "--network", "x", "--json"], LINES),
}


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--times", type=int, default=5)
    times = asked.parse_args().times
    with calibrated() as machine:
        found = {name: min(seconds(*what) for _ in range(times)) for name, what in COMMANDS.items()}
    calibrated_found = {name: round(machine.time(value), 2) for name, value in found.items()}
    print(json.dumps({**found, "calibrated": calibrated_found, "machine": machine.report()}))


def seconds(arguments: list[str], lines: str) -> float:
    began = time.monotonic()
    command = [sys.executable, "-m", "kicau.cli", *arguments]
    subprocess.run(command, input=lines, text=True, capture_output=True, check=False)
    return round(time.monotonic() - began, 2)


if __name__ == "__main__":
    main()
