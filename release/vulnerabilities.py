"""Lists what is known to be vulnerable of everything that the locks pin, as the package registry tells it.

    python -m release.vulnerabilities [LOCK ...]

The registry is pip's own, whichever that is. It ends with 1 where something is known and not excepted in
release/accepted.toml, and with 0 where nothing is, or where the registry does not tell: that says nothing of the code.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from urllib.parse import urlsplit, urlunsplit

from release.sbom import ROOT, Locked, locked, normal

ACCEPTED = ROOT / "release" / "accepted.toml"
REQUEST_TIMEOUT_SECONDS = 20
MAX_BYTES = 64 << 20
LOCKS = ("requirements.lock", "requirements-dev.lock")


class NoAnswer(Exception):
    """The registry does not tell. The message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """One vulnerability of a pinned release."""

    package: str
    version: str
    ids: tuple[str, ...]
    fixed_in: tuple[str, ...]
    summary: str


def registry() -> str:
    """The address of pip's index. Raises NoAnswer."""
    code = "import sys; from pip._internal.commands import create_command as c; print(c('download').parse_args([])[0].index_url)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    if done.returncode != 0:  # this environment has no pip: the one that made it has
        done = subprocess.run(["python3", "-c", code], capture_output=True, text=True, check=False)  # noqa: S607
    address = done.stdout.strip()
    if not address.startswith(("https://", "http://")):
        raise NoAnswer("pip names no registry")
    return address


def details(index: str, one: Locked) -> str:
    """Where a registry's JSON API tells of a release, beside its index."""
    parts = urlsplit(index)
    base = parts.path.rstrip("/").removesuffix("/simple")
    return urlunsplit((parts.scheme, parts.netloc, f"{base}/pypi/{normal(one.name)}/{one.version}/json", "", ""))


def fetch(address: str) -> bytes:
    """Raises NoAnswer."""
    try:
        with urllib.request.urlopen(address, timeout=REQUEST_TIMEOUT_SECONDS) as answer:  # noqa: S310 (pip's registry)
            body: bytes = answer.read(MAX_BYTES)
            return body
    except (OSError, ValueError) as exc:
        raise NoAnswer(str(exc)) from exc


def known_of(body: bytes, one: Locked) -> list[Known]:
    """What a registry's answer says. Raises NoAnswer where it says nothing on vulnerabilities."""
    try:
        rows = json.loads(body)["vulnerabilities"]
        return [
            Known(
                package=one.name,
                version=one.version,
                ids=tuple(dict.fromkeys([str(row["id"]), *map(str, row.get("aliases") or ())])),
                fixed_in=tuple(map(str, row.get("fixed_in") or ())),
                summary=" ".join(str(row.get("summary") or row.get("details") or "").split())[:200],
            )
            for row in rows
            if not row.get("withdrawn")
        ]
    except (ValueError, KeyError, TypeError, AttributeError) as exc:
        raise NoAnswer("its answer does not say what is vulnerable") from exc


def accepted(today: date) -> set[str]:
    """Ids of what somebody looked at and found harmless here; each until a day."""
    rows = tomllib.loads(ACCEPTED.read_text("utf-8")).get("accepted", [])
    return {row["id"] for row in rows if row["until"] >= today and row["why"]}


def look(packages: Sequence[Locked], ask: Callable[[Locked], bytes], today: date) -> tuple[list[Known], list[str]]:
    """(what is known and not accepted, of whom the registry does not tell). Stops asking after three without an answer."""
    found: list[Known] = []
    silent: list[str] = []
    allowed = accepted(today)
    for one in packages:
        if len(silent) >= 3:
            silent.append(f"{one.name}: not asked")
            continue
        try:
            found += [known for known in known_of(ask(one), one) if allowed.isdisjoint(known.ids)]
        except NoAnswer as exc:
            silent.append(f"{one.name}: {exc}")
    return found, silent


def main(names: Sequence[str]) -> int:
    packages = {
        (normal(one.name), one.version): one
        for name in names or LOCKS
        for one in locked((ROOT / name).read_text("utf-8"))
    }
    try:
        index = registry()
        found, silent = look(list(packages.values()), lambda one: fetch(details(index, one)), datetime.now(UTC).date())
    except NoAnswer as exc:
        found, silent = [], [str(exc)]
    for known in found:
        fixed = f"; fixed in {', '.join(known.fixed_in)}" if known.fixed_in else ""
        print(f"{known.package} {known.version}: {' '.join(known.ids)}{fixed}. {known.summary}")
    if silent:
        print(f"The registry did not tell of {len(silent)} of {len(packages)}: {silent[0]}.", file=sys.stderr)
    print(f"{len(found)} known vulnerabilities in {len(packages) - len(silent)} packages.")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
