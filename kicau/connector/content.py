"""What is said, before it is addressed (`Draft`) and exactly as it will be sent (`Rendered`).

All values are frozen; all of them go to JSON and back through `kicau.connector.serialization`. Rows leave out what stands at its
default, so a default here is changed with a migration of what is stored, or not at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from pydantic import JsonValue

type JSON = JsonValue


class MediaKind(StrEnum):
    IMAGE = "image"
    GIF = "gif"  # animated only; a still GIF is an IMAGE
    VIDEO = "video"
    DOCUMENT = "document"


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """One file as it was found by looking into it, never by its name or claimed type."""

    ref: str  # the library's key; a connector reaches the bytes through its Session
    kind: MediaKind
    mime: str
    size: int  # bytes
    name: str = ""  # the file's name as given, for sentences that people read
    alt: str = ""
    title: str = ""  # a document's title
    width: int = 0  # pixels, as shown (rotation applied)
    height: int = 0
    duration_ms: int = 0
    fps: float = 0.0
    bitrate: int = 0  # bits a second, the whole file
    video_codec: str = ""  # "h264", "hevc", …
    audio_codec: str = ""  # "" when silent
    frames: int = 0  # of an animation
    pages: int = 0  # of a document
    colour: str = ""  # Pillow's mode of an image: "RGB", "RGBA", "CMYK", "L", "P"
    cover: Media | None = None  # a picture that a video shows before it plays
    cover_ms: int | None = None  # or the frame at this time of it; neither: the network chooses

    @property
    def aspect(self) -> float:
        """Width divided by height; 0.0 where there are no dimensions."""
        return self.width / self.height if self.height else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How a network's own copy is made of an original image, or of a video's frame. The original is always kept."""

    mime: str  # of the result: "image/jpeg", "image/png", "image/webp"
    max_width: int = 0  # pixels, 0: as it is; never enlarged
    max_height: int = 0
    max_size: int = 0  # bytes, 0: any; quality is lowered, then dimensions, until it fits
    min_aspect: float = 0.0  # padded (never cropped) with `background` until within
    max_aspect: float = 0.0
    background: str = "#ffffff"  # under transparency and in padding
    frame_ms: int | None = None  # of a video: the frame that is shown at this time


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderedMedia:
    """A file as this network gets it: as it is, or made by `recipe`."""

    media: Media
    recipe: Recipe | None = None
    cover: RenderedMedia | None = None  # of a video: the picture that it shows first, or the frame as one
    cover_ms: int | None = None  # where the network is told the frame's time instead of being sent a picture


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    text: str = ""
    media: tuple[Media, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A link card: where the network lets us, with our own title, description and picture."""

    url: str
    title: str = ""
    description: str = ""
    thumbnail: Media | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    options: tuple[str, ...]
    minutes: int = 1440
    question: str = ""  # only where a network asks for one beside the text


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """One post, or a thread of several parts, with one channel's variant already applied."""

    parts: tuple[Part, ...]
    link: Link | None = None
    poll: Poll | None = None
    first_comment: str = ""
    reply_to: str | None = None  # the network's id of a post
    answers_own: bool | None = None  # whether that post is the account's own; None: not known
    language: str = ""  # BCP 47, "" where not said
    options: Mapping[str, str] = field(default_factory=dict)  # by Option.name; unknown names are a problem
    convert: bool = True  # False: a picture that would need converting is a problem, not a notice


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One reason why a post cannot go out (or, as a notice, what will be done to it).

    `message` is one English sentence with `{named}` places, filled from `params`; it says what, where,
    which limit and what now, and is the key of its translations. The same words are used before sending
    and after a refusal.
    """

    code: str  # "too-long", "needs-media", "too-many-media", …: stable, for programs
    message: str
    params: Mapping[str, str | int | float] = field(default_factory=dict)
    field: str = ""  # path in the draft: "parts.0.text", "parts.1.media.0", "poll.options.2", "options.visibility"
    limit: float | None = None
    actual: float | None = None
    fix: str = ""  # "split" | "shorten" | "convert" | "": what the product can offer to do about it

    @property
    def sentence(self) -> str:
        """The English sentence, filled in; never raises."""
        try:
            return self.message.format_map(dict(self.params))
        except (KeyError, IndexError, ValueError, AttributeError):
            return self.message

    def fields(self) -> dict[str, Any]:
        """As other programs see it."""
        return {
            "field": self.field,
            "code": self.code,
            "message": self.sentence,
            "limit": self.limit,
            "actual": self.actual,
            "fix": self.fix,
        }


@dataclass(frozen=True, slots=True)
class Charge:
    """What one call uses up: `units` of a meter of the network ("post", "post-with-link", "calls").

    Meters are the network's own words without its name; the core adds it.
    """

    meter: str
    units: int = 1
    resources: tuple[str, ...] = ()  # ids of what came back, where a network bills each of them once a UTC day
    once: str = ""  # what was made, by the network's id: it is billed once, whoever reports it and however often
    proven: bool = False  # where its answer is lost, `find` tells whether it was used up
    always: bool = False  # used up by a refused call too, as quotas of calls are
    estimated: bool = field(default=False, compare=False)  # the network may bill it by another meter


NO_CHARGE = Charge("free", 0)


class SpanKind(StrEnum):
    LINK = "link"
    MENTION = "mention"
    TAG = "tag"


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a part's text that the network treats specially; offsets in code points, end exclusive."""

    kind: SpanKind
    start: int
    end: int
    text: str
    target: str = ""  # the URL, handle, id or tag that it stands for


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderedPart:
    text: str = ""  # as readers will see it
    spans: tuple[Span, ...] = ()  # ordered, not overlapping
    media: tuple[RenderedMedia, ...] = ()
    used: int = 0  # in the network's own unit
    limit: int = 0
    unit: str = "characters"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """Exactly what will be sent: the preview shows this value, and `publish` sends it."""

    parts: tuple[RenderedPart, ...]
    link: Link | None = None
    poll: Poll | None = None
    first_comment: RenderedPart | None = None
    reply_to: str | None = None
    answers_own: bool | None = None  # whether that post is the account's own; None: not known
    language: str = ""
    options: Mapping[str, str] = field(default_factory=dict)  # every option, defaults filled in
    problems: tuple[Problem, ...] = ()  # empty: publishable
    notices: tuple[Problem, ...] = ()  # what will be done, or is worth knowing; never blocks
    charges: tuple[Charge, ...] = ()  # what publishing will use up, known before it is spent
    lead: int = 0  # seconds before the due time at which preparing (uploads) may begin; 0: there is nothing to prepare


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A post on its way to one channel; the same `key` on every step and every retry."""

    key: UUID
    post: Rendered
    progress: Mapping[str, JSON] = field(default_factory=dict)  # empty: not begun
    begun_at: datetime | None = None  # UTC; in `find`: when the broken step began
    due_at: datetime | None = None  # UTC
    steps: int = 0  # completed steps; a connector may use it to pace its polling
    # In `find`, of a delivery that was put back from a backup: more of it than `progress` tells may have gone out
    # between `begun_at` and this moment (UTC), so all that readers could see of it is looked for.
    restored_at: datetime | None = None


class AttemptNote(str):
    """One short sentence for the attempt log that can be told in other languages: `message` is the key of its
    translations, with `{named}` places for `params`. A place that is missing stays as it is written."""

    message: str
    params: Mapping[str, str | int]

    def __new__(cls, message: str, /, **params: str | int) -> AttemptNote:
        try:
            made = super().__new__(cls, message.format_map(params))
        except (KeyError, IndexError, ValueError):
            made = super().__new__(cls, message)
        made.message, made.params = message, params
        return made


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingStep:
    """Not done yet. Store `progress`, come back after `after`."""

    progress: Mapping[str, JSON]
    after: timedelta = timedelta(0)
    note: str = ""  # for the attempt log, best a `AttemptNote`: "X is processing the video"
    spent: tuple[Charge, ...] = ()  # what a look-up proves to have been used up by the call whose answer was lost


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedPost:
    ids: tuple[str, ...]  # one for each part
    url: str  # of the first part, for people
    at: datetime  # UTC
    raw: Mapping[str, JSON] = field(default_factory=dict)  # what the network answered, kept for ever
    spent: tuple[Charge, ...] = ()  # as in Continue
    warnings: tuple[Problem, ...] = ()  # the post is out, but (a first comment was refused)


type PublishResult = PublishedPost | PendingStep


def wait_until_due(delivery: Delivery, now: datetime) -> PendingStep | None:
    """What a connector gives back before its visible step while the due time is still ahead; None: take it now."""
    if delivery.due_at is None or delivery.due_at <= now:
        return None
    return PendingStep(
        progress=delivery.progress,
        after=delivery.due_at - now,
        note=AttemptNote("The post is ready. Kicau will publish it at its scheduled time."),
    )
