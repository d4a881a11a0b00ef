"""Many posts from one table: every problem shown first, then all of it, and a second time none of it twice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

from django.db import transaction

from kicau.base import clock
from kicau.base.errors import ValidationFailed
from kicau.channels.channel_session import capabilities_of
from kicau.channels.models import Channel
from kicau.connector import registry
from kicau.connector.content import MediaKind, Problem, Rendered
from kicau.costs.pricing import PricedCharge, price_charges
from kicau.media.actions import MEASURED_FIELDS, add_medium
from kicau.media.decoder import probe_file
from kicau.media.models import Medium
from kicau.media.probe import MediaInfo, UnusableFile
from kicau.publishing.content import autosave, compositions
from kicau.publishing.content.channel_variants import channel_draft
from kicau.publishing.imports.csv_reader import CsvTable, read_posts, text_column
from kicau.publishing.imports.row_parser import CsvRowProblem, ImportedPost, RowParser
from kicau.publishing.models import Delivery, DeliveryState, Draft, text_hash
from kicau.publishing.scheduling import schedule
from kicau.rights.models import Origin
from kicau.workspaces.actors import Actor, Permission

PICTURE_KINDS = (MediaKind.IMAGE, MediaKind.GIF)


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkImportReport:
    """What importing a table would do. `ready` holds the rows without problems."""

    table: str
    ready: tuple[ImportedPost, ...]
    skipped: tuple[tuple[int, str], ...]  # (row, ref) of posts that are here already
    problems: tuple[CsvRowProblem, ...]
    notices: tuple[CsvRowProblem, ...]
    deliveries: int
    unconfirmed: int  # how many of them a person must confirm
    cost: Mapping[str, int]  # micro-units by currency

    @property
    def bad_rows(self) -> int:
        return len({p.row for p in self.problems})


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkImportResult:
    drafts: tuple[Draft, ...]
    deliveries: tuple[Delivery, ...]
    notices: tuple[Problem, ...]


def check_posts(
    actor: Actor, table: CsvTable, media_folder: Path, *, zone: str = "", start: datetime | None = None
) -> BulkImportReport:
    """Read, look into every file, and render every post for each of its channels; nothing is changed.

    `zone`: in which times are meant where a row says nothing (the workspace's); `start`: what "+M:SS" counts from (now).
    """
    actor.require(Permission.WRITE)
    now = clock.now()
    check = _ImportCheck(actor, table, media_folder)
    reader = RowParser(
        zone=zone or actor.workspace.timezone, start=start or now, now=now, exists=check.exists, columns=table.columns
    )
    taken = check.taken_refs()
    skipped = tuple((row.number, ref) for row in table.rows if (ref := row["ref"].strip()) in taken)
    gone = {number for number, _ in skipped}
    posts = [post for row in table.rows if row.number not in gone and (post := reader.read(row))]
    check.problems += reader.problems
    return check.report(posts, skipped)


@transaction.atomic
def create_posts(
    actor: Actor, report: BulkImportReport, media_folder: Path, *, confirm: bool = False, skip_bad: bool = False
) -> BulkImportResult:
    """Save and schedule what the report found ready, all or nothing. Where it found problems, nothing is done and they
    are raised, unless `skip_bad`. `confirm`: the actor has read the posts and confirms those that need it."""
    actor.require(Permission.PUBLISH)
    if report.problems and not skip_bad:
        raise ValidationFailed([p.located() for p in report.problems])
    media = {
        name: add_medium(actor, media_folder / name, name, origin=Origin.IMPORTED, origin_detail=report.table)
        for name in _file_names(report.ready)
    }
    ids = {name: medium.id for name, medium in media.items()}
    pictures = frozenset(name for name, medium in media.items() if medium.kind in PICTURE_KINDS)
    saved = compositions.save_drafts(actor, [post.composition(ids, report.table, pictures) for post in report.ready])
    whole = {
        d.id: d for d in compositions.with_content(compositions.drafts(actor).filter(id__in=[d.id for d in saved]))
    }
    channels = {c.key: c for c in Channel.objects.filter(workspace=actor.workspace).select_related("app")}
    wanted = [
        schedule.ScheduleRequest(
            draft=whole[draft.id],
            channels=[channels[key] for key in post.channels],
            due_at=post.at,
            timezone=post.timezone,
        )
        for draft, post in zip(saved, report.ready, strict=True)
    ]
    done = schedule.schedule_many(actor, wanted, confirm=confirm, twins=False)
    return BulkImportResult(drafts=tuple(saved), deliveries=done.deliveries, notices=done.notices)


def _file_names(posts: Iterable[ImportedPost]) -> list[str]:
    return list(dict.fromkeys(name for post in posts for name in post.files))


def find_or_build_medium(actor: Actor, found: MediaInfo, name: str) -> Medium:
    """The library's medium of that content, or one that is not saved, for a preview."""
    known = Medium.objects.filter(workspace=actor.workspace, sha256=found.sha256).first()
    return known or Medium(
        workspace=actor.workspace,
        sha256=found.sha256,
        name=Path(name).name[:255],
        **{m: getattr(found, m) for m in MEASURED_FIELDS},
    )


class _ImportCheck:
    """One table against one workspace: everything that is looked up is looked up once."""

    def __init__(self, actor: Actor, table: CsvTable, folder: Path) -> None:
        self.actor, self.table, self.folder = actor, table, folder
        self.channels = {c.key: c for c in Channel.objects.filter(workspace=actor.workspace).select_related("app")}
        self.can = {key: capabilities_of(c) for key, c in self.channels.items()}
        self.problems: list[CsvRowProblem] = []
        self.notices: list[CsvRowProblem] = []
        self._there: dict[str, bool] = {}
        self._media: dict[str, Medium] = {}
        self._unusable: dict[str, Problem] = {}

    def exists(self, name: str) -> bool:
        if name not in self._there:
            self._there[name] = self._lies_inside(name)
        return self._there[name]

    def _lies_inside(self, name: str) -> bool:
        try:
            path = (self.folder / name).resolve()
            return path.is_file() and path.is_relative_to(self.folder.resolve())
        except OSError:
            return False

    def taken_refs(self) -> set[str]:
        refs = [ref for row in self.table.rows if (ref := row["ref"].strip())]
        return set(Draft.objects.filter(workspace=self.actor.workspace, ref__in=refs).values_list("ref", flat=True))

    def report(self, posts: Sequence[ImportedPost], skipped: tuple[tuple[int, str], ...]) -> BulkImportReport:
        self._look_into(posts)
        book = compositions._LookupCache(self.actor, [])
        book.media = {m.id: m for m in self._media.values()}
        priced: list[PricedCharge] = []
        seen: list[tuple[ImportedPost, Channel, str]] = []
        unconfirmed = 0
        for post in posts:
            for key, rendered in self._render(post, book):
                channel = self.channels[key]
                priced += price_charges(channel.network, rendered.charges, plan=channel.app.plan)
                unconfirmed += self.can[key].needs_confirmation
                seen.append((post, channel, text_hash(rendered)))
        self._twins(seen)
        bad = {p.row for p in self.problems}
        self.problems.sort(key=lambda p: p.row)
        self.notices.sort(key=lambda p: p.row)
        return BulkImportReport(
            table=self.table.name,
            ready=tuple(p for p in posts if p.row not in bad),
            skipped=skipped,
            problems=tuple(self.problems),
            notices=tuple(self.notices),
            deliveries=len(seen),
            unconfirmed=unconfirmed,
            cost=_sum_costs(priced),
        )

    def _look_into(self, posts: Sequence[ImportedPost]) -> None:
        """Each file once; one that the library has already is the library's."""
        for name in _file_names(posts):
            try:
                found = probe_file(self.folder / name, name)
            except UnusableFile as exc:
                self._unusable[name] = Problem(code=exc.code, message=exc.message, params=exc.params, field="media")
                continue
            except OSError as exc:
                self._unusable[name] = Problem(
                    code="unreadable",
                    message="Kicau cannot read the file {name}: {why}. Check the file, then try again.",
                    params={"name": name, "why": exc.strerror or str(exc)},
                    field="media",
                )
                continue
            self._media[name] = find_or_build_medium(self.actor, found, name)

    def _render(self, post: ImportedPost, book: compositions._LookupCache) -> Iterable[tuple[str, Rendered]]:
        """The post for each of its channels; what is wrong is noted, each sentence once a row."""
        told: set[str] = set()
        if broken := [self._unusable[name] for name in dict.fromkeys(post.files) if name in self._unusable]:
            self._note(self.problems, post, broken, told)
            return
        media = {name: self._media[name].id for name in post.files}
        pictures = frozenset(name for name in post.files if self._media[name].kind in PICTURE_KINDS)
        try:
            draft = autosave.build_unsaved_draft(
                self.actor, post.composition(media, self.table.name, pictures), book=book
            )
        except ValidationFailed as exc:
            self._note(self.problems, post, exc.problems, told)
            return
        thumbnails = {str(self._media[name].id): self._media[name] for name in pictures}
        now = clock.now()
        for key in post.channels:
            if key not in self.channels:
                known = ", ".join(sorted(self.channels)) or "none yet; connect one first"
                self._note(
                    self.problems,
                    post,
                    [
                        Problem(
                            code="unknown-channel",
                            message="Your workspace has no channel with the short name (key) {key!r}. Available channels: {known}.",
                            params={"key": key[:80], "known": known},
                            field="channels",
                        )
                    ],
                    told,
                )
                continue
            channel = self.channels[key]
            rendered = registry.get_connector(channel.network).render(
                channel_draft(draft, channel, thumbnails), self.can[key]
            )
            bad = [
                *schedule.time_problems(post.at, now),
                *schedule.channel_problems(channel, post.at),
                *rendered.problems,
            ]
            self._note(self.problems, post, bad, told, channel)
            self._note(self.notices, post, rendered.notices, told, channel)
            if not bad:
                yield key, rendered

    def _note(
        self,
        where: list[CsvRowProblem],
        post: ImportedPost,
        problems: Iterable[Problem],
        told: set[str],
        channel: Channel | None = None,
    ) -> None:
        for problem in problems:
            if problem.sentence not in told:
                told.add(problem.sentence)
                where.append(
                    CsvRowProblem(row=post.row, column=self._column(problem.field, post, channel), problem=problem)
                )

    def _column(self, field: str, post: ImportedPost, channel: Channel | None) -> str:
        """The column in which a problem is fixed."""
        first = field.split(".")[0]
        if field.endswith(".alt"):
            return "alt"
        if ".media" in field or field == "link.thumbnail":
            return "media"
        if first == "parts" or first == "text":
            return text_column(channel.network) if channel and channel.network in post.variants else "text"
        return (
            first
            if first
            in ("at", "media", "channels", "poll", "link", "options", "first_comment", "timezone", "ai_use", "campaign")
            else "text"
        )

    def _twins(self, seen: Sequence[tuple[ImportedPost, Channel, str]]) -> None:
        """Warn of a text that a channel has or gets twice within the workspace's window."""
        hours = self.actor.workspace.duplicate_hours
        digests = {digest for _, _, digest in seen if digest}
        if not hours or not digests:
            return
        window = timedelta(hours=hours)
        times = [post.at for post, _, _ in seen]
        rows = Delivery.objects.filter(
            channel__in={channel.id for _, channel, _ in seen},
            text_hash__in=digests,
            due_at__range=(min(times) - window, max(times) + window),
        ).exclude(state__in=[DeliveryState.CANCELED, DeliveryState.DELETED, DeliveryState.FAILED])
        others: dict[tuple[UUID, str], list[tuple[datetime, str]]] = {}
        for channel_id, digest, due_at in rows.values_list("channel_id", "text_hash", "due_at"):
            others.setdefault((channel_id, digest), []).append((due_at, f"{due_at:%Y-%m-%d %H:%M} UTC"))
        for post, channel, digest in seen:
            near = [name for at, name in others.get((channel.id, digest), []) if abs(at - post.at) <= window]
            if digest and near:
                message = "{channel} already has a post with the same text as this post ({when}). The network may reject the new post or show it to fewer people."
                twin = Problem(
                    code="duplicate", message=message, params={"channel": channel.key, "when": near[0]}, field="text"
                )
                self.notices.append(CsvRowProblem(row=post.row, column="text", problem=twin))
            others.setdefault((channel.id, digest), []).append((post.at, f"row {post.row}"))


def _sum_costs(priced: Iterable[PricedCharge]) -> dict[str, int]:
    total: dict[str, int] = {}
    for one in priced:
        if one.micro:
            total[one.currency] = total.get(one.currency, 0) + one.micro
    return total


__all__ = [
    "BulkImportReport",
    "BulkImportResult",
    "CsvRowProblem",
    "CsvTable",
    "check_posts",
    "create_posts",
    "find_or_build_medium",
    "read_posts",
]
