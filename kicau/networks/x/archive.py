"""X's "your archive": data/tweets.js (in parts, also as tweet.js and in the older forms), long and deleted posts.

Forms, as seen in archives and described by readers of them (looked up 2026-11-26):
  2023  {"tweet": {…}} in data/tweets.js, tweets-part1.js …; data/note-tweet.js; data/deleted-tweets.js; what was posted
        in communities in data/community-tweet.js; files in tweets_media/, deleted_tweets_media/, community_tweet_media/
  2018  {…} without the wrapper in tweet.js; tweet_media/
  2012  data/js/tweets/2012_01.js, `Grailbird.data.tweets_2012_01 =`, times as 2012-01-31 12:00:00 +0000; data/js/
        tweet_index.js counts the posts of each file, and a post of a protected account says so of its user

What followers alone could read is left out. data/protected-history.js names when the account was protected and when not
any more, of about the last six months (looked up 2026-12-02): a post is public if it was posted while the account was
not protected, and the account was not protected in the end either. Where the first entry ends a protection, nothing says
when that began, so everything before it counts as protected. data/manifest.js counts the entries of each file.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from kicau.connector.archives import streams
from kicau.connector.archives.files import ArchiveFiles, UnreadableFile, matching_names
from kicau.connector.archives.records import (
    ArchiveEntry,
    ArchiveOwner,
    ArchiveRecord,
    SkippedEntry,
    incomplete_file,
    limited_audience_entry,
    malformed_entry,
    missing_file,
    skip_entry,
    truncated_file,
    unreadable_file,
)
from kicau.connector.content import JSON

POSTS_PATTERN = (
    r"(^|/)data/((community-)?tweets?(-part\d+)?\.js|js/tweets/\d{4}_\d{2}\.js)$|^(community-)?tweets?(-part\d+)?\.js$"
)
DELETED_POSTS_PATTERN = r"(^|/)data/deleted-tweets?(-part\d+)?\.js$|^deleted-tweets?(-part\d+)?\.js$"
LONG_POSTS_PATTERN = r"(^|/)(data/)?note-tweets?(-part\d+)?\.js$"
ACCOUNT_PATTERN = r"(^|/)(data/)?account\.js$|(^|/)data/js/user_details\.js$"
MANIFEST_PATTERN = r"(^|/)data/manifest\.js$"
INDEX_PATTERN = r"(^|/)data/js/tweet_index\.js$"
PROTECTED_HISTORY_PATTERN = r"(^|/)(data/)?protected-history\.js$"
CIRCLE_POSTS_PATTERN = r"(^|/)(data/)?twitter-circle-tweets?(-part\d+)?\.js$"  # for the people whom its author chose
COUNTED_LISTS = ("tweets", "tweet", "deletedTweets", "deletedTweet", "communityTweet", "communityTweets")
LIMITED_AUDIENCE_CODE = (
    "hidden"  # in a record's `extra` until it is given out: for followers alone, by what its entry says
)
ENTRY_SEPARATOR = b"\n  },\n  {"  # two entries of a list, as X prints them; no JSON text can hold a bare line break
BLOCK_BYTES = 4 << 20  # bytes decoded at once
MONTH_NUMBERS = {
    m: n for n, m in enumerate(["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"], 1)
}
LANGUAGE_CODES = {
    "in": "id",
    "iw": "he",
    "und": "",
    "qme": "",
    "qam": "",
    "qht": "",
    "qct": "",
    "qst": "",
    "zxx": "",
    "art": "",
}
MEDIA_KINDS = {"photo": "image", "animated_gif": "gif", "video": "video"}
_POST_URL_PATTERN = re.compile(r"https?://(?:www\.|mobile\.)?(?:twitter|x)\.com/\w+/status/(\d+)")


class TweetUrl(msgspec.Struct):
    url: str | None = None
    expanded_url: str | None = None


class TweetMention(msgspec.Struct):
    screen_name: str = ""
    id_str: str | None = None
    name: str = ""


class TweetMedium(msgspec.Struct):
    url: str | None = None
    media_url_https: str | None = None
    type: str = "photo"
    ext_alt_text: str | None = None


class TweetEntities(msgspec.Struct):
    urls: list[TweetUrl] = []
    user_mentions: list[TweetMention] = []
    media: list[TweetMedium] = []


class TweetUser(msgspec.Struct):
    protected: bool | None = None


class TweetScopes(msgspec.Struct):
    followers: bool | None = None  # whether it is for followers alone


class Tweet(msgspec.Struct):
    id_str: str | None = None
    id: str | int | None = None
    full_text: str | None = None
    text: str | None = None
    created_at: str | None = None
    lang: str | None = None
    in_reply_to_status_id_str: str | None = None
    in_reply_to_status_id: str | int | None = None
    entities: TweetEntities | None = None
    extended_entities: TweetEntities | None = None
    favorite_count: str | int | None = None
    retweet_count: str | int | None = None
    deleted_at: str | None = None
    user: TweetUser | None = None
    scopes: TweetScopes | None = None


class TweetEntry(msgspec.Struct):
    tweet: Tweet


class XArchiveReader:
    """The archive reader of the connector for X."""

    #: X's own words in tables of any tool, with the kind that each means
    table_kinds: Mapping[str, str] = {
        "tweet": "post",
        "tweets": "post",
        "original tweet": "post",
        "x post": "post",
        "quote tweet": "quote",
        "quoted tweet": "quote",
        "tweet kutipan": "quote",
        "reply tweet": "reply",
        "re-tweet": "repost",
    }

    def sniff(self, files: ArchiveFiles, /) -> ArchiveOwner | None:
        if not matching_names(files, POSTS_PATTERN) and not matching_names(files, DELETED_POSTS_PATTERN):
            return None
        account = _read_account(files)
        return ArchiveOwner(
            format="x",
            account_id=str(account.get("accountId") or account.get("id") or ""),
            handle=str(account.get("username") or account.get("screen_name") or ""),
            name=str(account.get("accountDisplayName") or account.get("full_name") or ""),
            expected=sum(_expected_counts(files)[0].values()),
        )

    def read(self, files: ArchiveFiles, /) -> Iterator[ArchiveEntry]:
        account = _read_account(files)
        handle = str(account.get("username") or account.get("screen_name") or "i")
        longer, skips = _read_long_posts(files)
        yield from skips
        folders = {n.rsplit("/", 1)[0] for n in files.names() if "_media/" in n}
        counts, notes = _expected_counts(files)
        yield from notes
        protection = _ProtectedPeriods(files)
        names = [
            *((one, False) for one in matching_names(files, POSTS_PATTERN)),
            *((one, True) for one in matching_names(files, DELETED_POSTS_PATTERN)),
        ]
        for name, deleted in names:
            own = r"deleted_tweets?_media" if deleted else r"tweets?_media"
            if "community-" in name:
                own = r"community_tweets?_media"
            posts = _PostReader(handle, longer, _media_folder(folders, own), deleted=deleted)
            number = 0
            for found in posts.of_file(files, name):
                if isinstance(found, SkippedEntry):
                    number += found.code == "malformed"
                    yield found
                    continue
                number += 1
                is_hidden = found.extra.pop(LIMITED_AUDIENCE_CODE, False) or protection.covers(found.posted_at)
                yield limited_audience_entry(name, number) if is_hidden else found
            expected = next((count for one, count in counts.items() if f"/{name}".endswith(f"/{one}")), 0)
            if expected > number:
                yield incomplete_file(name, expected, number)
        for one, count in counts.items():
            if count and not any(f"/{name}".endswith(f"/{one}") for name, _ in names):
                yield missing_file(one)
        for name in matching_names(files, CIRCLE_POSTS_PATTERN):
            for number, entry in enumerate(streams.read_elements(files, name), 1):
                yield entry if isinstance(entry, SkippedEntry) else limited_audience_entry(name, number)


reader = XArchiveReader()


class _PostReader:
    def __init__(self, handle: str, longer: dict[int, list[str]], folder: str, *, deleted: bool = False) -> None:
        self._base = f"https://x.com/{handle}/status/"
        self._longer, self._folder, self._deleted = longer, folder, deleted

    def of_file(self, files: ArchiveFiles, name: str) -> Iterator[ArchiveEntry]:
        try:
            source = streams.read_chunks(files, name, BLOCK_BYTES)
            head = next(source, b"")
            if ENTRY_SEPARATOR in head:
                yield from self._in_blocks(head, source, name)
                return
        except UnreadableFile as exc:
            yield unreadable_file(exc, name)
            return
        for entry in streams.read_elements(files, name):
            if isinstance(entry, SkippedEntry):
                yield entry
            else:
                yield self._of_entry(entry, name)

    def _in_blocks(self, head: bytes, source: Iterator[bytes], name: str) -> Iterator[ArchiveEntry]:
        wrapped = re.search(rb'\[\s*\{\s*"tweet"\s*:', head) is not None
        decoder = msgspec.json.Decoder(list[TweetEntry] if wrapped else list[Tweet])
        held, number = head[head.index(b"[") + 1 :], 0
        while True:
            between = held.rfind(ENTRY_SEPARATOR)
            if between >= 0:
                block, held = held[: between + 4], held[between + 6 :]
                for found in self._of_block(block, decoder, wrapped, name, number):
                    number += 1
                    yield found
            elif len(held) > streams.MAX_ENTRY_BYTES:
                yield malformed_entry(name, number + 1)
                held, number = b"", number + 1
            try:
                piece = next(source, b"")
            except UnreadableFile as exc:
                yield unreadable_file(exc, name)
                piece = b""
            if not piece:
                break
            held += piece
        end = held.rstrip().removesuffix(b";").rstrip()
        whole = end.endswith(b"]")
        if end.removesuffix(b"]").strip():
            yield from self._of_block(end.removesuffix(b"]"), decoder, wrapped, name, number)
        if not whole:
            yield truncated_file(name)

    def _of_block(self, block: bytes, decoder: Any, wrapped: bool, name: str, number: int) -> Iterator[ArchiveEntry]:
        try:
            found = decoder.decode(b"[" + block + b"]")
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            yield from self._one_by_one(block, decoder, name, number)
            return
        for one in found:
            yield self._record(one.tweet if wrapped else one)

    def _one_by_one(self, block: bytes, decoder: Any, name: str, number: int) -> Iterator[ArchiveEntry]:
        """A block with something malformed in it: everything else of it is taken."""
        for place, one in enumerate(block.split(b"\n  },\n"), number + 1):
            text = one if one.rstrip().endswith(b"\n  }") else one + b"\n  }"
            fixed = text.decode("utf-8", "kicau-mixed").encode()
            try:
                for found in decoder.decode(b"[" + fixed + b"]"):
                    yield self._record(found.tweet if isinstance(found, TweetEntry) else found)
            except (msgspec.MsgspecError, RecursionError):
                yield malformed_entry(name, place)

    def _of_entry(self, entry: object, name: str) -> ArchiveEntry:
        inner = entry.get("tweet", entry) if isinstance(entry, dict) else entry
        try:
            return self._record(msgspec.convert(inner, Tweet, strict=False))
        except msgspec.ValidationError:
            return malformed_entry(name)

    def _record(self, tweet: Tweet) -> ArchiveRecord:
        id_ = tweet.id_str or str(tweet.id or "")
        text = tweet.full_text or tweet.text or ""
        at = parse_time(tweet.created_at or "")
        reply_to = tweet.in_reply_to_status_id_str or str(tweet.in_reply_to_status_id or "")
        record = ArchiveRecord(
            remote_id=id_,
            posted_at=at,
            posted_to="second" if at else "none",
            kind="reply" if reply_to else "post",
            reply_to=reply_to,
            language=LANGUAGE_CODES.get(lang := tweet.lang or "", lang),
            url=self._base + id_ if id_ else "",
        )
        if (tweet.user and tweet.user.protected) or (tweet.scopes and tweet.scopes.followers):
            record.extra[LIMITED_AUDIENCE_CODE] = True
        if at and self._longer and (longer := self._longer.get(int(at.timestamp()))):
            text = _whole_text(text, longer)
        if (entities := tweet.entities) is not None:
            if entities.urls:
                text = self._with_addresses(text, entities.urls, record)
            pictures = (tweet.extended_entities or entities).media or entities.media
            if pictures:
                text = self._with_media(text, pictures, record)
            if text.startswith("RT @"):
                record.kind = "repost"
                if entities.user_mentions:
                    who = entities.user_mentions[0]
                    record.author_id, record.author_handle, record.author_name = (
                        who.id_str or who.screen_name,
                        who.screen_name,
                        who.name,
                    )
        record.text = html.unescape(text) if "&" in text else text
        if tweet.favorite_count not in (None, 0, "0"):
            record.extra["likes"] = _int_or_zero(tweet.favorite_count)
        if tweet.retweet_count not in (None, 0, "0"):
            record.extra["reposts"] = _int_or_zero(tweet.retweet_count)
        if self._deleted or tweet.deleted_at:
            record.deleted_at = parse_time(tweet.deleted_at or "") or at or datetime.fromtimestamp(0, UTC)
        return record

    def _with_addresses(self, text: str, urls: list[TweetUrl], record: ArchiveRecord) -> str:
        for address in urls:
            if address.url and address.expanded_url:
                text = text.replace(address.url, address.expanded_url)
                if (quoted := _POST_URL_PATTERN.match(address.expanded_url)) and record.kind == "post":
                    record.kind = "quote"
                    record.extra["quotes"] = quoted[1]
        return text

    def _with_media(self, text: str, pictures: list[TweetMedium], record: ArchiveRecord) -> str:
        for picture in pictures:
            if picture.url:
                text = text.replace(picture.url, "").rstrip()
            address = picture.media_url_https or ""
            name = address.rsplit("/", 1)[-1]
            record.media.append(
                {
                    "kind": MEDIA_KINDS.get(picture.type, "image"),
                    "name": name,
                    "url": address,
                    "alt": picture.ext_alt_text or "",
                    "file": f"{self._folder}/{record.remote_id}-{name}" if self._folder else "",
                }
            )
        return text


def parse_time(text: str) -> datetime | None:
    """A time in any of the archive's forms; None where it is none."""
    try:
        if len(text) == 30 and text[3] == " ":  # Wed Oct 10 20:19:24 +0000 2018
            return datetime(
                int(text[26:30]),
                MONTH_NUMBERS[text[4:7]],
                int(text[8:10]),
                int(text[11:13]),
                int(text[14:16]),
                int(text[17:19]),
                tzinfo=UTC,
            )
        found = datetime.fromisoformat(text.replace(" +0000", "+00:00"))
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, KeyError, OverflowError):
        return None


def _media_folder(folders: set[str], named: str) -> str:
    """Where the files lie that came with one list of posts; "" where there are none."""
    return next((one for one in sorted(folders) if re.search(rf"(^|/){named}$", one)), "")


def _read_account(files: ArchiveFiles) -> dict[str, JSON]:
    for name in matching_names(files, ACCOUNT_PATTERN):
        try:
            told = streams.read_document(files, name)
        except UnreadableFile:
            continue
        if isinstance(told, list) and told and isinstance(told[0], dict):
            told = told[0].get("account", told[0])
        if isinstance(told, dict):
            return told
    return {}


def _expected_counts(files: ArchiveFiles) -> tuple[dict[str, int], list[SkippedEntry]]:
    """How many entries the archive's own lists count, by file name, of what is read here; and what they say of what is
    not in it or is not read."""
    counts: dict[str, int] = {}
    notes: list[SkippedEntry] = []
    for name in matching_names(files, MANIFEST_PATTERN):
        try:
            manifest = streams.read_document(files, name) or {}
            types = manifest.get("dataTypes", {})
            for kind in COUNTED_LISTS:
                for one in types.get(kind, {}).get("files", []):
                    counts[str(one["fileName"])] = int(one.get("count", 0))
            articles = sum(int(one.get("count", 0)) for one in types.get("article", {}).get("files", []))
            if manifest.get("archiveInfo", {}).get("isPartialArchive") in (True, "true"):
                notes.append(
                    skip_entry(
                        "partial",
                        "The file {file} shows that this is only one part of an X archive. Import the other parts too.",
                        name,
                        file=name,
                    )
                )
        except (UnreadableFile, AttributeError, KeyError, TypeError, ValueError):
            continue
        if articles:
            notes.append(
                skip_entry(
                    "not-read",
                    "Number of articles (long texts) in the X archive that Kicau cannot import: {count}.",
                    name,
                    count=articles,
                )
            )
    for name in matching_names(files, INDEX_PATTERN):
        try:
            for one in streams.read_document(files, name) or []:
                counts[str(one["file_name"])] = int(one.get("tweet_count", 0))
        except (UnreadableFile, AttributeError, KeyError, TypeError, ValueError):
            continue
    for note in notes:
        note.is_taken = True
    return counts, notes


class _ProtectedPeriods:
    """When the account was protected, so that its posts were for its followers alone."""

    def __init__(self, files: ArchiveFiles) -> None:
        changes: list[tuple[datetime, bool]] = []
        self._is_unclear = False  # a history that is there and cannot be read: nothing of it counts as public
        for name in matching_names(files, PROTECTED_HISTORY_PATTERN):
            for one in streams.read_elements(files, name):
                entry = one.get("protectedHistory", one) if isinstance(one, dict) else {}
                at = parse_time(str(entry.get("protectedAt") or ""))
                action = str(entry.get("action") or "").casefold()
                if at is None or action not in ("protect", "unprotect"):
                    self._is_unclear = True
                else:
                    changes.append((at, action == "protect"))
        self._changes = sorted(changes)

    def covers(self, at: datetime | None) -> bool:
        """Whether a post of this time is not public."""
        if not self._changes:
            return self._is_unclear
        if self._is_unclear or self._changes[-1][1] or at is None:
            return True
        is_protected = not self._changes[0][1]
        for changed, becomes in self._changes:
            if at < changed:
                break
            is_protected = becomes
        return is_protected


def _read_long_posts(files: ArchiveFiles) -> tuple[dict[int, list[str]], list[SkippedEntry]]:
    """Whole texts of posts longer than 280 characters, by the second in which they were posted; the lists of posts hold
    only their beginnings, and nothing but time and beginning ties the two."""
    found: dict[int, list[str]] = {}
    skips: list[SkippedEntry] = []
    for name in matching_names(files, LONG_POSTS_PATTERN):
        for entry in streams.read_elements(files, name):
            if isinstance(entry, SkippedEntry):
                skips.append(entry)
                continue
            try:
                note = entry["noteTweet"]
                at = parse_time(note["createdAt"])
                text = note["core"]["text"]
                if at and isinstance(text, str):
                    found.setdefault(int(at.timestamp()), []).append(_expand_urls(text, note["core"].get("urls")))
            except (KeyError, TypeError):
                skips.append(malformed_entry(name))
    return found, skips


def _expand_urls(text: str, urls: object) -> str:
    """With the addresses that the short links in it stand for; a long post names those beyond its beginning itself."""
    for one in urls if isinstance(urls, list) else []:
        if isinstance(one, dict) and one.get("shortUrl") and one.get("expandedUrl"):
            text = text.replace(str(one["shortUrl"]), str(one["expandedUrl"]))
    return text


def _whole_text(text: str, longer: list[str]) -> str:
    beginning = html.unescape(text).split("https://t.co/")[0].rstrip(" …")
    return next((one for one in longer if one.startswith(beginning)), text)


def _int_or_zero(told: str | int | None) -> int:
    return int(told) if isinstance(told, int) or (isinstance(told, str) and told.isdigit()) else 0
