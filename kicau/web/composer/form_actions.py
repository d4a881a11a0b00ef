"""What the composer's buttons do to the sheet. A verb that no longer fits (two clicks at once) changes nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from kicau.channels.channel_session import capabilities_of
from kicau.channels.models import Channel
from kicau.connector import content, registry
from kicau.connector.capabilities import Ability
from kicau.publishing.content.compositions import LinkInput
from kicau.web.composer.form import MOST_MEDIA, MOST_PARTS, Leaf, Piece, Sheet

SENTENCE_END = re.compile(r"[.!?…]['\"”’)]*\s+|\n+")
ADDRESS = re.compile(r"https?://[^\s<>]+")
WORTH_KEEPING = 0.4  # a cut at a sentence's end may leave the part this empty, not emptier


def shape(sheet: Sheet, verb: str, channels: Sequence[Channel]) -> str:
    """Do `verb` ("add-part:", "drop-part:p2", …); returns the key of the part that should have the focus, or ""."""
    name, _, rest = verb.partition(":")
    if act := _WHOLE.get(name):
        return act(sheet, rest)
    key, _, medium = rest.partition(":")
    place = sheet.place(key)
    if place is None:
        return ""
    if act_for_channels := _FITTING.get(name):
        return act_for_channels(sheet, *place, channels, medium)
    if act_on_part := _PART.get(name):
        return act_on_part(sheet, *place)
    if act_on_medium := _MEDIUM.get(name):
        act_on_medium(place[0][place[1]], medium)
        return key
    return ""


# The whole sheet


def _add_part(sheet: Sheet, group: str) -> str:
    leaves = sheet.leaves.get(group)
    if leaves is None or len(leaves) >= MOST_PARTS:
        return ""
    leaves.append(Leaf(key=sheet.new_key()))
    return leaves[-1].key


def _own(sheet: Sheet, network: str) -> str:
    """A network's own version begins as a copy of what all get."""
    if network not in sheet.leaves and network in registry.slugs():
        sheet.leaves[network] = []
        for leaf in sheet.leaves[""]:
            sheet.leaves[network].append(
                Leaf(key=sheet.new_key(), text=leaf.text, media=[replace(p) for p in leaf.media])
            )
        return sheet.leaves[network][0].key
    return ""


def _same(sheet: Sheet, network: str) -> str:
    if network:
        sheet.leaves.pop(network, None)
    return ""


def _join(sheet: Sheet, network: str) -> str:
    """One text of all parts, for a network without threads."""
    _own(sheet, network)
    leaves = sheet.leaves.get(network, [])
    while len(leaves) > 1:
        _merge(sheet, leaves, 1)
    return leaves[0].key if leaves else ""


def _leave(sheet: Sheet, channel: str) -> str:
    sheet.channels = [key for key in sheet.channels if key != channel]
    return ""


def _convert(sheet: Sheet, rest: str) -> str:
    sheet.convert = rest != "off"
    return ""


def _link(sheet: Sheet, rest: str) -> str:
    """`on` begins with the text's own first address; what its page says is read by the view."""
    if rest == "off":
        sheet.link = None
    elif rest == "no-picture" and sheet.link:
        sheet.link = replace(sheet.link, thumbnail=None)
    elif sheet.link is None:
        found = next((match[0] for leaf in sheet.leaves[""] if (match := ADDRESS.search(leaf.text))), "")
        sheet.link = LinkInput(url=found.rstrip(".,;:!?)”’\"'"))
    return ""


def _poll(sheet: Sheet, rest: str) -> str:
    if rest == "off":
        sheet.poll_options = None
    elif rest == "more" and sheet.poll_options is not None:
        sheet.poll_options.append("")
    elif (
        rest.startswith("drop-")
        and sheet.poll_options is not None
        and rest[5:].isdigit()
        and len(sheet.poll_options) > 2
    ):
        del sheet.poll_options[int(rest[5:]) : int(rest[5:]) + 1]
    elif sheet.poll_options is None:
        sheet.poll_options = ["", ""]
    return ""


_WHOLE: dict[str, Callable[[Sheet, str], str]] = {
    "add-part": _add_part,
    "own": _own,
    "same": _same,
    "join": _join,
    "leave": _leave,
    "convert": _convert,
    "put": lambda sheet, rest: _put(sheet, rest),
    "link": _link,
    "poll": _poll,
}


# One part


def _drop(sheet: Sheet, leaves: list[Leaf], n: int) -> str:
    if len(leaves) > 1:
        del leaves[n]
    return leaves[max(0, n - 1)].key


def _up(sheet: Sheet, leaves: list[Leaf], n: int) -> str:
    if n:
        leaves[n - 1], leaves[n] = leaves[n], leaves[n - 1]
        return leaves[n - 1].key
    return leaves[n].key


def _down(sheet: Sheet, leaves: list[Leaf], n: int) -> str:
    return _up(sheet, leaves, n + 1) and leaves[n + 1].key if n + 1 < len(leaves) else leaves[n].key


def _merge(sheet: Sheet, leaves: list[Leaf], n: int) -> str:
    """With the part before it."""
    if not n:
        return leaves[n].key
    before, here = leaves[n - 1], leaves[n]
    before.text = "\n\n".join(t for t in (before.text.rstrip(), here.text.lstrip()) if t)
    before.media = (before.media + [p for p in here.media if p.id not in {m.id for m in before.media}])[:MOST_MEDIA]
    del leaves[n]
    return before.key


_PART: dict[str, Callable[[Sheet, list[Leaf], int], str]] = {
    "drop-part": _drop,
    "up": _up,
    "down": _down,
    "merge": _merge,
}


# One medium


def _attach(leaf: Leaf, medium: str) -> None:
    if medium not in {p.id for p in leaf.media} and len(leaf.media) < MOST_MEDIA:
        leaf.media.append(Piece(id=medium))


def _detach(leaf: Leaf, medium: str) -> None:
    leaf.media = [p for p in leaf.media if p.id != medium]


def _left(leaf: Leaf, medium: str) -> None:
    _shift(leaf, medium, -1)


def _right(leaf: Leaf, medium: str) -> None:
    _shift(leaf, medium, 1)


def _shift(leaf: Leaf, medium: str, by: int) -> None:
    at = next((n for n, p in enumerate(leaf.media) if p.id == medium), -1)
    if at >= 0 and 0 <= at + by < len(leaf.media):
        leaf.media[at], leaf.media[at + by] = leaf.media[at + by], leaf.media[at]


_MEDIUM: dict[str, Callable[[Leaf, str], None]] = {"attach": _attach, "detach": _detach, "left": _left, "right": _right}


def _put(sheet: Sheet, rest: str) -> str:
    """ "p1:<medium>:p2:3": take a medium out of one part and put it into another (or the same) as its fourth."""
    names = rest.split(":")
    if len(names) != 4 or not names[3].isdigit():
        return ""
    source, target = sheet.place(names[0]), sheet.place(names[2])
    if source is None or target is None:
        return ""
    before, after = source[0][source[1]], target[0][target[1]]
    piece = next((p for p in before.media if p.id == names[1]), None)
    if piece is None or (
        before is not after and (len(after.media) >= MOST_MEDIA or any(p.id == piece.id for p in after.media))
    ):
        return ""
    before.media.remove(piece)
    after.media.insert(int(names[3]), piece)
    return after.key


# What the networks' own rules decide


def _split_here(sheet: Sheet, leaves: list[Leaf], n: int, channels: Sequence[Channel], at: str) -> str:
    """In two, at a place in the text (code points)."""
    if len(leaves) >= MOST_PARTS or not at.isdigit():
        return leaves[n].key
    text, place = leaves[n].text, int(at)
    leaves[n].text = text[:place].rstrip()
    leaves.insert(n + 1, Leaf(key=sheet.new_key(), text=text[place:].lstrip()))
    return leaves[n + 1].key


def _shorten(sheet: Sheet, leaves: list[Leaf], n: int, channels: Sequence[Channel], key: str) -> str:
    """A version of its own for the channel's network, with as much of this part as it takes; the others keep all."""
    channel = next((c for c in channels if c.key == key), None)
    if channel is None:
        return leaves[n].key
    _own(sheet, channel.network)
    own = sheet.leaves[channel.network]
    if n >= len(own):
        return ""
    alike = [c for c in channels if c.network == channel.network]
    own[n].text = cut(own[n].text, lambda text: all(_fits(c, text) for c in alike))[0]
    return own[n].key


def _fewer(sheet: Sheet, leaves: list[Leaf], n: int, channels: Sequence[Channel], rest: str) -> str:
    """A version of its own for a network, with the first media only: "network:4"."""
    network, _, most = rest.partition(":")
    _own(sheet, network)
    own = sheet.leaves.get(network, [])
    if n >= len(own) or not most.isdigit():
        return ""
    own[n].media = own[n].media[: int(most)]
    return own[n].key


def _split(sheet: Sheet, leaves: list[Leaf], n: int, channels: Sequence[Channel], rest: str = "") -> str:
    """Cut a part so that each piece fits every chosen channel that knows threads; media stay with the first."""
    group = next((g for g, own in sheet.leaves.items() if own is leaves), "")
    threading = [
        c
        for c in channels
        if capabilities_of(c).can(Ability.THREAD)
        and (c.network == group or (not group and c.network not in sheet.leaves))
    ]
    if not threading:
        return leaves[n].key
    pieces = cut(leaves[n].text, lambda text: all(_fits(c, text) for c in threading))
    leaves[n].text = pieces[0]
    for offset, text in enumerate(pieces[1 : MOST_PARTS - len(leaves) + 1], start=1):
        leaves.insert(n + offset, Leaf(key=sheet.new_key(), text=text))
    return leaves[n].key


_FITTING: dict[str, Callable[[Sheet, list[Leaf], int, Sequence[Channel], str], str]] = {
    "split": _split,
    "split-here": _split_here,
    "shorten": _shorten,
    "fewer": _fewer,
}


def _fits(channel: Channel, text: str) -> bool:
    rendered = registry.get(channel.network).render(
        content.Draft(parts=(content.Part(text=text),)), capabilities_of(channel)
    )
    return all(part.used <= part.limit for part in rendered.parts)


def cut(text: str, fits: Callable[[str], bool]) -> list[str]:
    """The text in pieces that fit, cut between paragraphs, else sentences, else words, else anywhere."""
    pieces: list[str] = []
    rest = text.strip()
    while rest and not fits(rest):
        ends = [m.start() for m in re.finditer(r"\s+", rest)]
        at = _last_fitting(rest, ends, fits) or _last_fitting(rest, list(range(1, len(rest))), fits) or 1
        sentence = max((m.end() for m in SENTENCE_END.finditer(rest[:at] + " ") if m.end() <= at + 1), default=0)
        at = sentence if sentence >= at * WORTH_KEEPING else at
        pieces.append(rest[:at].rstrip())
        rest = rest[at:].lstrip()
    return [*pieces, rest] if rest or not pieces else pieces


def _last_fitting(text: str, ends: Sequence[int], fits: Callable[[str], bool]) -> int:
    low, high = 0, len(ends)
    while low < high:
        middle = (low + high) // 2
        if fits(text[: ends[middle]]):
            low = middle + 1
        else:
            high = middle
    return ends[low - 1] if low else 0
