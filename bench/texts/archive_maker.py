"""Makes an archive as X gives it, with as many posts as wanted: for the benchmark of importing and searching."""

from __future__ import annotations

import json
import random
import sys
import zipfile
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from pathlib import Path

EACH_FILE = 250_000
WORDS = [
    "kopi",
    "susu",
    "gula",
    "aren",
    "pagi",
    "hujan",
    "bandung",
    "senja",
    "teman",
    "cerita",
    "buku",
    "baru",
    "hari",
    "ini",
    "kami",
    "buka",
    "sampai",
    "malam",
    "promo",
    "rasa",
    "manis",
    "pahit",
    "biji",
    "sangrai",
    "barista",
    "meja",
    "kerja",
    "tenang",
    "musik",
    "lagu",
    "jalan",
    "pulang",
    "rumah",
    "keluarga",
    "makan",
    "siang",
    "nasi",
    "goreng",
    "sambal",
    "pedas",
    "diskon",
    "gratis",
    "ongkir",
    "pesan",
    "sekarang",
    "terima",
    "kasih",
    "pelanggan",
    "setia",
    "acara",
    "kelas",
    "belajar",
    "menyeduh",
    "air",
    "panas",
    "cangkir",
    "coffee",
    "morning",
    "rain",
    "friends",
    "story",
    "book",
    "new",
    "today",
    "we",
    "are",
    "open",
    "until",
    "night",
    "sweet",
    "bitter",
    "roast",
    "table",
    "work",
    "quiet",
    "music",
    "song",
    "road",
    "home",
    "family",
    "lunch",
    "rice",
    "spicy",
    "discount",
    "free",
    "order",
    "now",
    "thank",
    "you",
    "loyal",
    "guests",
    "event",
    "class",
    "learning",
    "brewing",
    "hot",
    "water",
    "the",
    "a",
    "of",
    "to",
    "and",
    "in",
    "is",
    "for",
    "on",
    "with",
    "that",
    "it",
    "this",
    "at",
    "from",
    "by",
    "be",
    "as",
    "or",
    "an",
    "our",
    "your",
    "their",
    "was",
    "were",
    "has",
    "have",
    "not",
    "but",
    "what",
    "when",
    "makanan",
    "minuman",
    "menikmati",
    "berjalan",
    "berbagi",
    "kebahagiaan",
    "perjalanan",
    "pekerjaan",
    "running",
    "runners",
    "enjoyed",
    "enjoying",
    "sharing",
    "shops",
]
LESS_COMMON = [
    f"{a}{b}{c}"
    for a in ["ba", "ke", "lo", "mi", "ru", "ta", "su", "wo", "ga", "ne"]
    for b in ["kan", "lar", "mus", "pin", "rel", "tos", "wan", "yum", "dek", "sip"]
    for c in ["", *["a", "e", "i", "o", "u", "ah", "an", "en", "ik", "ung"]]
]


def posts(count: int, seed: int = 7):
    """Texts of 4 to 40 words, the common ones often and the rest as in a language (by Zipf)."""
    chance = random.Random(seed)
    vocabulary = WORDS + LESS_COMMON + [f"{w}{n}" for n in range(18) for w in LESS_COMMON]
    pool = chance.choices(
        vocabulary, cum_weights=list(accumulate(1 / (n + 3) for n in range(len(vocabulary)))), k=500_000
    )
    at = datetime(2012, 1, 1, tzinfo=UTC)
    for number in range(count):
        at += timedelta(seconds=chance.randrange(20, 800))
        begin = chance.randrange(0, len(pool) - 50)
        text = " ".join(pool[begin : begin + chance.randrange(4, 40)])
        yield number, at, text, chance


def tweet(number: int, at: datetime, text: str, chance: random.Random) -> dict:
    """With all the fields that X writes."""
    id_ = str(1_000_000_000_000_000_000 + number * 4_194_304 + 11)
    urls = []
    if number % 5 == 0:
        urls = [
            {
                "url": f"https://t.co/{number:x}",
                "expanded_url": f"https://kopisenja.example/menu/{number}",
                "display_url": "kopisenja.example/menu",
                "indices": ["10", "33"],
            }
        ]
        text += f" https://t.co/{number:x}"
    made = {
        "edit_info": {
            "initial": {
                "editTweetIds": [id_],
                "editableUntil": at.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
                "editsRemaining": "5",
                "isEditEligible": True,
            }
        },
        "retweeted": False,
        "source": '<a href="https://mobile.twitter.com" rel="nofollow">Twitter Web App</a>',
        "entities": {
            "hashtags": [{"text": "kopi", "indices": ["0", "5"]}] if number % 3 == 0 else [],
            "symbols": [],
            "user_mentions": [],
            "urls": urls,
        },
        "display_text_range": ["0", str(len(text))],
        "favorite_count": str(chance.randrange(90)),
        "id_str": id_,
        "truncated": False,
        "retweet_count": str(chance.randrange(9)),
        "id": id_,
        "possibly_sensitive": False,
        "created_at": at.strftime("%a %b %d %H:%M:%S +0000 %Y"),
        "favorited": False,
        "full_text": text,
        "lang": "in" if number % 2 else "en",
    }
    if number % 7 == 0:
        made |= {"in_reply_to_status_id_str": str(int(id_) - 4_194_304), "in_reply_to_screen_name": "kopisenja"}
    return {"tweet": made}


def make(path: Path, count: int) -> int:
    """Writes the zip; returns how many bytes of JSON are in it."""
    size = 0
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed:
        account = [{"account": {"accountId": "4242", "username": "kopisenja", "accountDisplayName": "Kopi Senja"}}]
        packed.writestr("data/account.js", "window.YTD.account.part0 = " + json.dumps(account, indent=2))
        source, part, done = posts(count), 0, 0
        while done < count:
            here = min(EACH_FILE, count - done)
            name = "tweets.js" if part == 0 else f"tweets-part{part}.js"
            with packed.open(f"data/{name}", "w", force_zip64=True) as out:
                out.write(f"window.YTD.tweets.part{part} = [\n".encode())
                for place in range(here):
                    entry = json.dumps(tweet(*next(source)), indent=2, ensure_ascii=False).replace("\n", "\n  ")
                    text = (f"  {entry},\n" if place + 1 < here else f"  {entry}\n").encode()
                    size += len(text)
                    out.write(text)
                out.write(b"]")
            part, done = part + 1, done + here
    return size


if __name__ == "__main__":
    print(make(Path(sys.argv[1]), int(sys.argv[2])), "bytes")
