"""`kicau post`: write a post and have it published, now or at its time."""

from __future__ import annotations

import mimetypes
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import click

from kicau.cli.core.command import (
    EXIT_FAILED,
    CommandError,
    Shell,
    json_option,
    pass_shell,
    print_result,
    print_table,
    printable_line,
)
from kicau.cli.deliveries import SLOT_WORDS, local_time, localize_sentence, short_id

if TYPE_CHECKING:
    from kicau.channels.models import Channel
    from kicau.media.models import Medium
    from kicau.publishing.content.compositions import Composition
    from kicau.publishing.models import Delivery, Draft
    from kicau.publishing.scheduling.schedule import PostPreview
    from kicau.workspaces.actors import Actor


@click.command()
@click.argument("text", required=False, default="")
@click.option("--part", "more", multiple=True, metavar="TEXT", help="The next part of a thread. Repeat for several.")
@click.option("--thread", is_flag=True, help='Start a new part at each line that contains only "---".')
@click.option(
    "--media",
    "files",
    multiple=True,
    metavar="FILE",
    help="A file to attach. Repeat for several. 2:FILE attaches it to the second part.",
)
@click.option("--alt", "alts", multiple=True, metavar="TEXT", help="Alt text of each --media, in the same order.")
@click.option(
    "--cover",
    default="",
    metavar="SECONDS|FILE",
    help="Cover of the video: the frame at this second, or an image file.",
)
@click.option(
    "--to",
    "keys",
    multiple=True,
    metavar="CHANNEL",
    help="Channel to publish on. Repeat, or separate with commas. Without this option, Kicau saves the post as a draft.",
)
@click.option(
    "--at",
    "at",
    default="now",
    show_default=True,
    help='Time to publish: "tomorrow 09:00", "next free slot", "2026-12-01 09:00" and similar. Indonesian words such as "besok 09:00" also work.',
)
@click.option("--zone", default="", help="Time zone of --at. Default: the workspace's.")
@click.option(
    "--text-for",
    "own_texts",
    multiple=True,
    metavar="NETWORK=TEXT",
    help="A different text for one network. Repeat for several.",
)
@click.option("--link", default="", help="Address of the page in the link preview.")
@click.option("--link-title", default="", help="Title of the link preview, if the network allows one.")
@click.option("--link-description", default="", help="Description of the link preview, if the network allows one.")
@click.option(
    "--read-page",
    is_flag=True,
    help="Read the linked page now for the missing parts of the link preview: title, description and image.",
)
@click.option("--first-comment", default="", help="Text of the first comment, if the network supports one.")
@click.option(
    "--poll", default="", metavar="POLL", help='"A | B | C ; 24h", or with a question "Question? :: A | B ; 7d".'
)
@click.option(
    "--option",
    "options",
    multiple=True,
    metavar="NETWORK.NAME=VALUE",
    help="One of a network's own options. Repeat for several. @FILE as VALUE reads the value from a file.",
)
@click.option(
    "--reply-to",
    "answered",
    multiple=True,
    metavar="NETWORK=POST",
    help="The post on that network to reply to (address or ID). Repeat for several networks.",
)
@click.option("--campaign", default="", help="The campaign of the post.")
@click.option("--mark-links", is_flag=True, help="Add network and campaign to the links, for your site's statistics.")
@click.option("--tag", "tags", multiple=True, help="A tag. Repeat for several.")
@click.option("--language", default="", help="Language code of the post, for example en or id.")
@click.option("--ref", default="", help="Your own ID for the post. Kicau refuses the same ID a second time.")
@click.option(
    "--confirm",
    is_flag=True,
    help="Confirm that you have read the post and want it published, if the network requires a confirmation.",
)
@click.option(
    "--dry-run", is_flag=True, help="Show what each channel would publish, with problems and price. Save nothing."
)
@click.option("--submit", is_flag=True, help="Submit the draft for approval.")
@json_option
@pass_shell
def post(shell: Shell, /, as_json: bool, **given: Any) -> None:
    """Write a post and publish, schedule or save it. TEXT "-" reads standard input.

    If any channel has a problem with the post, Kicau shows all problems and neither saves nor publishes anything.
    """
    actor = shell.actor()
    wanted = PostCommand.read(actor, given)
    previews = wanted.preview(actor)
    problems = [p for one in previews for p in one.problems] + wanted.time_problems(actor)
    if given["dry_run"]:
        print_result(as_json, [_preview_json(p) for p in previews], lambda: print_previews(previews))
        if problems:
            if not as_json:
                for problem in problems:
                    click.echo(problem.sentence, err=True)
            sys.exit(EXIT_FAILED)
        return
    if problems:
        from kicau.base.errors import ValidationFailed

        raise ValidationFailed(problems)
    draft, rows, notices = wanted.carry_out(actor, confirm=given["confirm"], submit=given["submit"])
    from kicau.cli.core import serializers

    data = {
        "post": str(draft.id),
        "state": draft.state,
        "deliveries": [serializers.delivery_json(r) for r in rows],
        "notices": [n.fields() for n in notices],
    }

    def human() -> None:
        for sentence in dict.fromkeys(n.sentence for n in notices):
            click.echo(f"· {printable_line(sentence)}")
        if not rows:
            click.echo(f"Saved as a draft: {draft.id}" + (" (waiting for approval)" if given["submit"] else ""))
            return
        print_table(
            ("id", "channel", "due", "state", ""),
            [
                (
                    short_id(r),
                    r.channel.key,
                    f"{local_time(r.due_at, r.timezone)} {r.timezone}",
                    r.standing.label,
                    localize_sentence(r.reason, r.timezone),
                )
                for r in rows
            ],
        )

    print_result(as_json, data, human)


@dataclass(frozen=True, slots=True, kw_only=True)
class PostCommand:
    """A post as the command line gives it, read."""

    texts: tuple[str, ...]
    media: Mapping[int, tuple[tuple[str, str | None], ...]]  # part -> (path, alt)
    channels: tuple[Channel, ...]
    due: Mapping[UUID, datetime]  # by channel
    in_slots: bool  # those are the next free slots
    zone: str
    given: Mapping[str, Any]

    @classmethod
    def read(cls, actor: Actor, given: Mapping[str, Any]) -> PostCommand:
        from kicau.base import clock
        from kicau.channels.actions import one_channel
        from kicau.publishing.imports.row_parser import split_parts
        from kicau.publishing.scheduling.schedule import next_free_slot
        from kicau.publishing.scheduling.time_parser import parse_time

        text = sys.stdin.read().removesuffix("\n") if given["text"] == "-" else given["text"]
        texts = (*(split_parts(text) if given["thread"] else (text,)), *given["more"])
        media = _media_by_part(given["files"], given["alts"], len(texts))
        if not any(texts) and not media:
            raise click.UsageError("Enter a text, or add --media.")
        keys = [key for said in given["keys"] for key in re.split(r"[\s,]+", said) if key]
        channels = tuple(one_channel(actor, key) for key in dict.fromkeys(keys))
        zone = given["zone"] or actor.workspace.timezone
        in_slots = given["at"].strip().casefold() in SLOT_WORDS
        if in_slots:
            due = {c.id: next_free_slot(actor, c) for c in channels}
        else:
            due = dict.fromkeys((c.id for c in channels), parse_time(given["at"], zone, clock.now()))
        if given["read_page"] and given["link"]:
            given = {**given, **_read_linked_page(actor, given)}
        return cls(texts=texts, media=media, channels=channels, due=due, in_slots=in_slots, zone=zone, given=given)

    def composition(self, ids: Mapping[str, UUID]) -> Composition:
        from kicau.publishing.content.compositions import (
            Composition,
            LinkContent,
            MediumAttachment,
            PartContent,
            VariantContent,
        )

        given = self.given
        count = max(len(self.texts), max(self.media, default=0) + 1)
        uses = [
            tuple(
                MediumAttachment(medium=ids[path], alt=alt, **self._cover(path, ids))
                for path, alt in self.media.get(n, ())
            )
            for n in range(count)
        ]
        parts = tuple(
            PartContent(text=text, media=use) for text, use in zip([*self.texts, *[""] * count], uses, strict=False)
        )
        own = dict(one.partition("=")[::2] for one in given["own_texts"])
        everything = tuple(use for group in uses for use in group)
        link = (
            LinkContent(
                url=given["link"],
                title=given["link_title"],
                description=given["link_description"],
                thumbnail=given.get("link_picture"),
            )
            if given["link"]
            else None
        )
        return Composition(
            parts=parts,
            link=link,
            poll=_parse_poll(given["poll"]),
            first_comment=given["first_comment"],
            options=_parse_options(given["options"], given["answered"]),
            variants=tuple(
                VariantContent(network=network, parts=(PartContent(text=text, media=everything),))
                for network, text in own.items()
            ),
            language=given["language"],
            campaign=given["campaign"],
            mark_links=given["mark_links"],
            tags=tuple(given["tags"]),
            timezone=self.zone,
            ref=given["ref"],
        )

    def _cover(self, path: str, ids: Mapping[str, UUID]) -> dict[str, Any]:
        """Of a video, told by its name: the frame's time, or the picture."""
        said = self.given["cover"]
        if not said or not (mimetypes.guess_type(path)[0] or "").startswith("video/"):
            return {}
        return {"cover": ids[said]} if said in ids else {"cover_ms": round(float(said) * 1000)}

    def preview(self, actor: Actor) -> list[PostPreview]:
        """What each channel would get; nothing is kept. Raises ValidationFailed for what nobody would take."""
        from kicau.publishing.content import autosave, compositions
        from kicau.publishing.scheduling import schedule

        media = {path: _probe_medium(actor, path) for path in self._paths()}
        book = compositions._LookupCache(actor, [])
        book.media = {m.id: m for m in media.values()}
        draft = autosave.build_unsaved_draft(
            actor, self.composition({path: m.id for path, m in media.items()}), book=book
        )
        return [schedule.preview_posts(actor, draft, [c], due_at=self.due[c.id])[0] for c in self.channels]

    def time_problems(self, actor: Actor) -> list[Any]:
        from kicau.base import clock
        from kicau.publishing.scheduling.schedule import channel_problems, time_problems

        now = clock.now()
        times = [p for at in dict.fromkeys(self.due.values()) for p in time_problems(at, now)]
        return times + [p for c in self.channels for p in channel_problems(c, self.due[c.id])]

    def carry_out(
        self, actor: Actor, *, confirm: bool, submit: bool
    ) -> tuple[Draft, Sequence[Delivery], Sequence[Any]]:
        from django.db import transaction

        from kicau.media.actions import add_medium
        from kicau.publishing.approval import reviews
        from kicau.publishing.content import compositions
        from kicau.publishing.scheduling import schedule

        ids = {path: add_medium(actor, Path(path), Path(path).name).id for path in self._paths()}
        with transaction.atomic():
            draft = compositions.create_draft(actor, self.composition(ids))
            if submit:
                draft = reviews.submit(actor, draft.id)
            if not self.channels:
                return draft, (), ()
            whole = compositions.one_draft(actor, draft.id)
            due_at = None if self.in_slots else next(iter(self.due.values()))
            wanted = schedule.ScheduleRequest(draft=whole, channels=self.channels, due_at=due_at, timezone=self.zone)
            done = schedule.schedule_many(actor, [wanted], confirm=confirm)
        return whole, done.deliveries, done.notices

    def _paths(self) -> Iterable[str]:
        paths = dict.fromkeys(path for group in self.media.values() for path, _ in group)
        said = self.given["cover"]
        return paths if not said or _is_seconds(said) else paths | {said: None}


def _media_by_part(
    files: Sequence[str], alts: Sequence[str], parts: int
) -> dict[int, tuple[tuple[str, str | None], ...]]:
    """Files by part. "2:cat.jpg" is for the second part, unless there is a file of that very name."""
    if len(alts) > len(files):
        raise click.UsageError(
            f"There are {len(alts)} alt texts for {len(files)} files. Add one --alt for each --media."
        )
    found: dict[int, tuple[tuple[str, str | None], ...]] = {}
    for n, said in enumerate(files):
        numbered = re.fullmatch(r"(\d{1,3}):(.+)", said)
        part, path = (int(numbered[1]) - 1, numbered[2]) if numbered and not Path(said).exists() else (0, said)
        if not 0 <= part < parts:
            raise click.UsageError(f"--media {said}: there is no part {part + 1}, because the post has {parts}.")
        found[part] = (*found.get(part, ()), (path, alts[n] if n < len(alts) else None))
    return found


def _is_seconds(said: str) -> bool:
    return re.fullmatch(r"\d{1,5}(\.\d{1,3})?", said) is not None


def _probe_medium(actor: Actor, path: str) -> Medium:
    from kicau.base.errors import validation_failed
    from kicau.media.probe import UnusableFile, probe_file
    from kicau.publishing.imports.bulk_import import find_or_build_medium

    try:
        return find_or_build_medium(actor, probe_file(Path(path), Path(path).name), path)
    except UnusableFile as exc:
        raise validation_failed("media", exc.message, exc.code, **exc.params) from None
    except OSError as exc:
        raise CommandError(f"{path} cannot be read: {exc.strerror or exc}.") from None


def _read_linked_page(actor: Actor, given: Mapping[str, Any]) -> dict[str, Any]:
    """What the linked page says, where the command says nothing; a page that cannot be read is told and is no obstacle."""
    from asgiref.sync import async_to_sync

    from kicau.media import link_previews

    page = async_to_sync(link_previews.read_page)(actor, given["link"])
    if page.why:
        click.echo(page.why, err=True)
    return {
        "link_title": given["link_title"] or page.title,
        "link_description": given["link_description"] or page.description,
        "link_picture": page.picture_id,
    }


def _parse_poll(said: str) -> Any:
    from kicau.publishing.imports.row_parser import read_poll

    poll = read_poll(said)
    if said.strip() and poll is None:
        raise click.UsageError('Write --poll as "A | B | C ; 24h", or with a question as "Question? :: A | B ; 24h".')
    return poll


def _parse_pair(said: str, option: str = "--option", form: str = "NETWORK.NAME=VALUE") -> tuple[str, str]:
    name, equals, value = said.partition("=")
    if not equals:
        raise click.UsageError(f"{option} {said!r}: write {form}.")
    path = Path(value[1:])
    if not value.startswith("@") or not path.is_file():
        return name, value
    try:
        return name, path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as exc:
        raise CommandError(f"{path} cannot be read as text: {exc}.") from None


def _parse_options(said: Sequence[str], answered: Sequence[str]) -> dict[str, str]:
    replies = (_parse_pair(one, "--reply-to", "NETWORK=POST") for one in answered)
    return dict(_parse_pair(one) for one in said) | {f"{network}.reply_to": post for network, post in replies}


def _preview_json(one: PostPreview) -> dict[str, Any]:
    from kicau.cli.core import serializers

    shown = serializers.rendered_json(one.rendered, one.priced)
    return {
        "channel": one.channel.key,
        "network": one.channel.network,
        **shown,
        "duplicates": [d.fields() for d in one.duplicates],
    }


def _visible_options(one: PostPreview) -> list[tuple[str, str]]:
    """What is answered, and every option that is not as it would be without a choice."""
    from kicau.channels.channel_session import capabilities_of

    usual = {option.name: option.default for option in capabilities_of(one.channel).options}
    chosen = [(name, value) for name, value in one.rendered.options.items() if value and value != usual.get(name)]
    return [*([("reply_to", one.rendered.reply_to)] if one.rendered.reply_to else []), *chosen]


def print_previews(previews: Sequence[PostPreview]) -> None:
    """What each channel would get, for people."""
    from kicau.base.money import format_money as money
    from kicau.cli.deliveries import printable_lines
    from kicau.costs.display_currency import CurrencyDisplay
    from kicau.publishing.scheduling.schedule import total_cost

    for one in previews:
        click.echo(f"━━ {one.channel.key} ({one.channel.name})")
        for n, part in enumerate(one.rendered.parts, 1):
            head = f"part {n}: " if len(one.rendered.parts) > 1 else ""
            click.echo(f"{head}{part.used} of {part.limit} {part.unit}\n{printable_lines(part.text)}")
            for medium in part.media:
                made = f", sent as {medium.recipe.mime}" if medium.recipe else ""
                made += ", with its cover" if medium.cover else ""
                click.echo(
                    f"  [{medium.media.kind}] {printable_line(medium.media.name)}{made}: {printable_line(medium.media.alt) or 'no alt text'}"
                )
        for name, value in _visible_options(one):
            click.echo(f"  {name}: {printable_line(value if len(value) <= 120 else f'{len(value)} characters')}")
        for problem in one.rendered.problems:
            click.echo(f"✗ {printable_line(problem.sentence)}")
        for notice in (*one.rendered.notices, *one.duplicates, *one.warnings):
            click.echo(f"· {printable_line(notice.sentence)}")
        used = ", ".join(f"{p.units} × {p.meter}" for p in one.priced if p.units)
        if used:
            click.echo(
                f"$ {used}"
                + (
                    f": {money(sum(p.micro for p in one.priced), next((p.currency for p in one.priced if p.currency), ''))}"
                    if any(p.micro for p in one.priced)
                    else ""
                )
            )
        click.echo()
    together, display = (
        total_cost(previews),
        CurrencyDisplay(previews[0].channel.workspace.currency if previews else ""),
    )
    if together:
        click.echo("Total: " + ", ".join(display.told(micro, currency) for currency, micro in together.items()))
        for sentence in display.sentences():
            click.echo(sentence)
