"""What a linked page says of itself: title, description and picture, for the link cards that a network has made by us.

Read while somebody composes, through the guard, kept for a day, read again on request; never at the second when a post
goes out. A page that cannot be read is no obstacle: what failed is kept as a sentence beside the address.

Names of the properties: https://ogp.me (2026-11-26), and those of others that end alike ("…:title").
"""

from __future__ import annotations

import re
from codecs import lookup
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import aiohttp
import structlog
from asgiref.sync import sync_to_async

from kicau.base import clock
from kicau.base.errors import DomainError, ServerBusy, validation_failed
from kicau.base.sentences import Sentence, to_stored_pieces
from kicau.connector.content import Recipe
from kicau.connector.transport import ssrf
from kicau.connector.transport.ssrf import guarded_session
from kicau.media import decoder, library
from kicau.media.actions import add_medium
from kicau.media.models import LinkedPage, Medium
from kicau.media.probe import UnusableFile
from kicau.rights.models import Origin
from kicau.workspaces.actors import Actor, Permission

log = structlog.get_logger("kicau.media")

PAGE_CACHE_LIFETIME = timedelta(days=1)
MAX_PAGE_BYTES, MAX_PICTURE_BYTES = 1 << 20, 10_000_000  # bytes; a page's head stands at its beginning
REQUEST_TIMEOUT_SECONDS = 10.0  # seconds for each of the two
MAX_TITLE_LENGTH, MAX_DESCRIPTION_LENGTH, MAX_ADDRESS_LENGTH = 300, 1000, 2000  # characters
CARD_PICTURE_RECIPE = Recipe(
    mime="image/jpeg", max_width=1200, max_height=1200, max_size=1_000_000
)  # the least of any network


class PageUnreadable(Exception):
    """The page, or its picture, cannot be had; the sentence says why."""

    def __init__(self, sentence: Sentence) -> None:
        self.sentence = sentence
        super().__init__(sentence)


@dataclass(frozen=True, slots=True, kw_only=True)
class PageMetadata:
    title: str = ""
    description: str = ""
    picture: str = ""  # an address


async def read_page(actor: Actor, url: str, *, refresh: bool = False) -> LinkedPage:
    """The page as Kicau read it within the last day; `refresh` reads it now in any case.

    Raises NotAllowed, and ValidationFailed where `url` is no address; whatever else fails is in `why` of what comes back,
    and what was known of the page before stays.
    """
    actor.require(Permission.WRITE)
    if not re.fullmatch(r"https?://[^\s/]\S*", url) or len(url.encode("utf-8", "replace")) > MAX_ADDRESS_LENGTH:
        raise validation_failed("url", "Enter the web address of a page that begins with https:// or http://.")
    known = await LinkedPage.objects.select_related("picture").filter(workspace=actor.workspace, url=url).afirst()
    if known and not refresh and not known.why and clock.now() - known.read_at < PAGE_CACHE_LIFETIME:
        return known
    page = known or LinkedPage(workspace=actor.workspace, url=url)
    page.why, page.said, page.read_at = "", [], clock.now()
    try:
        told = await _fetch_metadata(url)
        page.title, page.description = told.title, told.description
        page.picture = await _fetch_picture(actor, told.picture) if told.picture else None
    except PageUnreadable as exc:
        page.why, page.said = str(exc.sentence), to_stored_pieces(exc.sentence)
    return await sync_to_async(_store_page)(page)


def _store_page(page: LinkedPage) -> LinkedPage:
    fields = {name: getattr(page, name) for name in ("title", "description", "picture", "why", "said", "read_at")}
    made, _ = LinkedPage.objects.update_or_create(workspace=page.workspace, url=page.url, defaults=fields)
    return made


async def _fetch_metadata(url: str) -> PageMetadata:
    body, headers, final = await _fetch(url, MAX_PAGE_BYTES, cut=True)
    kind = headers.get("Content-Type", "").lower()
    if "html" not in kind:
        raise PageUnreadable(
            Sentence(
                "The address {url} leads not to a web page but to this kind of file: {kind}. Write the link preview yourself.",
                url=url[:200],
                kind=kind.split(";")[0] or "a file",
            )
        )
    told = parse_metadata(_decode_text(body, kind), final)
    if not told.title:
        raise PageUnreadable(
            Sentence("The page at {url} has no title. Write the title of the link preview yourself.", url=url[:200])
        )
    return told


async def _fetch_picture(actor: Actor, url: str) -> Medium | None:
    """The page's picture in the library, small enough for every network's card. Raises PageUnreadable."""
    body, _, _ = await _fetch(url, MAX_PICTURE_BYTES)
    return await sync_to_async(_store_picture)(actor, body, url)


def _store_picture(actor: Actor, body: bytes, url: str) -> Medium:
    came, made = library.scratch_file(), library.scratch_file()
    try:
        came.write_bytes(body)
        decoder.convert_file(came, CARD_PICTURE_RECIPE, made)
        name = f"{Path(unquote(urlsplit(url).path)).stem[:100] or 'picture'}.jpg"
        return add_medium(actor, made, name, origin=Origin.FETCHED, origin_detail=url[:500], move=True)
    except ServerBusy:
        raise
    except (UnusableFile, DomainError) as exc:
        raise PageUnreadable(
            Sentence("Kicau cannot use the image of the linked page. The link preview is shown without an image.")
        ) from exc
    finally:
        came.unlink(missing_ok=True)
        made.unlink(missing_ok=True)


async def _fetch(url: str, most: int, *, cut: bool = False) -> tuple[bytes, Mapping[str, str], str]:
    """At most `most` bytes of what an address gives, its headers, and the address that gave it in the end."""
    try:
        async with (
            guarded_session(timeout=REQUEST_TIMEOUT_SECONDS) as client,
            client.get(url, max_redirects=5, headers={"Accept": "text/html,image/*;q=0.9,*/*;q=0.5"}) as answer,
        ):
            if answer.status != 200:
                raise PageUnreadable(
                    Sentence(
                        "Kicau could not load the page, because the server at {url} returned the error status {status}. Write the link preview yourself, or try again.",
                        url=url[:200],
                        status=answer.status,
                    )
                )
            body = bytearray()
            async for chunk in answer.content.iter_chunked(1 << 16):
                body += chunk
                if len(body) > most:
                    break
            if len(body) > most and not cut:
                raise PageUnreadable(
                    Sentence(
                        "The file at {url} is larger than {limit} MB, which is the limit for files in Kicau. Use a smaller file.",
                        url=url[:200],
                        limit=most // 1_000_000,
                    )
                )
            return bytes(body[:most]), dict(answer.headers), str(answer.url)
    except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as exc:
        log.warning("an address could not be reached", url=url[:200], why=ssrf.failure_reason(exc))
        raise PageUnreadable(
            Sentence(ssrf.UNREACHABLE_MESSAGE, url=url[:200])
            + Sentence("You can write the title and text of the link preview yourself.")
        ) from exc


def parse_metadata(page: str, base: str) -> PageMetadata:
    """What a page's head says: Open Graph first, then what is named alike, then plain HTML. Pure; never raises."""
    reader = _HeadParser()
    try:
        reader.feed(page)
        reader.close()
    except (AssertionError, ValueError):
        pass  # what was read until there counts
    said = reader.said
    picture = _first_value(said, "og:image:secure_url", "og:image", "og:image:url", ":image", ":image:src")
    try:
        address = urljoin(base, picture) if picture else ""
    except ValueError:
        address = ""
    return PageMetadata(
        title=_first_value(said, "og:title", ":title", "<title>")[:MAX_TITLE_LENGTH],
        description=_first_value(said, "og:description", ":description", "description")[:MAX_DESCRIPTION_LENGTH],
        picture=address if re.match(r"https?://", address) and len(address) <= MAX_ADDRESS_LENGTH else "",
    )


def _first_value(said: Mapping[str, str], *names: str) -> str:
    return next((found for name in names if (found := " ".join(said.get(name, "").replace("\x00", "").split()))), "")


class _HeadParser(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.said: dict[str, str] = {}
        self._titled = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "title":
            self._titled = "<title>" not in self.said
        elif tag == "meta":
            found = dict(attrs)
            name = (found.get("property") or found.get("name") or "").lower()
            if name and found.get("content"):
                self.said.setdefault(name, str(found["content"]))
                self.said.setdefault(":" + name.partition(":")[2], str(found["content"]))

    def handle_endtag(self, tag: str) -> None:
        if tag == "title":
            self._titled = False

    def handle_data(self, data: str) -> None:
        if self._titled:
            self.said["<title>"] = self.said.get("<title>", "") + data


def _decode_text(body: bytes, kind: str) -> str:
    """By the encoding that the answer or the page itself names, else UTF-8."""
    named = re.search(r"charset=[\"']?([\w-]+)", kind) or re.search(
        r"charset=[\"']?([\w-]+)", body[:2048].decode("latin-1")
    )
    try:
        encoding = lookup(named[1]).name if named else "utf-8"
        return body.decode(encoding, "replace")
    except (LookupError, ValueError):
        return body.decode("utf-8", "replace")


__all__ = ["LinkedPage", "PageMetadata", "PageUnreadable", "parse_metadata", "read_page"]
