"""What one channel can do now, as data: the facts behind every check, counter and control."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from kicau.connector.content import MediaKind, Recipe


class Ability(StrEnum):
    THREAD = "thread"
    REPLY = "reply"
    EDIT = "edit"
    DELETE = "delete"
    ALT_TEXT = "alt-text"
    POLL = "poll"
    LINK_CARD = "link-card"
    FIRST_COMMENT = "first-comment"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A number or rule of a network, with where it is written and when we last looked."""

    value: int | float | str
    source: str  # an address, or the official document's name
    checked: date
    ends: date | None = None  # the first day on which it no longer holds, where the network has announced one


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverRule:
    """How a channel lets a video's first sight be chosen: by the time of a frame, by a picture, or by either."""

    frame: bool = False  # it is told a time, and takes the frame itself
    picture: MediaRule | None = None  # it takes a picture that keeps this rule; a frame is sent as one
    recipe: Recipe | None = None  # of our own copy, where the picture does not keep it


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaRule:
    """What files of one kind a channel takes. Zero and empty mean: no limit known."""

    mimes: frozenset[str]
    max_count: int = 1
    max_size: int = 0  # bytes
    min_size: int = 0
    min_width: int = 0
    max_width: int = 0
    min_height: int = 0
    max_height: int = 0
    max_pixels: int = 0
    min_aspect: float = 0.0  # width / height
    max_aspect: float = 0.0
    min_duration_ms: int = 0
    max_duration_ms: int = 0
    min_fps: float = 0.0
    max_fps: float = 0.0
    max_frames: int = 0
    max_pages: int = 0
    max_bitrate: int = 0
    video_codecs: frozenset[str] = frozenset()
    audio_codecs: frozenset[str] = frozenset()
    max_alt: int = 0  # characters of alt text
    needs_alt: bool = False
    cover: CoverRule | None = None  # of a video; None: the network always chooses its own


@dataclass(frozen=True, slots=True, kw_only=True)
class PollRule:
    min_options: int = 2
    max_options: int = 4
    max_option_length: int = 25
    min_minutes: int = 5
    max_minutes: int = 10080
    durations: tuple[int, ...] = ()  # minutes; where only these are taken
    max_question_length: int = 0  # 0: no question of its own


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """A choice or answer that only this network has, drawn by one generic form."""

    name: str
    label: str
    choices: tuple[tuple[str, str], ...] = ()  # (value, label); empty: free text
    default: str = ""
    secret: bool = False
    help: str = ""
    long: bool = False  # free text of many lines, such as what a file holds
    points: bool = False  # a point for each file of the post, "x,y" from -1,-1 (bottom left) to 1,1, with ";" between
    narrow: frozenset[str] = frozenset()  # choices with which not everybody can read the post


def is_for_few(options: Iterable[Option], chosen: Mapping[str, str]) -> bool:
    """Whether a post with these choices can be read by some alone: its author's followers, or who is named."""
    return any(chosen.get(option.name, option.default) in option.narrow for option in options)


# Asked of every channel that can answer; what is said becomes the draft's `reply_to`.
REPLY_TO_OPTION = Option(
    name="reply_to",
    label="Reply to a post",
    help="Enter the link to the post that you want to reply to, or the ID of that post on the social network.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    max_length: int
    unit: str = "characters"  # the word beside the counter
    max_comment_length: int = 0  # of a first comment
    max_parts: int = 1
    media: Mapping[MediaKind, MediaRule] = field(default_factory=dict)
    max_media: int = 0  # files in one part, of all kinds together
    mixes_media: bool = False  # images and videos in one part
    needs_media: bool = False
    needs_confirmation: bool = False  # a named person confirms each post (terms of the network)
    poll: PollRule | None = None
    abilities: frozenset[Ability] = frozenset()
    editable: frozenset[str] = frozenset()  # of a published post: "text", "alt", "language", "options.NAME"
    options: tuple[Option, ...] = ()
    facts: Mapping[str, Fact] = field(default_factory=dict)  # where each number above comes from
    quota: Mapping[str, int] = field(
        default_factory=dict
    )  # read from the network: {"posts-24h": 50, "posts-24h-used": 3}

    @property
    def questions(self) -> tuple[Option, ...]:
        """The options, and which post is answered where the channel can answer one."""
        return (*((REPLY_TO_OPTION,) if self.can(Ability.REPLY) else ()), *self.options)

    def can(self, ability: Ability) -> bool:
        return ability in self.abilities
