"""What the composer shows: the editor's groups and forms, and for each channel what its readers would see."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.urls import reverse
from django.utils.translation import gettext as _

from kicau.base import clock
from kicau.base.errors import DomainError
from kicau.channels.channel_session import capabilities_of
from kicau.channels.models import Channel, ChannelState
from kicau.connector.capabilities import Ability, Option, PollRule
from kicau.connector.content import Problem, Rendered, RenderedPart
from kicau.costs.pricing import PricedCharge
from kicau.media.actions import all_media
from kicau.media.models import Medium
from kicau.publishing.approval import reviews
from kicau.publishing.content import autosave, mentions
from kicau.publishing.content.mentions import AccountMention
from kicau.publishing.models import ChannelGroup, Delivery, Draft, DraftState
from kicau.publishing.scheduling import schedule, scheduled_posts
from kicau.publishing.scheduling.schedule import PostPreview
from kicau.web.composer import channel_groups, publishing_time, scheduled
from kicau.web.composer.form import PartForm, PostForm, selected_channels
from kicau.web.composer.quick_fixes import QuickFix, quick_fixes
from kicau.web.core.labels import error_sentence
from kicau.web.core.times import all_zone_options
from kicau.web.core.views import MemberRequest, person_of

DEFAULT_POLL_MINUTES = (60, 360, 720, 1440, 4320, 10080, 20160)  # minutes, where a network takes any


@dataclass(slots=True, kw_only=True)
class EditorGroup:
    """The text for all, or one network's own; `differs` names the parts that are not as all get them."""

    network: str
    leaves: list[PartForm]
    can_thread: bool
    max_media: int
    differs: frozenset[str] = frozenset()


@dataclass(slots=True, kw_only=True)
class NetworkForm:
    """A network's own questions, from its capabilities."""

    network: str
    fields: list[tuple[Option, str]]  # with what was answered
    files: list[str] = field(default_factory=list)  # ids of what it shows, in order


@dataclass(slots=True, kw_only=True)
class AvailableExtras:
    """What at least one chosen channel takes beside text and media."""

    poll: PollRule | None = None
    link_card: bool = False
    first_comment: list[str] = field(default_factory=list)  # networks
    thread: bool = False


@dataclass(slots=True, kw_only=True)
class PreviewGroup:
    """What readers of one network see; channels that show the very same stand together."""

    channels: list[Channel]
    preview: PostPreview
    problems: list[tuple[Problem, list[QuickFix]]]

    @property
    def channel(self) -> Channel:
        return self.preview.channel

    @property
    def rendered(self) -> Rendered:
        return self.preview.rendered

    @property
    def checks(self) -> list[tuple[AccountMention, bool]]:
        """Whom it mentions, and whether the network can be asked about each."""
        asks = mentions.people_search_of(self.channel.network) is not None
        return [
            (one, asks and one.state == "unknown" and one.text.removeprefix("@").casefold() == one.target.casefold())
            for one in self.preview.mentioned
        ]

    @property
    def check_price(self) -> tuple[PricedCharge, ...]:
        return mentions.lookup_price(self.channel)


def usable(channel: Channel) -> bool:
    return channel.state not in (ChannelState.REMOVED, ChannelState.OFFBOARDED)


def page_context(
    request: MemberRequest,
    sheet: PostForm,
    draft: Draft | None,
    every: Sequence[Channel],
    groups: Sequence[ChannelGroup],
) -> dict[str, Any]:
    """All that the page shows, the preview included."""
    return editor_context(request, sheet, draft, every, groups) | {
        "focus": None,  # nothing was pressed yet: a new post begins with its text
        "every_zone": all_zone_options(),
        "remarks": reviews.open_review_items(request.actor, draft)
        if draft is not None and draft.state in reviews.REVIEWABLE_STATES
        else [],
        "last_hand": (draft.extras.get("desk") or {}).get("hand", "") if draft else "",
    }


def editor_context(
    request: MemberRequest,
    sheet: PostForm,
    draft: Draft | None,
    every: Sequence[Channel],
    groups: Sequence[ChannelGroup],
) -> dict[str, Any]:
    """The editor and the preview beside it. Media that are gone leave the sheet."""
    picked = selected_channels(sheet, every)
    media = _media_by_id(request, sheet, draft)
    for leaf in sheet.every_leaf():
        leaf.media = [p for p in leaf.media if p.id in media]
        for piece in leaf.media:
            piece.cover = piece.cover if piece.cover in media else ""
    if sheet.link and str(sheet.link.thumbnail) not in media:
        sheet.link = replace(sheet.link, thumbnail=None)
    networks = list(dict.fromkeys(c.network for c in picked))
    parts = [_editor_group(g, leaves, picked, sheet) for g, leaves in sheet.leaves.items() if not g or g in networks]
    return preview_context(request, sheet, draft, every, {m.id: m for m in media.values()}) | {
        "draft": draft,
        "groups": parts,
        "hidden": [(g, leaves) for g, leaves in sheet.leaves.items() if g and g not in networks],
        "media": media,
        "usable": [c for c in every if usable(c)],
        "brands": channel_groups.brands(filter(usable, every), groups),
        "chosen_groups": groups,
        "networks": networks,
        "without_own": [n for n in networks if n not in sheet.leaves] if len(networks) > 1 else [],
        "forms": _network_forms(picked, sheet),
        "extras": _available_extras(picked),
        "poll_lengths": sorted({*_poll_lengths(picked), sheet.poll_minutes}),
    }


def _media_by_id(request: MemberRequest, sheet: PostForm, draft: Draft | None) -> dict[str, Medium]:
    """The sheet's media by id; those that came with the draft are not asked for again."""
    uses = [use for part in draft.parts.all() for use in part.uses.all()] if draft else []
    found = {str(one.id): one for use in uses for one in (use.medium, use.cover) if one}
    missing = [key for key in sheet.media_ids() if str(key) not in found]
    return found | ({str(m.id): m for m in all_media(request.actor).filter(id__in=missing)} if missing else {})


def _poll_lengths(picked: Iterable[Channel]) -> list[int]:
    """Minutes that the chosen networks offer, or usual ones within their bounds."""
    rules = [rule for rule in (capabilities_of(c).poll for c in picked) if rule]
    offered = [set(rule.durations) for rule in rules if rule.durations]
    found = sorted(set.intersection(*offered)) if offered else DEFAULT_POLL_MINUTES
    return [m for m in found if all(rule.min_minutes <= m <= rule.max_minutes for rule in rules)]


def _editor_group(network: str, leaves: list[PartForm], picked: Sequence[Channel], sheet: PostForm) -> EditorGroup:
    ours = [c for c in picked if c.network == network or (not network and c.network not in sheet.leaves)]
    able = [capabilities_of(c) for c in ours]
    return EditorGroup(
        network=network,
        leaves=leaves,
        can_thread=any(c.can(Ability.THREAD) for c in able),
        max_media=max((c.max_media for c in able), default=0),
        differs=_differing_parts(leaves, sheet.leaves[""]) if network else frozenset(),
    )


def _differing_parts(own: Sequence[PartForm], common: Sequence[PartForm]) -> frozenset[str]:
    def content(leaf: PartForm) -> tuple[Any, ...]:
        return leaf.text.strip(), tuple((p.id, p.alt, p.cover, p.cover_ms) for p in leaf.media)

    return frozenset(leaf.key for n, leaf in enumerate(own) if n >= len(common) or content(leaf) != content(common[n]))


def _differs(own: Sequence[PartForm], common: Sequence[PartForm]) -> bool:
    return len(own) != len(common) or bool(_differing_parts(own, common))


def _network_forms(picked: Iterable[Channel], sheet: PostForm) -> list[NetworkForm]:
    found: dict[str, dict[str, Option]] = {}
    for channel in picked:
        found.setdefault(channel.network, {}).update({o.name: o for o in capabilities_of(channel).questions})
    return [
        NetworkForm(
            network=network,
            fields=[(o, sheet.options.get(f"{network}.{o.name}", o.default)) for o in options.values()],
            files=[piece.id for leaf in sheet.leaves.get(network) or sheet.leaves[""] for piece in leaf.media],
        )
        for network, options in found.items()
        if options
    ]


def _available_extras(picked: Iterable[Channel]) -> AvailableExtras:
    extras = AvailableExtras()
    for channel in picked:
        can = capabilities_of(channel)
        extras.poll = extras.poll or can.poll
        extras.link_card = extras.link_card or can.can(Ability.LINK_CARD)
        extras.thread = extras.thread or can.can(Ability.THREAD)
        if can.can(Ability.FIRST_COMMENT) and channel.network not in extras.first_comment:
            extras.first_comment.append(channel.network)
    return extras


def preview_context(
    request: MemberRequest,
    sheet: PostForm,
    draft: Draft | None,
    every: Sequence[Channel],
    media: Mapping[UUID, Medium] | None = None,
) -> dict[str, Any]:
    """Previews of all chosen channels, and for each part's key its counts. `media`: what is at hand already."""
    picked, rows = selected_channels(sheet, every), scheduled.active_deliveries(request, draft)
    waiting = [row for row in rows if scheduled_posts.is_changeable(row)]
    shown: dict[str, Any] = {
        "look_at": reverse("compose-preview"),
        "sheet": sheet,
        "time_text": publishing_time.field_text(sheet),
        "zone_field": sheet.timezone,
        "seen": [],
        "counts": {},
        "blank": sheet.is_blank,
        "picked": picked,
        "usable": [c for c in every if usable(c)],
        "keys": [leaf.key for leaf in sheet.every_leaf()],
        "same": {network: not _differs(own, sheet.leaves[""]) for network, own in sheet.leaves.items() if network},
        "confirming": [c for c in picked if capabilities_of(c).needs_confirmation],
    }
    shown |= _schedule_note(request, sheet, picked, waiting)
    if draft is not None and draft.state == DraftState.SCHEDULED:
        shown |= {
            "by_hand": True,
            "waiting": waiting,
            "begun": [row for row in rows if row not in waiting],
            "confirming": [],
            "keeps": sheet.time_before.startswith("keep"),
        }
    try:
        made = autosave.build_unsaved_draft(request.actor, sheet.composition(), media=media)
        if draft is not None:
            made.id = draft.id
        previews = schedule.preview_posts(request.actor, made, picked, due_at=shown["moment"])
    except DomainError as exc:
        return shown | {"unseen": error_sentence(exc)}
    if shown.get("by_hand"):
        found = scheduled.confirmations(sheet, rows, previews)
        shown |= {"confirming": found.asked, "lapsed": found.lapsed, "confirmed": found.kept}
    problems = {} if sheet.is_blank else {one.channel.key: len(one.rendered.problems) for one in previews}
    return shown | {
        "seen": _group_previews(sheet, previews),
        "counts": _text_counts(sheet, previews),
        "quote": schedule.quote_previews(previews),
        "troubled": {key for key, n in problems.items() if n},
        "problems": sum(problems.values()),
        "undescribed": _missing_alt_texts(previews),
        "split": {
            fix.act.removeprefix("split:"): True
            for one in previews
            for problem in one.rendered.problems
            for fix in quick_fixes(sheet, one, problem, others=False)
            if fix.act.startswith("split:")
        },
    }


def _group_previews(sheet: PostForm, previews: Sequence[PostPreview]) -> list[PreviewGroup]:
    found: list[PreviewGroup] = []
    for one in previews:
        twin = next((s for s in found if s.channel.network == one.channel.network and s.rendered == one.rendered), None)
        if twin is not None:
            twin.channels.append(one.channel)
            continue
        problems = [(p, quick_fixes(sheet, one, p, others=len(previews) > 1)) for p in one.rendered.problems]
        found.append(PreviewGroup(channels=[one.channel], preview=one, problems=[] if sheet.is_blank else problems))
    return found


def _text_counts(sheet: PostForm, previews: Sequence[PostPreview]) -> dict[str, list[tuple[Channel, RenderedPart]]]:
    counts: dict[str, list[tuple[Channel, RenderedPart]]] = {}
    for one in previews:
        leaves = sheet.leaves.get(one.channel.network) or sheet.leaves[""]
        for leaf, part in zip(leaves, one.rendered.parts, strict=False):
            told = counts.setdefault(leaf.key, [])
            if all((c.network, p.used, p.limit) != (one.channel.network, part.used, part.limit) for c, p in told):
                told.append((one.channel, part))
    return counts


def _missing_alt_texts(previews: Sequence[PostPreview]) -> int:
    """How many pictures and videos go out without a description, where the network has room for one."""
    return len(
        {
            one.media.ref
            for shown in previews
            if capabilities_of(shown.channel).can(Ability.ALT_TEXT)
            for part in shown.rendered.parts
            for one in part.media
            if one.media.kind != "document" and not one.media.alt
        }
    )


def _schedule_note(
    request: MemberRequest, sheet: PostForm, picked: Sequence[Channel], waiting: Sequence[Delivery]
) -> dict[str, Any]:
    """When it would go out, also as the reader's own clock shows it; or what is wrong with the time. `waiting`: the
    deliveries of a scheduled post that have not begun."""
    if sheet.when == "keep":
        return {"moment": None, "times": [(row.channel, row.due_at) for row in waiting]}
    if sheet.when == "slot":
        return {"moment": None} | _next_slots(request, picked)
    if sheet.when != "at":
        return {"moment": None}
    try:
        moment: datetime | None = publishing_time.moment_of(sheet)
    except DomainError as exc:
        return {"moment": None, "time_error": error_sentence(exc)}
    note: dict[str, Any] = {
        "moment": moment,
        "understood": moment and publishing_time.understood(moment, sheet.timezone),
    }
    if sheet.timezone != person_of(request).timezone:
        note["elsewhere"] = True
    note["one_time"] = len({row.due_at for row in waiting}) > 1
    if moment is not None and moment < clock.now() - schedule.PAST_TIME_TOLERANCE:
        note["time_error"] = _("This publishing time is in the past. Choose a future time, or publish the post now.")
    return note


def _next_slots(request: MemberRequest, picked: Sequence[Channel]) -> dict[str, Any]:
    """The next free slot of each channel, or what is in its way."""
    found: list[tuple[Channel, datetime]] = []
    for channel in picked:
        try:
            found.append((channel, schedule.next_free_slot(request.actor, channel)))
        except DomainError as exc:
            return {"time_error": error_sentence(exc)}
    return {"free_slots": found}
