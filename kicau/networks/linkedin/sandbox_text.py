"""How LinkedIn itself reads a commentary; written from its grammar, and apart from what our connector writes.

https://learn.microsoft.com/en-us/linkedin/marketing/community-management/shares/little-text-format (2026-11-24)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

PLAIN = re.compile(r"[^\\|{}@\[\]()<>#*_~]+")
ESCAPE = re.compile(r"\\([\\|{}@\[\]()<>#*_~])")
MENTION = re.compile(r"@\[((?:\\.|[^\]\\])*)\] ?\((urn:li:(?:person|organization):[A-Za-z0-9_-]+)\)", re.DOTALL)
TEMPLATE = re.compile(r"\{hashtag\|\\?([#＃])\|((?:\\.|[^}\\])+)\}", re.DOTALL)
HASHTAG = re.compile(r"#(\w+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    text: str  # as readers see it
    mentions: tuple[str, ...] = ()  # URNs that became links
    tags: tuple[str, ...] = ()
    cut: str = ""  # what was lost behind a reserved character that nothing escaped


def read(sent: str, names: Mapping[str, str]) -> Read:
    """`names` are the known entities' by URN: a mention of another name stays plain text.

    Everything from the first reserved character on that opens no element is silently lost, as on the network.
    """
    out: list[str] = []
    mentions: list[str] = []
    tags: list[str] = []
    at = 0
    while at < len(sent):
        if match := PLAIN.match(sent, at):
            out.append(match.group())
        elif match := ESCAPE.match(sent, at):
            out.append(match[1])
        elif match := MENTION.match(sent, at):
            name = ESCAPE.sub(r"\1", match[1])
            out.append(name)
            if _is_named(match[2], name, names):
                mentions.append(match[2])
        elif match := TEMPLATE.match(sent, at):
            tag = ESCAPE.sub(r"\1", match[2])
            out.append(match[1] + tag)
            tags.append(tag)
        elif match := HASHTAG.match(sent, at):
            out.append(match.group())
            tags.append(match[1])
        else:
            return Read(text="".join(out), mentions=tuple(mentions), tags=tuple(tags), cut=sent[at:])
        at = match.end()
    return Read(text="".join(out), mentions=tuple(mentions), tags=tuple(tags))


def _is_named(urn: str, name: str, names: Mapping[str, str]) -> bool:
    """An organisation by its whole name, a member also by one of its words; capitals count."""
    known = names.get(urn, "")
    return bool(known) and (name == known or (":person:" in urn and name in known.split()))
