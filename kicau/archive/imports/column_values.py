"""What a table's words for kind and visibility mean, in English and Indonesian; what is none of them is asked about."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from enum import StrEnum
from functools import cache

from kicau.connector import registry


class Column(StrEnum):
    """A column whose values decide whether a row is a public post of its author."""

    KIND = "kind"
    VISIBILITY = "visibility"


PUBLIC, PRIVATE = "public", "private"
#: What a value can mean, by column: what people answer when a value is unknown.
ALLOWED_MEANINGS: Mapping[Column, tuple[str, ...]] = {
    Column.KIND: ("post", "repost", "message"),
    Column.VISIBILITY: (PUBLIC, PRIVATE),
}
# By meaning. Written in lower case, with one blank for any run of blanks, "-", "_", "/" and ".".
_KIND_WORDS: Mapping[str, str] = {
    "post": "post, posts, original, status, toot, note, cuitan, cuit, kicauan, twit, kiriman, unggahan, posting,"
    " postingan, pos, text, teks, tulisan, photo, foto, image, picture, gambar, video, reel, reels, story, stories,"
    " cerita, album, carousel, korsel, gallery, galeri, gif, audio, link, tautan, thread, utas, poll, jajak pendapat,"
    " polling, question, pertanyaan, event, acara, live, siaran langsung, short, shorts, page post, feed, create,"
    " announcement, pengumuman, social post, public post, kiriman publik, publik, public",
    "reply": "reply, replies, answer, response, balasan, jawaban, in reply to, replied to, balas, membalas",
    "comment": "comment, comments, komentar, komen",
    "quote": "quote, quotes, quoted, quote post, quote retweet, kutipan, kutip, kutip cuitan",
    "article": "article, articles, artikel, blog, blog post, longread, newsletter, nawala, buletin",
    "repost": "repost, reposts, reposted, retweet, retweets, retweeted, rt, native retweet, boost, boosts,"
    " boosted, reblog, reblogged, announce, share, shares, shared, reshare, re share, share post, shared post, renote,"
    " regram, bagikan, dibagikan, membagikan, bagikan ulang, dibagikan ulang, bagi ulang, berbagi, posting ulang,"
    " diposting ulang, post ulang, unggah ulang, unggahan ulang, kirim ulang, retwit, me retweet, meretweet, diretweet,"
    " di retweet, cuit ulang, kicau ulang, dorongan, dorong, teruskan, diteruskan, terusan, forward, forwarded",
    "message": "message, messages, dm, dms, direct, direct message, direct messages, directmessage, private message,"
    " private messages, privatemessage, pm, private, privat, inbox, chat, chats, chatting, conversation, whisper, mail,"
    " email, sms, whatsapp, wa, personal message, group message, group chat, secret chat, messenger, pesan, pesan"
    " langsung, pesan pribadi, pesan privat, pesan masuk, pesan keluar, pesan grup, percakapan, obrolan, obrolan grup,"
    " pribadi, japri, kotak masuk, surat, surel, pesan suara, draft, drafts, draf, konsep, note to self",
}
_VISIBILITY_WORDS: Mapping[str, str] = {
    PUBLIC: "public, publik, umum, everyone, everybody, semua, semua orang, semua publik, world, global, all, anyone,"
    " siapa saja, siapa pun, terbuka, open, unlisted, quiet public, tidak terdaftar, tak terdaftar, tidak tercantum,"
    " public unlisted, member network, to: everyone, untuk umum, for everyone",
    PRIVATE: "private, privat, pribadi, followers, follower, followers only, only followers, pengikut, khusus pengikut,"
    " hanya pengikut, untuk pengikut, friends, friend, friends only, all friends, teman, hanya teman, khusus teman,"
    " sahabat, friends of friends, teman dari teman, close friends, teman dekat, kerabat, family, keluarga, direct, dm,"
    " direct message, langsung, pesan langsung, message, pesan, chat, mentioned, mentions, mentioned only, people"
    " mentioned, disebut, hanya yang disebut, connections, connection, connections only, koneksi, hanya koneksi, kenalan,"
    " acquaintances, contacts, kontak, mutual, mutuals, mutuals only, saling mengikuti, limited, terbatas, circle,"
    " circles, lingkaran, only me, onlyme, just me, me, self, myself, saya, saya sendiri, hanya saya, diri sendiri,"
    " nobody, no one, none, tidak ada, specific, specific friends, specific people, teman tertentu, orang tertentu,"
    " custom, khusus, subscribers, subscribers only, pelanggan, hanya pelanggan, patrons, supporters, paid, berbayar,"
    " members, members only, anggota, hanya anggota, group, grup, closed, tertutup, protected, dilindungi, terlindungi,"
    " restricted, dibatasi, hidden, tersembunyi, disembunyikan, secret, rahasia, internal, confidential, draft, draf,"
    " konsep, archived, diarsipkan, deleted, dihapus, trash, sampah, organization, organisasi, perusahaan",
}


def _meanings_by_word(meanings: Mapping[str, str]) -> dict[str, str]:
    return {_normalize(word): meaning for meaning, words in meanings.items() for word in words.split(",")}


def _normalize(value: str) -> str:
    return re.sub(r"[\s_/.-]+", " ", value.casefold()).strip()


_MEANINGS_BY_WORD: Mapping[Column, Mapping[str, str]] = {
    Column.KIND: _meanings_by_word(_KIND_WORDS),
    Column.VISIBILITY: _meanings_by_word(_VISIBILITY_WORDS),
}
_YES_WORDS = frozenset({"1", "true", "yes", "y", "t", "ya", "benar", "on"})
_NO_WORDS = frozenset({"0", "false", "no", "n", "f", "tidak", "bukan", "salah", "off"})


def display_value(value: object) -> str:
    """A cell's value in one line: as people are asked about it and as their answer names it."""
    if isinstance(value, dict) and isinstance(value.get("value"), str):
        value = value["value"]
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return " ".join(text.split())[:60]


def meaning_of(column: Column, value: object, answers: Mapping[str, str]) -> str | None:
    """What a value means; None for one that is to be asked about. `answers`: by `value_key`, what people said."""
    text = display_value(value)
    word = _normalize(text)
    known = _MEANINGS_BY_WORD[column].get(word) or (_network_kind_words().get(word) if column == Column.KIND else None)
    return known or answers.get(value_key(column, text))


@cache
def _network_kind_words() -> Mapping[str, str]:
    """A network's own words for what is posted there."""
    readers = [getattr(one, "archive_reader", None) for one in registry.installed_connectors().values()]
    return {_normalize(word): kind for one in readers for word, kind in getattr(one, "table_kinds", {}).items()}


def value_key(column: str, value: str) -> str:
    return f"{column}:{value}"


def parse_flag(value: object) -> bool | None:
    """A yes or no, as tables write it; None for what is neither."""
    if isinstance(value, bool):
        return value
    word = str(value).strip().casefold()
    return True if word in _YES_WORDS else False if word in _NO_WORDS else None
