"""What the composer's buttons do to the sheet. A verb that no longer fits (two clicks at once) changes nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from kicau.channels.channel_session import capabilities_of
from kicau.channels.models import Channel
from kicau.connector import content, registry
from kicau.connector.capabilities import Ability
from kicau.publishing.content.compositions import LinkContent
from kicau.web.composer.form import MAX_MEDIA_PER_PART, MAX_PARTS, MediumForm, PartForm, PostForm

SENTENCE_END_PATTERN = re.compile(r"[.!?…]['\"”’)]*\s+|\n+")
URL_PATTERN = re.compile(r"https?://[^\s<>]+")
MIN_PIECE_SHARE = 0.4  # a cut at a sentence's end may leave the part this empty, not emptier


def apply_action(sheet: PostForm, verb: str, channels: Sequence[Channel]) -> str:
    """Do `verb` ("add-part:", "drop-part:p2", …); returns the key of the part that should have the focus, or ""."""
    name, _, rest = verb.partition(":")
    if act := _POST_ACTIONS.get(name):
        return act(sheet, rest)
    key, _, medium = rest.partition(":")
    place = sheet.place(key)
    if place is None:
        return ""
    if act_for_channels := _FITTING_ACTIONS.get(name):
        return act_for_channels(sheet, *place, channels, medium)
    if act_on_part := _PART_ACTIONS.get(name):
        return act_on_part(sheet, *place)
    if act_on_medium := _MEDIUM_ACTIONS.get(name):
        act_on_medium(place[0][place[1]], medium)
        return key
    return ""


# The whole sheet


def _add_part(sheet: PostForm, group: str) -> str:
    leaves = sheet.leaves.get(group)
    if leaves is None or len(leaves) >= MAX_PARTS:
        return ""
    leaves.append(PartForm(key=sheet.new_key()))
    return leaves[-1].key


def _customize_network(sheet: PostForm, network: str) -> str:
    """A network's own version begins as a copy of what all get."""
    if network not in sheet.leaves and network in registry.installed_slugs():
        sheet.leaves[network] = []
        for leaf in sheet.leaves[""]:
            sheet.leaves[network].append(
                PartForm(key=sheet.new_key(), text=leaf.text, media=[replace(p) for p in leaf.media])
            )
        return sheet.leaves[network][0].key
    return ""


def _use_common_text(sheet: PostForm, network: str) -> str:
    if network:
        sheet.leaves.pop(network, None)
    return ""


def _join_parts(sheet: PostForm, network: str) -> str:
    """One text of all parts, for a network without threads."""
    _customize_network(sheet, network)
    leaves = sheet.leaves.get(network, [])
    while len(leaves) > 1:
        _merge_part(sheet, leaves, 1)
    return leaves[0].key if leaves else ""


def _remove_channel(sheet: PostForm, channel: str) -> str:
    sheet.channels = [key for key in sheet.channels if key != channel]
    return ""


def _set_convert(sheet: PostForm, rest: str) -> str:
    sheet.convert = rest != "off"
    return ""


def _set_link(sheet: PostForm, rest: str) -> str:
    """`on` begins with the text's own first address; what its page says is read by the view."""
    if rest == "off":
        sheet.link = None
    elif rest == "no-picture" and sheet.link:
        sheet.link = replace(sheet.link, thumbnail=None)
    elif sheet.link is None:
        found = next((match[0] for leaf in sheet.leaves[""] if (match := URL_PATTERN.search(leaf.text))), "")
        sheet.link = LinkContent(url=found.rstrip(".,;:!?)”’\"'"))
    return ""


def _set_poll(sheet: PostForm, rest: str) -> str:
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


_POST_ACTIONS: dict[str, Callable[[PostForm, str], str]] = {
    "add-part": _add_part,
    "own": _customize_network,
    "same": _use_common_text,
    "join": _join_parts,
    "leave": _remove_channel,
    "convert": _set_convert,
    "put": lambda sheet, rest: _move_medium(sheet, rest),
    "link": _set_link,
    "poll": _set_poll,
}


# One part


def _drop_part(sheet: PostForm, leaves: list[PartForm], n: int) -> str:
    if len(leaves) > 1:
        del leaves[n]
    return leaves[max(0, n - 1)].key


def _move_part_up(sheet: PostForm, leaves: list[PartForm], n: int) -> str:
    if n:
        leaves[n - 1], leaves[n] = leaves[n], leaves[n - 1]
        return leaves[n - 1].key
    return leaves[n].key


def _move_part_down(sheet: PostForm, leaves: list[PartForm], n: int) -> str:
    return _move_part_up(sheet, leaves, n + 1) and leaves[n + 1].key if n + 1 < len(leaves) else leaves[n].key


def _merge_part(sheet: PostForm, leaves: list[PartForm], n: int) -> str:
    """With the part before it."""
    if not n:
        return leaves[n].key
    before, here = leaves[n - 1], leaves[n]
    before.text = "\n\n".join(t for t in (before.text.rstrip(), here.text.lstrip()) if t)
    before.media = (before.media + [p for p in here.media if p.id not in {m.id for m in before.media}])[
        :MAX_MEDIA_PER_PART
    ]
    del leaves[n]
    return before.key


_PART_ACTIONS: dict[str, Callable[[PostForm, list[PartForm], int], str]] = {
    "drop-part": _drop_part,
    "up": _move_part_up,
    "down": _move_part_down,
    "merge": _merge_part,
}


# One medium


def _attach_medium(leaf: PartForm, medium: str) -> None:
    if medium not in {p.id for p in leaf.media} and len(leaf.media) < MAX_MEDIA_PER_PART:
        leaf.media.append(MediumForm(id=medium))


def _detach_medium(leaf: PartForm, medium: str) -> None:
    leaf.media = [p for p in leaf.media if p.id != medium]


def _move_medium_left(leaf: PartForm, medium: str) -> None:
    _shift_medium(leaf, medium, -1)


def _move_medium_right(leaf: PartForm, medium: str) -> None:
    _shift_medium(leaf, medium, 1)


def _shift_medium(leaf: PartForm, medium: str, by: int) -> None:
    at = next((n for n, p in enumerate(leaf.media) if p.id == medium), -1)
    if at >= 0 and 0 <= at + by < len(leaf.media):
        leaf.media[at], leaf.media[at + by] = leaf.media[at + by], leaf.media[at]


_MEDIUM_ACTIONS: dict[str, Callable[[PartForm, str], None]] = {
    "attach": _attach_medium,
    "detach": _detach_medium,
    "left": _move_medium_left,
    "right": _move_medium_right,
}


def _move_medium(sheet: PostForm, rest: str) -> str:
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
        before is not after and (len(after.media) >= MAX_MEDIA_PER_PART or any(p.id == piece.id for p in after.media))
    ):
        return ""
    before.media.remove(piece)
    after.media.insert(int(names[3]), piece)
    return after.key


# What the networks' own rules decide


def _split_here(sheet: PostForm, leaves: list[PartForm], n: int, channels: Sequence[Channel], at: str) -> str:
    """In two, at a place in the text (code points)."""
    if len(leaves) >= MAX_PARTS or not at.isdigit():
        return leaves[n].key
    text, place = leaves[n].text, int(at)
    leaves[n].text = text[:place].rstrip()
    leaves.insert(n + 1, PartForm(key=sheet.new_key(), text=text[place:].lstrip()))
    return leaves[n + 1].key


def _shorten(sheet: PostForm, leaves: list[PartForm], n: int, channels: Sequence[Channel], key: str) -> str:
    """A version of its own for the channel's network, with as much of this part as it takes; the others keep all."""
    channel = next((c for c in channels if c.key == key), None)
    if channel is None:
        return leaves[n].key
    _customize_network(sheet, channel.network)
    own = sheet.leaves[channel.network]
    if n >= len(own):
        return ""
    alike = [c for c in channels if c.network == channel.network]
    own[n].text = split_text(own[n].text, lambda text: all(_fits(c, text) for c in alike))[0]
    return own[n].key


def _limit_media(sheet: PostForm, leaves: list[PartForm], n: int, channels: Sequence[Channel], rest: str) -> str:
    """A version of its own for a network, with the first media only: "network:4"."""
    network, _, most = rest.partition(":")
    _customize_network(sheet, network)
    own = sheet.leaves.get(network, [])
    if n >= len(own) or not most.isdigit():
        return ""
    own[n].media = own[n].media[: int(most)]
    return own[n].key


def _split_part(sheet: PostForm, leaves: list[PartForm], n: int, channels: Sequence[Channel], rest: str = "") -> str:
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
    pieces = split_text(leaves[n].text, lambda text: all(_fits(c, text) for c in threading))
    leaves[n].text = pieces[0]
    for offset, text in enumerate(pieces[1 : MAX_PARTS - len(leaves) + 1], start=1):
        leaves.insert(n + offset, PartForm(key=sheet.new_key(), text=text))
    return leaves[n].key


_FITTING_ACTIONS: dict[str, Callable[[PostForm, list[PartForm], int, Sequence[Channel], str], str]] = {
    "split": _split_part,
    "split-here": _split_here,
    "shorten": _shorten,
    "fewer": _limit_media,
}


def _fits(channel: Channel, text: str) -> bool:
    rendered = registry.get_connector(channel.network).render(
        content.Draft(parts=(content.Part(text=text),)), capabilities_of(channel)
    )
    return all(part.used <= part.limit for part in rendered.parts)


def split_text(text: str, fits: Callable[[str], bool]) -> list[str]:
    """The text in pieces that fit, cut between paragraphs, else sentences, else words, else anywhere."""
    pieces: list[str] = []
    rest = text.strip()
    while rest and not fits(rest):
        ends = [m.start() for m in re.finditer(r"\s+", rest)]
        at = _last_fitting(rest, ends, fits) or _last_fitting(rest, list(range(1, len(rest))), fits) or 1
        sentence = max(
            (m.end() for m in SENTENCE_END_PATTERN.finditer(rest[:at] + " ") if m.end() <= at + 1), default=0
        )
        at = sentence if sentence >= at * MIN_PIECE_SHARE else at
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
