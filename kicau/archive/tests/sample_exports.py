"""Exports in the true shape of each version that wrote them, made of invented posts with a fixed seed.

Mastodon: app/services/backup_service.rb at v3.5, v4.0, v4.2, v4.3 and v4.4, and a published 4.3 export with the doubled
key (mastodon/mastodon#31091). X: archives of 2019 (no wrapper folder, no manifest), 2022 (data/tweet.js, manifest), 2024
(tweets in parts, long posts, communities) and a published archive of February 2026. Looked up 2026-12-02.
"""

from __future__ import annotations

import io
import json
import random
import tarfile
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

EVERYBODY = "https://www.w3.org/ns/activitystreams#Public"
HOME = "https://kopi.social/users/senja"
BEGIN = datetime(2018, 11, 1, 6, 0, tzinfo=UTC)
WORDS = [
    "kopi",
    "senja",
    "hujan",
    "pagi",
    "di",
    "kebun",
    "robusta",
    "🌧",
    "menu",
    "baru",
    '"hari',
    'ini"',
    "orderedItems",
    "[1]",
    "{a}",
    "\\",
    "harga",
    "&",
    "rasa",
]
MASTODON_VERSIONS = ("3.5", "4.0", "4.2", "4.3", "4.4")
X_YEARS = (2019, 2022, 2024, 2026)


def words(chance: random.Random, number: int) -> str:
    return " ".join([f"nomor {number}", *chance.choices(WORDS, k=chance.randint(3, 30))])


# Mastodon


def activity(chance: random.Random, number: int, version: str) -> dict[str, Any]:
    """One entry of an outbox: a post for everybody (listed or not), for followers, for one person or for nobody, or a
    boost."""
    at = (BEGIN + timedelta(hours=number)).strftime("%Y-%m-%dT%H:%M:%SZ")
    address = f"{HOME}/statuses/{109_300_000_000_000_000 + number}"
    followers, friend = f"{HOME}/followers", "https://lain.social/users/budi"
    to, cc = chance.choice(
        [
            *[([EVERYBODY], [followers])] * 5,
            ([EVERYBODY], [followers, friend]),
            ([followers], [EVERYBODY]),
            ([followers], []),
            ([followers], [friend]),
            ([friend], []),
            ([], []),
        ]
    )
    if chance.random() < 0.2:
        return {
            "id": f"{address}/activity",
            "type": "Announce",
            "actor": HOME,
            "published": at,
            "to": [EVERYBODY],
            "cc": [friend, followers],
            "object": f"https://lain.social/users/budi/statuses/{number}",
        }
    content = f"<p>{words(chance, number).replace('&', '&amp;')}<br />baris dua</p>"
    note = {
        "id": address,
        "type": "Question" if chance.random() < 0.03 else "Note",
        "summary": "Peringatan" if chance.random() < 0.1 else None,
        "inReplyTo": f"https://lain.social/users/budi/statuses/{number}" if chance.random() < 0.2 else None,
        "published": at,
        "url": f"https://kopi.social/@senja/{109_300_000_000_000_000 + number}",
        "attributedTo": HOME,
        "to": to,
        "cc": cc,
        "sensitive": False,
        "atomUri": address,
        "inReplyToAtomUri": None,
        "conversation": f"tag:kopi.social,2022-11-08:objectId={number}:objectType=Conversation",
        "content": content,
        "contentMap": {"id": content},
        "attachment": [
            {
                "type": "Document",
                "mediaType": "image/png",
                "url": f"/media_attachments/files/109/{number}/original/a.png",
                "name": "Cangkir",
                "blurhash": "UPJ[3I_NI9t7",
                "width": 10,
                "height": 10,
            }
        ]
        if chance.random() < 0.1
        else [],
        "tag": [],
        "replies": {
            "id": f"{address}/replies",
            "type": "Collection",
            "first": {"type": "CollectionPage", "next": f"{address}/replies?page=true", "items": []},
        },
    }
    if version in ("4.3", "4.4"):
        note["likes"] = {"id": f"{address}/likes", "type": "Collection", "totalItems": 3}
        note["shares"] = {"id": f"{address}/shares", "type": "Collection", "totalItems": 1}
    if version == "4.4":
        note["interactionPolicy"] = {"canQuote": {"automaticApproval": [EVERYBODY]}}
    return {
        "id": f"{address}/activity",
        "type": "Create",
        "actor": HOME,
        "published": at,
        "to": to,
        "cc": cc,
        "object": note,
        **({"signature": {"type": "RsaSignature2017", "signatureValue": "x=="}} if version in ("3.5", "4.0") else {}),
    }


def mastodon(folder: Path, version: str, count: int, *, doubled: bool = False, total: int | None = None) -> Path:
    """An export of `count` entries. `doubled`: with the empty `orderedItems` before the full one. `total`: what
    `totalItems` says; left out, the count without direct posts, as the server counts."""
    chance = random.Random(f"mastodon {version} {count}")
    items = [activity(chance, number, version) for number in range(count)]
    direct = sum(
        one["type"] == "Create" and not any("followers" in a or a == EVERYBODY for a in [*one["to"], *one["cc"]])
        for one in items
    )
    context: list[Any] = ["https://www.w3.org/ns/activitystreams", {"ostatus": "http://ostatus.org#"}]
    if version in ("4.3", "4.4"):  # the full context: some 40 terms
        context = [*context[:1], "https://w3id.org/security/v1", {f"term{n}": f"toot:term{n}" for n in range(200)}]
    head = {
        "@context": context,
        "id": "outbox.json",
        "type": "OrderedCollection",
        "totalItems": count - direct if total is None else total,
    }
    dumped = [json.dumps(one, ensure_ascii=False, separators=(",", ":")) for one in items]
    outbox = json.dumps(head, separators=(",", ":"))[:-1]
    outbox += (',"orderedItems":[]' if doubled else "") + f',"orderedItems":[{",".join(dumped)}]}}'
    actor = {
        "@context": context,
        "id": HOME,
        "type": "Person",
        "preferredUsername": "senja",
        "name": "Senja",
        "outbox": "outbox.json",
        "likes": "likes.json",
        "bookmarks": "bookmarks.json",
    }
    likes = {
        "@context": context[0],
        "id": "likes.json",
        "type": "OrderedCollection",
        "orderedItems": ["https://lain.social/1"],
    }
    files = {
        "outbox.json": outbox,
        "likes.json": json.dumps(likes),
        "bookmarks.json": json.dumps({**likes, "id": "bookmarks.json"}),
        "actor.json": json.dumps(actor),
    }
    if version in ("3.5", "4.0"):
        path = folder / f"archive-{version}.tar.gz"
        with tarfile.open(path, "w:gz") as tape:
            for name, text in files.items():
                info = tarfile.TarInfo(name)
                info.size = len(data := text.encode())
                tape.addfile(info, io.BytesIO(data))
        return path
    return _zipped(folder / f"archive-{version}{'-doubled' if doubled else ''}.zip", files)


# X


def tweet(chance: random.Random, number: int, at: datetime, year: int) -> dict[str, Any]:
    is_repost = chance.random() < 0.15
    text = words(chance, number).replace("&", "&amp;")
    mentions = [{"name": "Teman", "screen_name": "teman", "indices": ["3", "9"], "id_str": "77", "id": "77"}]
    reply = {"in_reply_to_status_id_str": "9", "in_reply_to_status_id": "9", "in_reply_to_screen_name": "teman"}
    id_ = str(1_000_000_000_000 + number)
    return {
        **({"edit_info": {"initial": {"editTweetIds": [id_], "editableUntil": "x"}}} if year >= 2024 else {}),
        "retweeted": False,
        "source": '<a href="http://twitter.com" rel="nofollow">Twitter Web App</a>',
        "entities": {"hashtags": [], "symbols": [], "user_mentions": mentions if is_repost else [], "urls": []},
        "display_text_range": ["0", str(len(text))],
        "favorite_count": str(chance.randint(0, 9)),
        "id_str": id_,
        "truncated": False,
        "retweet_count": "0",
        "id": id_,
        "created_at": at.strftime("%a %b %d %H:%M:%S +0000 %Y"),
        "favorited": False,
        "full_text": f"RT @teman: {text}" if is_repost else text,
        "lang": "in",
        **({"scopes": {"followers": False}} if year >= 2026 else {}),
        **(reply if not is_repost and chance.random() < 0.3 else {}),
    }


def _assigned(name: str, value: object) -> str:
    """As X prints it: a blank before each colon."""
    return f"window.YTD.{name} = " + json.dumps(value, indent=2, ensure_ascii=False, separators=(",", " : "))


def x(folder: Path, year: int, count: int, *, protected: list[tuple[str, str]] | None = None, lost: int = 0) -> Path:
    """An archive of `count` posts, some deleted posts and, from 2024 on, posts in communities. `protected`: the entries
    of its history, as (time, action). `lost`: how many posts the manifest counts beyond those in the file."""
    chance = random.Random(f"x {year} {count}")
    begin = datetime(year - 1, 1, 1, tzinfo=UTC)
    plain = [tweet(chance, number, begin + timedelta(hours=number), year) for number in range(count)]
    wrapped: list[Any] = plain if year == 2019 else [{"tweet": one} for one in plain]
    folder_name, name = {2019: ("", "tweet"), 2022: ("data/", "tweet")}.get(year, ("data/", "tweets"))
    half = count // 2 if year == 2024 else count
    lists = {f"{name}.js": (f"{name}.part0", wrapped[:half])}
    if year == 2024:
        lists["tweets-part1.js"] = ("tweets.part1", wrapped[half:])
    if year >= 2022:
        deleted = [
            {
                "tweet": tweet(chance, count + n, begin + timedelta(days=n), year)
                | {"deleted_at": "2023-01-02T03:04:05.000Z"}
            }
            for n in range(4)
        ]
        lists[f"deleted-{name}.js"] = (f"deleted_{name}.part0", deleted)
    if year >= 2024:
        inside = [
            {"tweet": tweet(chance, count + 10 + n, begin + timedelta(days=n), year) | {"community_id": "20"}}
            for n in range(3)
        ]
        lists["community-tweet.js"] = ("community_tweet.part0", inside)
    owner = {
        "email": "a@b.example",
        "createdVia": "web",
        "username": "kopisenja",
        "accountId": "4242",
        "createdAt": "2012-01-01T00:00:00.000Z",
        "accountDisplayName": "Kopi Senja",
    }
    history = [{"protectedHistory": {"protectedAt": at, "action": action}} for at, action in protected or []]
    files = {
        f"{folder_name}account.js": _assigned("account.part0", [{"account": owner}]),
        f"{folder_name}protected-history.js": _assigned("protected_history.part0", history),
        f"{folder_name}direct-messages.js": _assigned(
            "direct_messages.part0", [{"dmConversation": {"conversationId": "1-2", "messages": []}}]
        ),
        **{f"{folder_name}{file}": _assigned(*told) for file, told in lists.items()},
    }
    if year >= 2022:
        kinds = {
            "tweet": "tweet",
            "tweets": "tweets",
            "deleted_tweet": "deletedTweet",
            "deleted_tweets": "deletedTweets",
        }
        types: dict[str, Any] = {
            "protectedHistory": {"files": [_counted("protected-history", "protected_history", 0, len(history))]}
        }
        for file, (of, entries) in lists.items():
            kind, part = of.split(".")
            key = kinds.get(kind, "communityTweet")
            counted = _counted(
                file.removesuffix(".js"), kind, int(part[4:]), len(entries) + lost * (file == f"{name}.js")
            )
            types.setdefault(key, {"mediaDirectory": f"data/{kind}_media", "files": []})["files"].append(counted)
        manifest = {
            "userInfo": {"accountId": "4242", "userName": "kopisenja", "displayName": "Kopi Senja"},
            "archiveInfo": {
                "sizeBytes": "1",
                "generationDate": f"{year}-02-20T09:21:47.114Z",
                "isPartialArchive": False,
            },
            "dataTypes": types,
        }
        files["data/manifest.js"] = "window.__THAR_CONFIG = " + json.dumps(manifest, indent=2, separators=(",", " : "))
    return _zipped(folder / f"twitter-{year}-{count}-{len(history)}-{lost}.zip", files)


def _counted(file: str, name: str, part: int, count: int) -> dict[str, str]:
    return {"fileName": f"data/{file}.js", "globalName": f"YTD.{name}.part{part}", "count": str(count)}


def _zipped(path: Path, files: dict[str, str]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, text in files.items():
            packed.writestr(name, text)
    return path
