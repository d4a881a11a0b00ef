"""How LinkedIn itself reads a commentary; written from its grammar, and apart from what our connector writes.

https://learn.microsoft.com/en-us/linkedin/marketing/community-management/shares/little-text-format (2026-11-24)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

PLAIN_PATTERN = re.compile(r"[^\\|{}@\[\]()<>#*_~]+")
ESCAPE_PATTERN = re.compile(r"\\([\\|{}@\[\]()<>#*_~])")
MENTION_PATTERN = re.compile(r"@\[((?:\\.|[^\]\\])*)\] ?\((urn:li:(?:person|organization):[A-Za-z0-9_-]+)\)", re.DOTALL)
TEMPLATE_PATTERN = re.compile(r"\{hashtag\|\\?([#＃])\|((?:\\.|[^}\\])+)\}", re.DOTALL)
HASHTAG_PATTERN = re.compile(r"#(\w+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedCommentary:
    text: str  # as readers see it
    mentions: tuple[str, ...] = ()  # URNs that became links
    tags: tuple[str, ...] = ()
    cut: str = ""  # what was lost behind a reserved character that nothing escaped


def parse_commentary(sent: str, names: Mapping[str, str]) -> ParsedCommentary:
    """`names` are the known entities' by URN: a mention of another name stays plain text.

    Everything from the first reserved character on that opens no element is silently lost, as on the network.
    """
    out: list[str] = []
    mentions: list[str] = []
    tags: list[str] = []
    at = 0
    while at < len(sent):
        if match := PLAIN_PATTERN.match(sent, at):
            out.append(match.group())
        elif match := ESCAPE_PATTERN.match(sent, at):
            out.append(match[1])
        elif match := MENTION_PATTERN.match(sent, at):
            name = ESCAPE_PATTERN.sub(r"\1", match[1])
            out.append(name)
            if _is_entity_name(match[2], name, names):
                mentions.append(match[2])
        elif match := TEMPLATE_PATTERN.match(sent, at):
            tag = ESCAPE_PATTERN.sub(r"\1", match[2])
            out.append(match[1] + tag)
            tags.append(tag)
        elif match := HASHTAG_PATTERN.match(sent, at):
            out.append(match.group())
            tags.append(match[1])
        else:
            return ParsedCommentary(text="".join(out), mentions=tuple(mentions), tags=tuple(tags), cut=sent[at:])
        at = match.end()
    return ParsedCommentary(text="".join(out), mentions=tuple(mentions), tags=tuple(tags))


def _is_entity_name(urn: str, name: str, names: Mapping[str, str]) -> bool:
    """An organisation by its whole name, a member also by one of its words; capitals count."""
    known = names.get(urn, "")
    return bool(known) and (name == known or (":person:" in urn and name in known.split()))
