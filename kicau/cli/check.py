"""`kicau check`: what a network says to a post, without sending it. Needs neither a database nor Django."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from kicau.cli.core.command import EXIT_FAILED, CommandError, Shell, pass_shell, print_table, printable_line

if TYPE_CHECKING:
    from kicau.connector.capabilities import Capabilities
    from kicau.connector.content import Draft, Link, Media, Poll
    from kicau.connector.protocol import Connector

POST_FIELDS = frozenset(
    {"text", "media", "parts", "poll", "link", "first_comment", "options", "language", "reply_to", "convert", "id"}
)


class MalformedPost(ValueError):
    """A line cannot be read as a post. The message is a sentence; `field` the place in it."""

    def __init__(self, field: str, message: str) -> None:
        self.field = field
        super().__init__(message)


@click.command()
@click.argument("texts", nargs=-1, metavar="[TEXT]...")
@click.option("--network", help="Network whose rules to check. A wrong name lists all networks.")
@click.option("--channel", help="Connected channel whose own limits to use. Requires the Kicau database.")
@click.option("--media", "files", multiple=True, metavar="FILE", help="File to attach to the text. Repeat for several.")
@click.option("--alt", "alts", multiple=True, metavar="TEXT", help="Alt text of each --media, in the same order.")
@click.option(
    "--file",
    "source",
    type=click.File("rb"),
    default=None,
    help="Read the input from FILE instead of standard input.",
)
@click.option(
    "--csv",
    "as_csv",
    is_flag=True,
    help="The input is CSV with the column text and optionally media and alt. With --json, the output is JSON Lines.",
)
@click.option("--json", "as_json", is_flag=True, help="Input and output are JSON Lines: one JSON object per line.")
@pass_shell
def check(
    shell: Shell,
    texts: tuple[str, ...],
    network: str | None,
    channel: str | None,
    files: tuple[str, ...],
    alts: tuple[str, ...],
    source: BinaryIO | None,
    as_csv: bool,
    as_json: bool,
) -> None:
    """Check posts against a network's rules without publishing anything.

    TEXT is one post, or several parts of a thread. Without TEXT, Kicau reads standard input: with --json one JSON
    object per line ({"text": …, "media": […]}), with --csv a table, otherwise one text. The exit code is 1 if any post
    has a problem.
    """
    if bool(network) == bool(channel):
        raise click.UsageError("Choose a network with --network, or a channel with --channel.")
    judge = PostChecker(shell, network, channel)
    stream = source or sys.stdin.buffer
    if as_csv:
        posts: Iterator[Any] = _read_table(stream)
    elif texts or files:
        posts = iter([{"parts": [{"text": t} for t in texts] or [{"text": ""}], "media": _media_entries(files, alts)}])
    elif as_json:
        posts = _read_json_lines(stream)
    else:
        posts = iter([{"text": stream.read().decode("utf-8", "replace").removesuffix("\n")}])
    found_any = (
        _print_json_lines(judge, posts)
        if as_json
        else _print_overview(judge, posts)
        if as_csv
        else _print_results(judge, posts)
    )
    if found_any:
        sys.exit(EXIT_FAILED)


def _media_entries(files: tuple[str, ...], alts: tuple[str, ...]) -> list[dict[str, str]]:
    if len(alts) > len(files):
        raise click.UsageError(
            f"There are {len(alts)} alt texts for {len(files)} files. Add one --alt for each --media."
        )
    return [{"path": path, "alt": alt} for path, alt in zip(files, [*alts, *[""] * len(files)], strict=False)]


def _read_json_lines(stream: BinaryIO) -> Iterator[Any]:
    """Each line's object, or the Malformed that it is."""
    for number, line in enumerate(stream, 1):
        if not line.strip():
            continue
        try:
            yield json.loads(line)
        except (ValueError, RecursionError) as exc:
            yield MalformedPost("", f"Line {number} is not JSON: {exc}.")


def _read_table(stream: BinaryIO) -> Iterator[Any]:
    from kicau.publishing.imports.csv_reader import _decode, _detect_delimiter  # the same reading as the import's

    text, delimiter = _detect_delimiter(_decode(stream.read(), "CSV file"))
    csv.field_size_limit(2_000_000)
    rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        names = {(name or "").strip().casefold() for name in rows.fieldnames or []}
        if "text" not in names:
            raise CommandError(
                f"The table has no column named text. Columns found: {', '.join(sorted(names)) or 'nothing'}. Expected: text, and optionally media and alt."
            )
        for row in rows:
            cells = {(k or "").strip().casefold(): v or "" for k, v in row.items() if isinstance(v, str)}
            paths, alts = cells.get("media", "").split(), cells.get("alt", "").split("\n")
            media = [{"path": path, "alt": alt} for path, alt in zip(paths, [*alts, *[""] * len(paths)], strict=False)]
            yield {"text": cells["text"], "media": media}
    except csv.Error as exc:
        yield MalformedPost(
            "",
            f'Kicau cannot read the table from line {rows.line_num} on: {exc}. Put a text with quotation marks between two ", and write each " inside the text twice.',
        )


def _print_json_lines(judge: PostChecker, posts: Iterable[Any]) -> bool:
    """One JSON object a post, written as they come."""
    bad = False
    write, dump = sys.stdout.write, json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
    for post in posts:
        said = judge.told(post)
        bad = bad or bool(said["problems"])
        try:
            write(dump(said) + "\n")
        except UnicodeEncodeError:  # half of a surrogate pair: JSON can escape it, UTF-8 cannot hold it
            write(json.dumps(said) + "\n")
    sys.stdout.flush()
    return bad


def _print_overview(judge: PostChecker, posts: Iterable[Any]) -> bool:
    """One line a post, and below it what is wrong."""
    bad = total = 0
    for number, post in enumerate(posts, 2):
        said = judge.told(post)
        total, bad = total + 1, bad + bool(said["problems"])
        click.echo(
            f"{'✗' if said['problems'] else '✓'} row {number}: {said['length']} of {said['limit']} {said['unit']}"
        )
        for problem in said["problems"]:
            click.echo(f"    {printable_line(problem['message'])}")
    click.echo(f"{total} posts, {bad} with problems.")
    return bad > 0


def _print_results(judge: PostChecker, posts: Iterable[Any]) -> bool:
    bad = False
    for post in posts:
        said = judge.told(post)
        bad = bad or bool(said["problems"])
        rows = [
            (
                n + 1,
                f"{p['length']} of {p['limit']} {p['unit']}",
                ", ".join(f"{s['kind']} {s['text']}" for s in p["spans"]),
            )
            for n, p in enumerate(said.get("parts", []))
        ]
        print_table(("part", "length", "links, mentions, tags"), rows)
        for problem in said["problems"]:
            click.echo(f"✗ {printable_line(problem['message'])}")
        for notice in said.get("notices", []):
            click.echo(f"· {printable_line(notice['message'])}")
        for charge in said.get("charges", []):
            cost = f"{charge['micro'] / 1_000_000:.6g} {charge['currency']}" if charge["micro"] else "no cost"
            click.echo(f"$ {charge['units']} × {charge['meter']}: {cost}")
        if not said["problems"]:
            click.echo("✓ The post has no problems.")
    return bad


class PostChecker:
    """One network, asked over and over."""

    def __init__(self, shell: Shell, network: str | None, channel: str | None) -> None:
        self.plan = ""
        self.has_channel = bool(channel)
        if channel:
            connector, can = self._of_channel(shell, channel)
        else:
            from kicau.connector import registry

            connector = registry.get_connector((network or "").casefold())
            can = connector.baseline
        self.connector: Connector = connector
        self.can: Capabilities = can
        self._media: dict[str, Media | MalformedPost] = {}

    def _of_channel(self, shell: Shell, key: str) -> tuple[Connector, Capabilities]:
        actor = shell.actor()
        from kicau.channels.actions import one_channel
        from kicau.channels.channel_session import capabilities_of
        from kicau.connector import registry

        row = one_channel(actor, key)
        self.plan = row.app.plan
        return registry.get_connector(row.network), capabilities_of(row)

    def told(self, post: Any) -> dict[str, Any]:
        """What the network says to one post; never raises."""
        try:
            return self._told(post)
        except MalformedPost as exc:
            return _malformed_result(exc)

    def _told(self, post: Any) -> dict[str, Any]:
        from kicau.cli.core import serializers
        from kicau.costs.pricing import price_by_shipped_lists, price_charges

        if isinstance(post, MalformedPost):
            raise post
        shown = self.connector.render(self._draft(post), self.can)
        priced = price_charges if self.has_channel else price_by_shipped_lists
        said = serializers.rendered_json(shown, priced(self.connector.slug, shown.charges, plan=self.plan))
        return {"id": post["id"], **said} if "id" in post else said

    def _draft(self, post: Any) -> Draft:
        from kicau.connector.content import Draft, Part

        if not isinstance(post, dict):
            raise MalformedPost("", f'A post must be an object such as {{"text": "…"}}, not {_json_type(post)}.')
        if unknown := sorted(set(post) - POST_FIELDS):
            raise MalformedPost(
                unknown[0], f"Unknown field {unknown[0]!r}. Available fields: {', '.join(sorted(POST_FIELDS))}."
            )
        parts = [
            Part(
                text=_parse_text(p, "text", f"parts.{n}.text"),
                media=self._all_media(p.get("media"), f"parts.{n}.media"),
            )
            for n, p in enumerate(_parse_parts(post))
        ]
        if post.get("media") and "parts" in post:
            parts[0] = Part(text=parts[0].text, media=self._all_media(post["media"], "media"))
        options = post.get("options") or {}
        if not isinstance(options, dict) or not all(isinstance(v, str | int | float | bool) for v in options.values()):
            raise MalformedPost("options", "options must be an object of names and values.")
        return Draft(
            parts=tuple(parts),
            link=self._link(post.get("link")),
            poll=_parse_poll(post.get("poll")),
            first_comment=_parse_text(post, "first_comment", "first_comment"),
            reply_to=_parse_text(post, "reply_to", "reply_to") or None,
            language=_parse_text(post, "language", "language"),
            options={k.removeprefix(f"{self.connector.slug}."): str(v) for k, v in options.items()},
            convert=bool(post.get("convert", True)),
        )

    def _all_media(self, given: Any, field: str) -> tuple[Media, ...]:
        if given in (None, []):
            return ()
        if not isinstance(given, list):
            raise MalformedPost(
                field, f"{field} must be a list of paths, or of objects with path and alt, not {_json_type(given)}."
            )
        return tuple(self._medium(one, f"{field}.{n}") for n, one in enumerate(given))

    def _medium(self, given: Any, field: str) -> Media:
        from dataclasses import replace

        path, alt = (
            (given, "")
            if isinstance(given, str)
            else (given.get("path"), given.get("alt") or "")
            if isinstance(given, dict)
            else (None, "")
        )
        if not isinstance(path, str) or not path or not isinstance(alt, str):
            raise MalformedPost(field, f"{field} must be a path, or an object with path and alt.")
        if path not in self._media:
            self._media[path] = _probe_file(path, field)
        found = self._media[path]
        if isinstance(found, MalformedPost):
            raise MalformedPost(field, str(found))
        return replace(found, alt=alt) if alt else found

    def _link(self, given: Any) -> Link | None:
        from kicau.connector.content import Link

        if given in (None, ""):
            return None
        if isinstance(given, str):
            return Link(url=given)
        if not isinstance(given, dict):
            raise MalformedPost(
                "link",
                f"link must be an address, or an object with url, title, description and thumbnail, not {_json_type(given)}.",
            )
        picture = self._medium(given["thumbnail"], "link.thumbnail") if given.get("thumbnail") else None
        return Link(
            url=_parse_text(given, "url", "link.url"),
            title=_parse_text(given, "title", "link.title"),
            description=_parse_text(given, "description", "link.description"),
            thumbnail=picture,
        )


def _parse_parts(post: dict[str, Any]) -> list[dict[str, Any]]:
    if "parts" not in post:
        return [{"text": post.get("text"), "media": post.get("media")}]
    given = post["parts"]
    if not isinstance(given, list) or not given:
        raise MalformedPost("parts", "parts must be a list of texts, or of objects with text and media; at least one.")
    if post.get("text"):
        raise MalformedPost("text", "Give either text or parts.")
    found = [{"text": p} if isinstance(p, str) else p for p in given]
    if not all(isinstance(p, dict) for p in found):
        raise MalformedPost("parts", "parts must be a list of texts, or of objects with text and media.")
    return found


def _parse_text(given: Mapping[str, Any], name: str, field: str) -> str:
    value = given.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise MalformedPost(field, f"{field} must be a text, not {_json_type(value)}.")
    return value


def _parse_poll(given: Any) -> Poll | None:
    from kicau.connector.content import Poll

    if given is None:
        return None
    if (
        not isinstance(given, dict)
        or not isinstance(given.get("options"), list)
        or not all(isinstance(o, str) for o in given["options"])
    ):
        raise MalformedPost(
            "poll", "poll must be an object with options (a list of texts), and optionally minutes and question."
        )
    minutes = given.get("minutes", 1440)
    if not isinstance(minutes, int) or isinstance(minutes, bool):
        raise MalformedPost("poll.minutes", f"poll.minutes must be a whole number, not {_json_type(minutes)}.")
    return Poll(
        options=tuple(given["options"]), minutes=minutes, question=_parse_text(given, "question", "poll.question")
    )


def _probe_file(path: str, field: str) -> Media | MalformedPost:
    from kicau.connector.content import Media
    from kicau.media.probe import UnusableFile, probe_file

    try:
        found = probe_file(Path(path), Path(path).name)
    except UnusableFile as exc:
        return MalformedPost(field, exc.message.format_map(dict(exc.params)))
    except OSError as exc:
        return MalformedPost(field, f"{path} cannot be read: {exc.strerror or exc}.")
    except ValueError:
        return MalformedPost(field, "The path contains a NUL character.")
    names = set(Media.__dataclass_fields__) - {"ref", "name", "alt", "title"}
    return Media(
        ref=path, name=Path(path).name, **{name: getattr(found, name) for name in names if hasattr(found, name)}
    )


def _malformed_result(exc: MalformedPost) -> dict[str, Any]:
    problem = {"code": "malformed", "field": exc.field, "message": str(exc), "limit": None, "actual": None, "fix": ""}
    return {
        "length": 0,
        "limit": 0,
        "unit": "characters",
        "spans": [],
        "parts": [],
        "first_comment": None,
        "problems": [problem],
        "notices": [],
        "charges": [],
    }


def _json_type(value: Any) -> str:
    names = {
        type(None): "null",
        bool: "true or false",
        int: "a number",
        float: "a number",
        str: "a text",
        list: "a list",
        dict: "an object",
    }
    return names.get(type(value), type(value).__name__)
