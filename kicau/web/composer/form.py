"""What stands in the composer: read from its form, changed by its buttons, turned into a composition."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.http import QueryDict

from kicau.base.errors import DomainError
from kicau.base.ids import NO_ID, as_uuid
from kicau.channels.models import Channel
from kicau.connector.content import Poll
from kicau.publishing.content.compositions import (
    Composition,
    LinkContent,
    MediumAttachment,
    PartContent,
    VariantContent,
    composition_of,
)
from kicau.publishing.models import Draft

MAX_PARTS, MAX_MEDIA_PER_PART = 60, 40  # of one form: far above every network
SCHEDULE_CHOICES = ("at", "slot", "now", "keep")  # "keep": a scheduled post keeps its times


@dataclass(slots=True, kw_only=True)
class MediumForm:
    """A medium in a part; `alt` None shows the library's own."""

    id: str
    alt: str | None = None
    cover: str = ""  # of a video: a picture's id
    cover_ms: int | None = None  # or the time of a frame


@dataclass(slots=True, kw_only=True)
class PartForm:
    """One part's text and media under a key that the form knows it by."""

    key: str
    text: str = ""
    media: list[MediumForm] = field(default_factory=list)

    @property
    def is_blank(self) -> bool:
        return not self.text.strip() and not self.media


@dataclass(slots=True, kw_only=True)
class PostForm:
    """`leaves[""]` is what all channels get; `leaves[network]` a network's own version."""

    draft: UUID
    version: int = 0
    hand: str = ""
    leaves: dict[str, list[PartForm]] = field(default_factory=lambda: {"": [PartForm(key="p1")]})
    channels: list[str] = field(default_factory=list)  # keys
    link: LinkContent | None = None
    poll_options: list[str] | None = None
    poll_minutes: int = 1440
    poll_question: str = ""
    first_comment: str = ""
    options: dict[str, str] = field(default_factory=dict)
    campaign: str = ""
    tags: str = ""
    language: str | None = None  # None: the form did not ask, and what the draft has stays
    convert: bool = True
    mark_links: bool = False
    when: str = "at"
    date: str = ""
    time: str = ""
    timezone: str = ""
    time_text: str = ""  # as its author typed it; `date`, `time` and `timezone` are what that means
    time_problem: DomainError | None = None  # why it means nothing
    confirm: bool = False
    # Of a scheduled post: what its deliveries had as the editor opened, so that only what its author changes is saved.
    channels_before: list[str] = field(default_factory=list)
    time_before: str = ""
    rest: Mapping[str, Any] = field(default_factory=dict)  # of a composition: what the form does not show

    @property
    def is_blank(self) -> bool:
        return (
            all(leaf.is_blank for leaves in self.leaves.values() for leaf in leaves)
            and not self.link
            and not any(self.poll_options or [])
        )

    @property
    def chosen_time(self) -> str:
        return "|".join((self.when, self.date, self.time[:5], self.timezone))

    @property
    def is_time_changed(self) -> bool:
        return bool(self.time_before) and self.time_before != self.chosen_time

    def note_time(self) -> None:
        """From here on, `is_time_changed` compares with the time that is chosen now."""
        self.time_before = self.chosen_time

    def media_ids(self) -> list[UUID]:
        pieces = [piece for leaf in self.every_leaf() for piece in leaf.media]
        keys = [key for piece in pieces for key in (piece.id, piece.cover)]
        return [as_uuid(key) for key in (*keys, self.link and self.link.thumbnail) if key]

    def every_leaf(self) -> Iterable[PartForm]:
        for leaves in self.leaves.values():
            yield from leaves

    def place(self, key: str) -> tuple[list[PartForm], int] | None:
        """The list that holds the leaf, and where in it."""
        for leaves in self.leaves.values():
            for n, leaf in enumerate(leaves):
                if leaf.key == key:
                    return leaves, n
        return None

    def new_key(self) -> str:
        taken = {leaf.key for leaf in self.every_leaf()}
        return next(f"p{n}" for n in range(1, MAX_PARTS * 10) if f"p{n}" not in taken)

    def composition(self) -> Composition:
        variants = tuple(
            VariantContent(network=network, parts=_part_inputs(leaves))
            for network, leaves in self.leaves.items()
            if network
        )
        others = tuple(self.rest.get("variants", ()))
        return Composition(
            parts=_part_inputs(self.leaves[""]),
            link=self.link if self.link and self.link.url else None,
            poll=self.poll(),
            first_comment=self.first_comment,
            options=self.options,
            variants=variants + others,
            campaign=self.campaign.strip(),
            tags=tuple(tag.strip() for tag in self.tags.split(",") if tag.strip()),
            timezone=self.timezone,
            convert=self.convert,
            mark_links=self.mark_links,
            language=self.rest.get("language", "") if self.language is None else self.language.strip(),
            ai_use=self.rest.get("ai_use"),
        )

    def poll(self) -> Poll | None:
        if self.poll_options is None or not any(option.strip() for option in self.poll_options):
            return None
        return Poll(
            options=tuple(o.strip() for o in self.poll_options if o.strip()),
            minutes=self.poll_minutes,
            question=self.poll_question.strip(),
        )

    def desk(self) -> dict[str, Any]:
        """What is kept beside the post, for the next time it is opened."""
        unread = {"at": self.time_text} if self.time_problem else {}
        chosen = {"channels": self.channels, "when": self.when, "date": self.date, "time": self.time}
        return chosen | unread | {"hand": self.hand}


def _part_inputs(leaves: Iterable[PartForm]) -> tuple[PartContent, ...]:
    return tuple(
        PartContent(
            text=leaf.text,
            media=tuple(
                MediumAttachment(medium=p.id, alt=p.alt, cover=p.cover or None, cover_ms=p.cover_ms) for p in leaf.media
            ),
        )
        for leaf in leaves
    )


def from_form(form: QueryDict, draft: UUID) -> PostForm:
    """What the form holds; whatever is missing or odd in it counts as empty."""
    sheet = PostForm(draft=draft, version=_parse_int(form.get("version"), 0), hand=form.get("hand", "")[:40])
    sheet.leaves = {group: _read_parts(form, group) for group in ["", *form.getlist("own")]}
    sheet.leaves[""] = sheet.leaves[""] or [PartForm(key="p1")]
    sheet.channels = list(dict.fromkeys(form.getlist("channel")))
    if "link-url" in form:
        sheet.link = LinkContent(
            url=form.get("link-url", "").strip(),
            title=form.get("link-title", ""),
            description=form.get("link-description", ""),
            thumbnail=form.get("link-thumbnail") or None,
        )
    if "poll-option" in form:
        sheet.poll_options = form.getlist("poll-option")[:20]
        sheet.poll_minutes = _parse_int(form.get("poll-minutes"), 1440)
        sheet.poll_question = form.get("poll-question", "")
    sheet.first_comment = _normalize_line_ends(form.get("first-comment", ""))
    sheet.options = {
        name.removeprefix("option:"): _normalize_line_ends(value)
        for name, value in form.items()
        if name.startswith("option:") and isinstance(value, str)
    }
    language = form.get("language")
    sheet.language = language if language is None else language[:20]
    sheet.campaign, sheet.tags = form.get("campaign", "")[:120], form.get("tags", "")[:1000]
    sheet.convert, sheet.mark_links = "keep-original" not in form, "mark-links" in form
    sheet.when = form.get("when", "at") if form.get("when") in SCHEDULE_CHOICES else "at"
    sheet.date, sheet.time, sheet.timezone = form.get("date", ""), form.get("time", ""), form.get("timezone", "")
    sheet.confirm = "confirm" in form
    sheet.channels_before = form.getlist("channel-before")
    sheet.time_before = form.get("time-before", "")[:120]
    return sheet


def _read_parts(form: QueryDict, group: str) -> list[PartForm]:
    found = []
    for key in form.getlist(f"parts:{group}")[:MAX_PARTS]:
        media = [
            _read_medium(form, key, one)
            for one in form.getlist(f"media:{key}")[:MAX_MEDIA_PER_PART]
            if as_uuid(one) != NO_ID
        ]
        found.append(PartForm(key=key[:10], text=_normalize_line_ends(form.get(f"text:{key}", "")), media=media))
    return found


def _read_medium(form: QueryDict, key: str, medium: str) -> MediumForm:
    cover, at = form.get(f"cover:{key}:{medium}", ""), form.get(f"cover-at:{key}:{medium}", "")
    return MediumForm(
        id=medium,
        alt=form.get(f"alt:{key}:{medium}"),
        cover=cover if as_uuid(cover) != NO_ID else "",
        cover_ms=int(at) if at.isdecimal() and len(at) < 9 else None,
    )


def _normalize_line_ends(text: str) -> str:
    """Browsers send line ends as CR LF; a network counts and shows one."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _parse_int(text: object, otherwise: int) -> int:
    try:
        return int(str(text))
    except ValueError:
        return otherwise


def from_draft(draft: Draft) -> PostForm:
    """The sheet that would make this draft again; `draft` comes from `compose.whole`."""
    made = composition_of(draft)
    sheet = PostForm(draft=draft.id, version=draft.version)
    counter = iter(range(1, MAX_PARTS * 10))

    def leaves(parts: Iterable[PartContent]) -> list[PartForm]:
        return [
            PartForm(
                key=f"p{next(counter)}",
                text=p.text,
                media=[
                    MediumForm(id=str(u.medium), alt=u.alt, cover=str(u.cover or ""), cover_ms=u.cover_ms)
                    for u in p.media
                ],
            )
            for p in parts
        ]

    sheet.leaves = {"": leaves(made.parts) or [PartForm(key="p1")]}
    shown = [
        v
        for v in made.variants
        if v.network and v.parts is not None and not v.link and not v.poll and v.first_comment is None and not v.options
    ]
    for variant in shown:
        sheet.leaves[variant.network] = leaves(variant.parts or ())
    sheet.link, sheet.first_comment, sheet.options = made.link, made.first_comment, dict(made.options)
    if made.poll:
        sheet.poll_options, sheet.poll_minutes, sheet.poll_question = (
            list(made.poll.options),
            made.poll.minutes,
            made.poll.question,
        )
    sheet.campaign, sheet.tags, sheet.timezone = made.campaign, ", ".join(made.tags), made.timezone
    sheet.language = made.language
    sheet.convert, sheet.mark_links = made.convert, made.mark_links
    desk = draft.extras.get("desk", {})
    sheet.channels, sheet.when = list(desk.get("channels", [])), desk.get("when", "at")
    sheet.date, sheet.time, sheet.time_text = desk.get("date", ""), desk.get("time", ""), desk.get("at", "")
    sheet.rest = hidden_content(draft)
    return sheet


def hidden_content(draft: Draft) -> dict[str, Any]:
    """What a draft says that the form does not show (variants made by programs): kept through an edit."""
    made = composition_of(draft)
    others = tuple(
        v
        for v in made.variants
        if not (
            v.network
            and v.parts is not None
            and not v.link
            and not v.poll
            and v.first_comment is None
            and not v.options
        )
    )
    return {"variants": others, "language": made.language, "ai_use": made.ai_use}


def selected_channels(sheet: PostForm, channels: Iterable[Channel]) -> list[Channel]:
    """The channels that are ticked, in the order in which they are shown."""
    wanted = set(sheet.channels)
    return [channel for channel in channels if channel.key in wanted]
