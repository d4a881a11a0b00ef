"""robots.txt (RFC 9309) as far as it speaks of use: AIPREF's and Cloudflare's rules by group, and RSL's License lines."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urljoin

from kicau.base.sentences import Sentence
from kicau.vocabularies import aipref, content_signal
from kicau.vocabularies.terms import Declaration, ParsedDeclarations, quote_source

MAX_BYTES = 500 * 1024  # bytes that are parsed at least, and here at most (RFC 9309, section 2.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class RobotsRules:
    """`allowed` are the rules of each group, `licences` addresses of RSL documents for the whole site."""

    reading: ParsedDeclarations
    rules: Mapping[str, tuple[tuple[bool, str], ...]]  # by agent, lower case: (allowed, path pattern)
    licences: tuple[str, ...]

    def about(self, path: str, agent: str = "*") -> tuple[Declaration, ...]:
        """What holds for a path: the longest pattern's of the agent's own group, else of that for all. Nothing for a
        path that may not be fetched. Of equal patterns each counts (draft-ietf-aipref-attach-05, section 3.1)."""
        group = agent.lower() if agent.lower() in self.rules else "*"
        if not may_fetch(self.rules.get(group, ()), path):
            return ()
        found: list[Declaration] = []
        for vocabulary in (aipref.SLUG, content_signal.SLUG):
            mine = [
                d
                for d in self.reading.declarations
                if d.vocabulary == vocabulary and (d.agent or "*") == group and matches_pattern(d.scope or "/", path)
            ]
            longest = max((len(d.scope.encode()) for d in mine), default=0)
            found += [d for d in mine if len(d.scope.encode()) == longest]
        return tuple(found)


def read_robots(data: bytes, base: str = "") -> RobotsRules:
    """Never raises. `base`: the address of the file, against which License lines are resolved."""
    faults: list[str] = []
    if len(data) > MAX_BYTES:
        faults.append(
            Sentence(
                "The website's robots.txt file (rules for web crawlers) has {size} bytes. Kicau read only the first {limit} bytes.",
                size=len(data),
                limit=MAX_BYTES,
            )
        )
        data = data[:MAX_BYTES].rpartition(b"\n")[0]
    rules: dict[str, list[tuple[bool, str]]] = {}
    licences: list[str] = []
    found = ParsedDeclarations()
    agents: list[str] = []
    naming = False  # whether the last line named a crawler, so that the next one joins it
    for line in data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace").splitlines():
        label, colon, value = line.partition("#")[0].partition(":")
        label, value = label.strip().lower(), value.strip()
        if not colon:
            continue
        if label == "user-agent":
            agents = [*agents, value.lower()] if naming else [value.lower()]
            rules.setdefault(value.lower(), [])
            naming = True
            continue
        if label == "license":
            licences.append(urljoin(base, value))
            continue
        naming = naming and label not in ("allow", "disallow", "content-usage", "content-signal")
        for agent in agents:
            if label in ("allow", "disallow") and value:
                rules[agent].append((label == "allow", value))
        if label in ("content-usage", "content-signal"):
            if not agents:
                faults.append(
                    Sentence(
                        "In the website's robots.txt file (rules for web crawlers), {said} comes before the first User-agent line. Kicau ignores this line, because it is for no crawler.",
                        said=quote_source(line),
                    )
                )
            found += _read_use_rule(label, value, agents)
    told = found + ParsedDeclarations(faults=tuple(faults))
    return RobotsRules(reading=told, rules={agent: tuple(of) for agent, of in rules.items()}, licences=tuple(licences))


def write_robots(says: Mapping[str, str], *, licence: str = "", disallow: Iterable[str] = ()) -> str:
    """A whole robots.txt for everybody. `licence`: the address of the RSL document."""
    usage, signal = aipref.write_preference(says), content_signal.write_signal(says)
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in disallow), "Allow: /"]
    if usage:
        lines.append(f"Content-Usage: / {usage}")
    if signal:
        lines.append(f"Content-Signal: {signal}")
    if licence:
        lines += ["", f"License: {licence}"]
    return "\n".join(lines) + "\n"


def matches_pattern(pattern: str, path: str) -> bool:
    """By RFC 9309, section 2.2.3: by its beginning, `*` for anything, `$` for the end."""
    end = pattern.endswith("$")
    parts = (pattern[:-1] if end else pattern).split("*")
    return re.match(".*?".join(map(re.escape, parts)) + ("$" if end else ""), path, re.DOTALL) is not None


def may_fetch(rules: Iterable[tuple[bool, str]], path: str) -> bool:
    """The longest matching rule counts, of equally long ones the one that allows; no rule allows."""
    mine = [(len(pattern.encode()), allowed) for allowed, pattern in rules if matches_pattern(pattern, path)]
    return max(mine, default=(0, True))[1]


def _read_use_rule(label: str, value: str, agents: Iterable[str]) -> ParsedDeclarations:
    path, expression = "/", value
    if value.startswith("/"):
        path, _, expression = value.partition(" ") if "\t" not in value.partition(" ")[0] else value.partition("\t")
    found = ParsedDeclarations()
    for agent in agents:
        who = "" if agent == "*" else agent
        if label == "content-usage":
            found += aipref.read_preference(expression.strip().encode("utf-8", "replace"), scope=path, agent=who)
        else:
            found += content_signal.read_signal(expression.strip(), scope=path, agent=who)
    return found
