"""A row of a table as a post: each cell read by its column's own small grammar (docs/how-to/import-posts.md)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import PurePath
from urllib.parse import urlsplit
from uuid import UUID

from kicau.base.errors import ValidationFailed
from kicau.connector import registry
from kicau.connector.content import Poll, Problem
from kicau.publishing.content.compositions import (
    Composition,
    LinkContent,
    MediumAttachment,
    PartContent,
    VariantContent,
)
from kicau.publishing.imports.csv_reader import CsvRow, text_column
from kicau.publishing.scheduling import time_parser
from kicau.rights.models import Origin, check_ai_use

MAX_REF_LENGTH = 120  # characters
DURATION_PATTERN = re.compile(r"(.*);\s*(\d{1,6})\s*([mhd])\s*", re.DOTALL | re.ASCII)
MINUTES_PER_UNIT = {"m": 1, "h": 60, "d": 1440}


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvRowProblem:
    """One reason why a row cannot become a post, or, as a notice, what is worth knowing about it."""

    row: int
    column: str
    problem: Problem

    @property
    def sentence(self) -> str:
        return f"Row {self.row}, {self.column}: {self.problem.sentence}"

    def located(self) -> Problem:
        """With the row in its field: "rows.12.text"."""
        return replace(
            self.problem,
            field=f"rows.{self.row}.{self.column}",
            message=f"Row {self.row}, {self.column}: {self.problem.message}",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FileReference:
    """A file's name in a row, with its alt text there; None: the library's own."""

    name: str
    alt: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedPost:
    """A row that could be read."""

    row: int
    ref: str
    channels: tuple[str, ...]
    at: datetime  # UTC
    timezone: str
    texts: tuple[str, ...]
    variants: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # network -> its own texts
    media: tuple[tuple[FileReference, ...], ...] = ()  # by part
    link: str = ""
    link_title: str = ""
    link_description: str = ""
    first_comment: str = ""
    poll: Poll | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    campaign: str = ""
    mark_links: bool = False
    tags: tuple[str, ...] = ()
    language: str = ""
    ai_use: Mapping[str, str] | None = None

    @property
    def files(self) -> Iterator[str]:
        return (use.name for group in self.media for use in group)

    def composition(self, media: Mapping[str, UUID], table: str, pictures: frozenset[str] = frozenset()) -> Composition:
        """The post as an author would give it. `media`: ids by file name; `pictures`: names of files that can be a
        link card's picture."""
        groups = [tuple(MediumAttachment(medium=media[use.name], alt=use.alt) for use in group) for group in self.media]
        link = None
        if self.link:
            card = next((use.name for use in self.media[0] if use.name in pictures), None) if self.media else None
            link = LinkContent(
                url=self.link,
                title=self.link_title,
                description=self.link_description,
                thumbnail=media[card] if card else None,
            )
            if card:
                groups[0] = tuple(use for use in groups[0] if use.medium != media[card])
        variants = tuple(
            VariantContent(network=network, parts=_part_inputs(texts, groups))
            for network, texts in self.variants.items()
        )
        return Composition(
            parts=_part_inputs(self.texts, groups, keep_empty=True),
            link=link,
            poll=self.poll,
            first_comment=self.first_comment,
            options=self.options,
            variants=variants,
            language=self.language,
            campaign=self.campaign,
            mark_links=self.mark_links,
            tags=self.tags,
            timezone=self.timezone,
            ref=self.ref,
            origin=Origin.IMPORTED,
            origin_detail=f"{table}, row {self.row}",
            ai_use=self.ai_use,
        )


def _part_inputs(
    texts: tuple[str, ...], groups: list[tuple[MediumAttachment, ...]], *, keep_empty: bool = False
) -> tuple[PartContent, ...]:
    """Texts with their media. A network's own shorter thread takes what is left over in its last part."""
    count = max(len(texts), len(groups) if keep_empty else 0, 1)
    said = [*texts, *[""] * (count - len(texts))]
    shown = [*groups[:count], *[()] * (count - len(groups))]
    for surplus in groups[count:]:
        shown[-1] = (*shown[-1], *surplus)
    return tuple(PartContent(text=text, media=uses) for text, uses in zip(said, shown, strict=True))


class RowParser:
    """Reads rows one after another; `problems` grows, and a row with problems is not given back."""

    def __init__(
        self, *, zone: str, start: datetime, now: datetime, exists: Callable[[str], bool], columns: tuple[str, ...]
    ) -> None:
        self.zone, self.start, self.now, self.exists, self.columns = zone, start, now, exists, columns
        self.problems: list[CsvRowProblem] = []
        self._refs: dict[str, int] = {}

    def read(self, row: CsvRow) -> ImportedPost | None:
        found: list[CsvRowProblem] = []

        def wrong(column: str, code: str, message: str, **params: str | int) -> None:
            found.append(
                CsvRowProblem(
                    row=row.number,
                    column=column,
                    problem=Problem(code=code, message=message, params=params, field=column),
                )
            )

        if row.surplus:
            wrong(
                self.columns[-1],
                "too-many-cells",
                'This row has more cells than the header row (extra cells: {more}). Put quotation marks (") around text that contains the column separator, for example a comma.',
                more=row.surplus,
            )
        texts = split_parts(row["text"])
        variants = {
            slug: split_parts(own) for slug in registry.installed_slugs() if (own := row[text_column(slug)]).strip()
        }
        media = self._media(row, wrong)
        channels = (
            tuple(dict.fromkeys(re.split(r"[\s,;]+", row["channels"].strip()))) if row["channels"].strip() else ()
        )
        if not channels:
            wrong(
                "channels",
                "empty",
                "This row names no channel. In the column “channels”, enter the short name (key) of at least one channel.",
            )
        if not any(texts) and not any(media) and not variants:
            wrong("text", "empty", "This row has no text and no media. Add at least one of them.")
        zone = row["timezone"].strip() or self.zone
        at = self._at(row["at"], zone, found, row.number)
        post = ImportedPost(
            row=row.number,
            ref=self._ref(row, wrong),
            channels=channels,
            at=at or self.start,
            timezone=zone,
            texts=texts,
            variants=variants,
            media=media,
            link=self._link(row, wrong),
            link_title=row["link_title"].strip(),
            link_description=row["link_description"].strip(),
            first_comment=row["first_comment"].strip(),
            poll=self._poll(row["poll"], wrong),
            options=self._options(row["options"], wrong),
            campaign=row["campaign"].strip(),
            mark_links=self._yes(row, "mark_links", wrong),
            tags=tuple(dict.fromkeys(row["tags"].replace(",", " ").split())),
            language=row["language"].strip(),
            ai_use=self._ai_use(row["ai_use"], wrong),
        )
        self.problems += found
        return None if found else post

    def _yes(self, row: CsvRow, column: str, wrong: Callable[..., None]) -> bool:
        said = row[column].strip().casefold()
        if said not in ("", "yes", "no"):
            wrong(
                column,
                "invalid",
                "Kicau cannot read {said!r} in the column “{name}”. Enter yes or no, or leave the cell empty (no).",
                said=row[column].strip()[:40],
                name=column,
            )
        return said == "yes"

    def _ref(self, row: CsvRow, wrong: Callable[..., None]) -> str:
        ref = row["ref"].strip()
        if len(ref) > MAX_REF_LENGTH:
            wrong(
                "ref",
                "too-long",
                "The text in the column “ref” of this row has {actual} characters. Shorten it to at most {limit} characters.",
                limit=MAX_REF_LENGTH,
                actual=len(ref),
            )
        if ref and ref in self._refs:
            wrong(
                "ref",
                "twice",
                "Row {other} already uses {ref!r} in the column “ref”. Enter a different value in this column for each post.",
                ref=ref,
                other=self._refs[ref],
            )
        self._refs.setdefault(ref, row.number)
        return ref

    def _at(self, said: str, zone: str, found: list[CsvRowProblem], number: int) -> datetime | None:
        try:
            ahead = time_parser.parse_offset(said)
            if ahead is not None:
                time_parser.parse_time("now", zone, self.now)  # the zone is looked at all the same
                return self.start + ahead
            if not said.strip():
                raise ValidationFailed(
                    [
                        Problem(
                            code="empty",
                            message='Enter a publishing time, for example "2026-12-01 09:00", "tomorrow 09:00" or "+1:30" (1 minute and 30 seconds after the import starts).',
                            field="at",
                        )
                    ]
                )
            return time_parser.parse_time(said, zone, self.now)
        except ValidationFailed as exc:
            found.extend(CsvRowProblem(row=number, column=p.field, problem=p) for p in exc.problems)
        return None

    def _media(self, row: CsvRow, wrong: Callable[..., None]) -> tuple[tuple[FileReference, ...], ...]:
        """Names by part: separated by spaces or lines; a line that is a file's whole name is one, spaces and all."""
        groups: list[list[str]] = [[]]
        for line in row["media"].split("\n"):
            name = line.strip()
            if name == "---":
                groups.append([])
            elif name:
                groups[-1] += [name] if self._is_whole(name) else name.split()
        names = [name for group in groups for name in group]
        for name in names:
            if re.match(r"[a-z]+://", name):
                wrong(
                    "media",
                    "address",
                    "{name} is a web address, but Kicau needs a file. Put the file into the media folder of this import and enter the file's name.",
                    name=name[:80],
                )
            elif not _is_inside_folder(name):
                wrong(
                    "media",
                    "outside",
                    "The file {name} is outside the media folder of this import. Move the file into this folder, then enter its name.",
                    name=name[:80],
                )
            elif not self.exists(name):
                wrong(
                    "media",
                    "no-file",
                    "The file {name} is not in the media folder of this import. Add the file to the folder, or correct its name in this row.",
                    name=name[:80],
                )
        alts = row["alt"].rstrip("\n").split("\n") if row["alt"].strip() else []
        if len(alts) > len(names):
            wrong(
                "alt",
                "too-many",
                "This row has {actual} alt texts, but {limit} media files. Write one alt text (image description) for each file. Start each alt text on a new line of the cell.",
                actual=len(alts),
                limit=len(names),
            )
        left = iter(alts)
        shown = tuple(
            tuple(FileReference(name=name, alt=_strip_alt(next(left, None))) for name in group) for group in groups
        )
        return shown if names else ()

    def _is_whole(self, name: str) -> bool:
        return " " in name and _is_inside_folder(name) and self.exists(name)

    def _link(self, row: CsvRow, wrong: Callable[..., None]) -> str:
        link = row["link"].strip()
        if link and (urlsplit(link).scheme not in ("http", "https") or not urlsplit(link).hostname or " " in link):
            wrong(
                "link",
                "no-address",
                "{link!r} is not a valid web address. Enter a complete address, for example https://example.com/page.",
                link=link[:80],
            )
        for column in ("link_title", "link_description"):
            if row[column].strip() and not link:
                wrong(
                    column,
                    "no-link",
                    "This row has a link title or a link description, but no link. Enter the link's web address in the column “link”.",
                )
        return link

    def _poll(self, said: str, wrong: Callable[..., None]) -> Poll | None:
        poll = read_poll(said)
        if said.strip() and poll is None:
            wrong(
                "poll",
                "poll",
                'Write the poll in the form "Option A | Option B ; 24h" or "Question? :: Option A | Option B ; 24h". No option may be empty. 24h means 24 hours.',
            )
        return poll

    def _options(self, said: str, wrong: Callable[..., None]) -> dict[str, str]:
        given = _parse_pairs("options", "network.option=value", said, wrong, OPTION_SEPARATOR_PATTERN)
        for name in given:
            network, _, option = name.partition(".")
            if network not in registry.installed_slugs() or not option:
                wrong(
                    "options",
                    "option",
                    "{name!r} is not a valid option of a social network. Write options in the form network.option=value. Available networks: {known}.",
                    name=name[:60],
                    known=", ".join(registry.installed_slugs()),
                )
        return given

    def _ai_use(self, said: str, wrong: Callable[..., None]) -> dict[str, str] | None:
        if not said.strip():
            return None
        try:
            return check_ai_use(_parse_pairs("ai_use", "use=allow", said, wrong))
        except ValidationFailed as exc:
            for problem in exc.problems:
                wrong("ai_use", problem.code, problem.message, **problem.params)
        return None


def split_parts(said: str) -> tuple[str, ...]:
    """The parts of a thread: separated by lines that hold only "---"."""
    return tuple(part.strip("\n").rstrip() for part in re.split(r"^[ \t]*---[ \t]*$", said, flags=re.MULTILINE))


def read_poll(said: str) -> Poll | None:
    """ "[Question? :: ]A | B | C[ ; 24h]" (minutes m, hours h or days d; else a day); None for what is no poll."""
    minutes = 1440
    if found := DURATION_PATTERN.fullmatch(said):
        said, minutes = found[1], int(found[2]) * MINUTES_PER_UNIT[found[3]]
    question, _, options = said.rpartition("::")
    answers = tuple(option.strip() for option in options.split("|"))
    if len(answers) < 2 or not all(answers):
        return None
    return Poll(options=answers, minutes=minutes, question=question.strip())


PAIR_SEPARATOR_PATTERN = re.compile(r"[;\n]")
OPTION_SEPARATOR_PATTERN = re.compile(
    r"[;\n](?=\s*(?:[\w-]+\.[\w-]+\s*=|$))"
)  # a value may hold both itself: captions, several focal points


def _parse_pairs(
    column: str, form: str, said: str, wrong: Callable[..., None], between: re.Pattern[str] = PAIR_SEPARATOR_PATTERN
) -> dict[str, str]:
    found = {}
    for pair in filter(None, (part.strip() for part in between.split(said))):
        name, equals, value = pair.partition("=")
        if not equals or not name.strip():
            wrong(
                column,
                "pair",
                '{pair!r} does not have the form "{form}". Correct it, and put a semicolon (;) between several entries.',
                pair=pair[:60],
                form=form,
            )
            continue
        found[name.strip()] = value.strip()
    return found


def _is_inside_folder(name: str) -> bool:
    path = PurePath(name)
    return not path.is_absolute() and ".." not in path.parts and "\\" not in name and "\x00" not in name


def _strip_alt(alt: str | None) -> str | None:
    return None if alt is None else alt.strip()
