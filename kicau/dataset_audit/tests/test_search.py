"""Posts planted in data of every kind are found where they are, however they were changed; nothing else is."""

from __future__ import annotations

import base64
import bz2
import gzip
import json
import lzma
import os
import random
import re
import struct
import subprocess
import sys
import unicodedata
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from kicau.dataset_audit import evidence_wording, report
from kicau.dataset_audit.matching import pipeline
from kicau.dataset_audit.matching.calibration import HitRate
from kicau.dataset_audit.matching.fingerprints import make_prints
from kicau.dataset_audit.matching.search import PrintSearch, prepare_prints
from kicau.dataset_audit.matching.shards import (
    BrokenShard,
    NoSuchShards,
    ShardUnit,
    TextBlock,
    find_shards,
    read_blocks,
    shard_units,
)
from kicau.dataset_audit.matching.tokenizer import WordReader
from kicau.dataset_audit.text_decoding import normalize_letters

POSTS = {
    "kopi": "Pagi ini kami buka lebih awal: kopi susu gula aren gratis untuk lima puluh orang pertama di Braga ☕",
    "hujan": "Hujan deras sejak subuh, jalur Lembang ditutup sampai sore. Pakai jalan memutar lewat Dago ya! https://kabar.example/x",
    "cafe": "Café Senja's new roast tastes like cocoa, orange peel and a little bit of smoke",
    "kanji": "京都の小さな珈琲店で焙煎を学びました",
    "short": "Lumpia Semarang datang",
}
WORDS = [
    "the",
    "river",
    "moved",
    "slowly",
    "past",
    "old",
    "stone",
    "houses",
    "while",
    "market",
    "sellers",
    "called",
    "over",
    "baskets",
    "of",
    "fruit",
    "and",
    "nobody",
    "minded",
    "rain",
    "because",
    "morning",
    "was",
    "warm",
    "full",
    "voices",
]


def filler(dice: random.Random, words: int) -> str:
    return " ".join(dice.choices(WORDS, k=words))


def lines_with(planted: dict[int, str], count: int = 400) -> list[str]:
    dice = random.Random(5)
    return [f"{filler(dice, 30)} {planted.get(n, '')} {filler(dice, 30)}" for n in range(count)]


ONE_LINE = np.zeros(1, np.int64)
PLANTED = {20 * at + 7: text for at, text in enumerate(POSTS.values())}


def found_in(path: Path, folder: Path, **more) -> dict[str, list]:
    outcome = pipeline.run_search(POSTS.items(), str(path), folder, processes=1, **more)
    copies: dict[str, list] = {}
    for found in outcome.found:
        for copy in found.copies:
            copies.setdefault(outcome.ids[copy.post][0], []).append(copy)
    return copies


def write(kind: str, path: Path) -> Path:
    lines = lines_with(PLANTED)
    rows = "".join(json.dumps({"id": n, "text": t}) + "\n" for n, t in enumerate(lines)).encode()
    match kind:
        case "jsonl":
            path.write_bytes(rows)
        case "jsonl.gz":
            path.write_bytes(gzip.compress(rows[: len(rows) // 2]) + gzip.compress(rows[len(rows) // 2 :]))
        case "jsonl.zst":
            path.write_bytes(zstandard.compress(rows))
        case "jsonl.bz2":
            path.write_bytes(bz2.compress(rows))
        case "jsonl.xz":
            path.write_bytes(lzma.compress(rows))
        case "parquet":
            table = pa.table({"n": range(len(lines)), "messages": [[{"role": "user", "content": t}] for t in lines]})
            pq.write_table(table, path, row_group_size=150)
        case "txt":
            path.write_bytes("\n".join(lines).encode("utf-16"))
        case "warc" | "warc.gz":
            body = f"<html><body><p>{'</p><p>'.join(lines)}</p></body></html>".replace("'", "&#39;").encode()
            head = b"WARC/1.0\r\nWARC-Type: response\r\nWARC-Record-ID: <urn:uuid:1>\r\nWARC-Target-URI: http://a.example/\r\nContent-Length: %d\r\n\r\n"
            record = head % len(body) + body + b"\r\n\r\n"
            path.write_bytes(gzip.compress(record) if kind == "warc.gz" else record)
    return path


def read(path: Path) -> list[TextBlock]:
    return [block for shard in find_shards(str(path))[0] for unit in shard_units(shard) for block in read_blocks(unit)]


@pytest.mark.parametrize("kind", ["jsonl", "jsonl.gz", "jsonl.zst", "parquet", "txt", "warc.gz"])
def test_each_kind_of_shard_is_read_and_each_post_is_found(kind, tmp_path, monkeypatch):
    monkeypatch.setattr(pipeline, "_search_in_processes", in_this_process)
    copies = found_in(write(kind, tmp_path / f"data.{kind}"), tmp_path / "audit")
    assert {post: len(found) for post, found in copies.items()} == dict.fromkeys(POSTS, 1)
    assert all(found[0].words == found[0].of and found[0].whole for found in copies.values())


def in_this_process(left, folder, _processes):
    from kicau.dataset_audit.matching.fingerprints import Fingerprints

    search = PrintSearch(Fingerprints.open(folder))
    yield from (search.unit(unit) for unit in left)


def test_places_lead_back_to_the_bytes(tmp_path, monkeypatch):
    monkeypatch.setattr(pipeline, "_search_in_processes", in_this_process)
    path = write("jsonl", tmp_path / "data.jsonl")
    copy = found_in(path, tmp_path / "audit")["cafe"][0]
    held = path.read_bytes()
    raw = base64.b64decode(copy.raw)
    assert held[copy.raw_first : copy.raw_first + len(raw)] == raw
    told = json.loads('"' + held[copy.first : copy.last].decode() + '"')
    assert told == POSTS["cafe"]


def edited(text: str, share: float, dice: random.Random) -> str:
    return " ".join(dice.choice(WORDS) if dice.random() < share else word for word in text.split())


def test_changed_copies_are_found_and_other_texts_are_not():
    dice = random.Random(11)
    topics = [f"w{n}x" for n in range(3000)]
    posts = {str(n): " ".join(dice.choices(topics, k=dice.randint(6, 20))) for n in range(500)}
    search = PrintSearch(make_prints(posts.items()))
    hits = dict.fromkeys((0.0, 0.1, 0.3), 0)
    for share in hits:
        for post, text in posts.items():
            words = WordReader().read(f"{filler(dice, 20)} {edited(text, share, dice)} {filler(dice, 20)}".encode())[0]
            matches = search.matches(words, ONE_LINE)
            hits[share] += any(search.prints.ids[m.post][0] == post for m, _ in matches)
    assert hits[0.0] == 500
    assert hits[0.1] >= 480
    assert hits[0.3] >= 430
    others = WordReader().read(" ".join(dice.choices(topics + WORDS, k=20000)).encode())[0]
    assert not [m for m, sure in search.matches(others, ONE_LINE) if sure]


def test_short_posts_are_found_with_two_of_their_words_changed():
    dice = random.Random(12)
    topics = [f"w{n}x" for n in range(3000)]
    posts = {str(n): " ".join(dice.choices(topics, k=6)) for n in range(500)}
    search = PrintSearch(make_prints(posts.items()))
    found = 0
    for post, text in posts.items():
        own = text.split()
        for place in dice.sample(range(6), 2):
            own[place] = dice.choice(WORDS)
        copy = WordReader().read(f"{filler(dice, 20)} {' '.join(own)} {filler(dice, 20)}".encode())[0]
        found += any(search.prints.ids[m.post][0] == post and sure for m, sure in search.matches(copy, ONE_LINE))
    assert found >= 450
    two = PrintSearch(make_prints([("two", "w1x w2x")]))
    assert not two.matches(WordReader().read(b"w1x w2x")[0], ONE_LINE)
    assert not PrintSearch(make_prints([("none", "👍")])).matches(WordReader().read(b"w1x w2x")[0], ONE_LINE)


def interleaved(text: str, phrases: list[int], gap: int, dice: random.Random) -> str:
    """The text's words in phrases of so many words, with a commentary of `gap` words after each."""
    own, parts, at = text.split(), [], 0
    for size in phrases:
        parts += [*own[at : at + size], filler(dice, gap)]
        at += size
    return " ".join(parts)


@pytest.mark.parametrize("gap", [4, 12, 30])
def test_a_copy_with_a_commentary_between_its_phrases_is_found(gap):
    """46 words, of which 40 are there in their order, 14 of them in a row; of 24 words in phrases of four, half."""
    dice = random.Random(19)
    language = [f"w{n}x" for n in range(2000)]
    often = [1 / (n + 8) for n in range(len(language))]
    posts = {str(n): " ".join(dice.choices(language, often, k=46 if n < 100 else 24)) for n in range(200)}
    others = [" ".join(dice.choices(language + WORDS, k=3000)) for _ in range(60)]
    search = PrintSearch(prepare_prints(posts.items(), [WordReader().read("\n".join(others).encode())[0].copy()]))
    whole = half = 0
    for post, text in posts.items():
        own = text.split()
        kept = " ".join(own[:10] + own[12:26] + own[28:38] + own[40:])
        copy = (
            interleaved(kept, [5, 5, 14, 3, 7, 6], gap, dice)
            if len(own) == 46
            else interleaved(text, [4] * 6, gap, dice)
        )
        words = WordReader().read(f"{filler(dice, 30)} {copy}".encode())[0]
        found = [m for m, sure in search.matches(words, ONE_LINE) if sure and search.prints.ids[m.post][0] == post]
        whole += len(own) == 46 and any(m.words >= 40 for m in found)
        half += len(own) == 24 and any(m.words >= 12 for m in found)
    assert whole >= 98
    assert half >= 95
    for text in others:
        assert not [m for m, sure in search.matches(WordReader().read(text.encode())[0], ONE_LINE) if sure]


def test_posts_of_a_whole_book_are_searched_as_thoroughly_as_few():
    """Of 700,000 words of posts, copies with every second word changed are found."""
    dice = random.Random(20)
    language = [f"w{n}x" for n in range(9000)]
    often = np.cumsum([1 / (n + 8) for n in range(len(language))])
    drawn = np.searchsorted(often / often[-1], np.random.default_rng(20).random(700_000))
    own = [[language[n] for n in drawn[at : at + 20]] for at in range(0, len(drawn), 20)]
    search = PrintSearch(make_prints((str(n), " ".join(words)) for n, words in enumerate(own)))
    found = 0
    some = range(0, len(own), 70)
    for post in some:
        changed = [dice.choice(WORDS) if at % 2 else word for at, word in enumerate(own[post])]
        words = WordReader().read(f"{filler(dice, 20)} {' '.join(changed)} {filler(dice, 20)}".encode())[0]
        found += any(str(post) in search.prints.ids[m.post] for m, sure in search.matches(words, ONE_LINE) if sure)
    assert found >= 0.9 * len(some)


def test_scripts_without_spaces_are_found_and_told_apart():
    """Syllables drawn like a language's: a few are most of all text, so that any two texts share many."""
    dice = random.Random(13)
    syllables = [first + vowel for first in "กขคงจชดตนบปพมยรลวสหอ" for vowel in ("า", "ิ", "ี", "ุ", "ู", "่", "ั")]
    often = [1 / (n + 3) for n in range(len(syllables))]

    def text(least: int, most: int) -> str:
        return "".join(dice.choices(syllables, often, k=dice.randint(least, most)))

    posts = {str(n): text(15, 40) for n in range(300)}
    others = [text(60, 200) for _ in range(1500)]
    search = PrintSearch(make_prints(posts.items(), [WordReader().read(" ".join(others).encode())[0].copy()]))
    found = 0
    for post, own in posts.items():
        cut = len(own) // 2
        copy = WordReader().read(
            f"{dice.choice(others)} {own[:cut]}{text(1, 3)}{own[cut:]} {dice.choice(others)}".encode()
        )
        found += any(search.prints.ids[m.post][0] == post and sure for m, sure in search.matches(copy[0], ONE_LINE))
    assert found >= 290
    assert not [m for m, sure in search.matches(WordReader().read(" ".join(others).encode())[0], ONE_LINE) if sure]


def test_a_post_whose_last_word_was_foretold_is_found_whole():
    dice = random.Random(14)
    kanji = [chr(c) for c in range(0x5000, 0x5400)]

    def some(count: int) -> str:
        return "".join(dice.choices(kanji, k=count))

    posts = {str(n): some(25) for n in range(100)} | {"mage": "女白魔術師"}
    others = [f"{some(30)}魔術師{some(30)}" for _ in range(300)]
    search = PrintSearch(make_prints(posts.items(), [WordReader().read("\n".join(others).encode())[0].copy()]))
    copy = WordReader().read(f"{some(20)}女白魔術師{some(20)}".encode())[0]
    assert [search.prints.ids[m.post] for m, _ in search.matches(copy, ONE_LINE)] == [["mage"]]
    assert not search.matches(WordReader().read("\n".join(others).encode())[0], ONE_LINE)


def test_a_name_that_many_texts_hold_is_no_copy():
    dice = random.Random(16)
    kanji = [chr(c) for c in range(0x5000, 0x5400)]

    def some(count: int) -> str:
        return "".join(dice.choices(kanji, k=count))

    name = "確率密度関数分布"
    posts = {str(n): some(25) for n in range(100)} | {"named": f"{name}値返品"}
    others = [some(60) for _ in range(300)] + [f"{some(30)}{name}{some(30)}" for _ in range(9)]
    search = PrintSearch(make_prints(posts.items(), [WordReader().read("\n".join(others).encode())[0].copy()]))
    assert not search.matches(WordReader().read(f"{some(20)}{name}{some(20)}".encode())[0], ONE_LINE)
    copy = WordReader().read(f"{some(20)}{posts['named']}{some(20)}".encode())[0]
    assert [search.prints.ids[m.post] for m, _ in search.matches(copy, ONE_LINE)] == [["named"]]


def test_posts_that_were_copied_often_are_no_manner_of_speaking():
    dice = random.Random(17)
    topics = [f"w{n}x" for n in range(400)]
    posts = {str(n): " ".join(dice.choices(topics, k=9)) for n in range(300)}
    copies = [
        f"{filler(dice, 9)} {edited(text, share, dice)}" for text in posts.values() for share in (0, 0.1, 0.2, 0.3, 0.3)
    ]
    sample = (
        WordReader()
        .read(" ".join([*copies, *(" ".join(dice.choices(topics + WORDS, k=30_000)) for _ in "ab")]).encode())[0]
        .copy()
    )

    def found(search: PrintSearch) -> int:
        return sum(
            search.prints.ids[m.post][0] == post and sure
            for post, text in posts.items()
            for m, sure in search.matches(
                WordReader().read(f"{filler(dice, 9)} {edited(text, 0.3, dice)}".encode())[0], ONE_LINE
            )
        )

    left = found(PrintSearch(prepare_prints(posts.items(), [sample])))
    assert left >= 255
    assert left > found(PrintSearch(make_prints(posts.items(), [sample]))) + 15


def test_letters_are_the_same_however_they_are_written():
    assert normalize_letters("R&amp;B  cafe\u0301\n&#12399;") == "R&B café は"
    assert normalize_letters("CAFÉ") != normalize_letters("café")


def test_a_short_post_that_stands_everywhere_is_a_turn_of_speech():
    dice = random.Random(15)

    def search_where(times: int) -> PrintSearch:
        speech = [f"{filler(dice, 9)} copy and paste {filler(dice, 9)}" for _ in range(times)]
        sample = " ".join([*speech, filler(dice, 20_000)])
        return PrintSearch(
            make_prints(
                [("speech", "Copy and paste"), ("other", "w1x w2x w3x w4x")],
                [WordReader().read(sample.encode())[0].copy()],
            )
        )

    text = WordReader().read(f"{filler(dice, 20)} copy and paste {filler(dice, 20)}".encode())[0].copy()
    assert len(search_where(1).matches(text, ONE_LINE)) == 1
    assert not search_where(9).matches(text, ONE_LINE)


def words(text: str, **how: bool) -> list[str]:
    data = text.encode()
    _, starts, ends = WordReader(**how).read(data)
    return [data[a:b].decode() for a, b in zip(starts, ends, strict=True)]


def hashes(text: str, **how: bool) -> list[int]:
    return WordReader(**how).read(text.encode())[0].tolist()


def test_what_does_not_count_does_not_count():
    assert hashes("CAFÉ d’Or") == hashes("cafe\u0301 D'OR") == hashes("𝗰𝗮𝗳𝗲 dor") == hashes("ＣＡＦＥ do\u200br")
    assert hashes("R&amp;B it&#39;s") == hashes("r b its")
    assert hashes("don&rsquo;t &amp;#39; &amp;amp;amp; & &; &#; &nbsp;x") == hashes("dont x")
    assert hashes("CAF&Eacute; &#233;t&#xE9; stra&szlig;e") == hashes("cafe ete STRASSE")
    assert hashes(r"I\u0026#39;m \u0026lt;b\u0026gt;", json=True) == hashes("Im b")
    assert hashes("ﬁne KIRMIZI Đà Nẵng مـــرحبا Kicau™") == hashes("fine kırmızı da nang مرحبا kicau")
    for text in ("한국어를 배워요", "ทำที่เกาะ", "がぎぐ デパート", "tiếng Việt", "हिन्दी में", "ខ្មែរ"):
        for form in ("NFC", "NFD", "NFKD"):
            assert hashes(unicodedata.normalize(form, text)) == hashes(text)
        assert hashes("".join(f"&#{ord(c)};" if c != " " else c for c in text)) == hashes(text)
    assert hashes("한국") != hashes("호갱")
    assert hashes(json.dumps("Ünïcode 京都 👍🏽\nnext"), json=True) == hashes("unicode 京都 next")
    assert words("see https://a.example/x?y=1#z @bob_7 now") == ["see", "now"]
    assert words("<p class='x'>Halo <b>dunia</b></p> 3 < 4", html=True) == ["Halo", "dunia", "3", "4"]
    assert words("京都へ go") == ["京", "都", "へ", "go"]
    assert words("ที่เกาะ Phiนะ") == ["ที่", "เกาะ", "Phi", "นะ"]
    assert words("ខ្មែរ ສະບາຍ မြန်") == ["ខ្មែ", "រ", "ສະ", "ບາ", "ຍ", "မြ", "န်"]
    assert hashes(json.dumps("ที่เกาะ"), json=True) == hashes("ที่เกาะ")


def test_any_bytes_can_be_read():
    dice = random.Random(3)
    for _ in range(300):
        data = bytes(dice.choices([0, 34, 38, 47, 60, 64, 92, 104, 117, 194, 226, 240, 255, 65], k=dice.randint(0, 60)))
        for how in ({}, {"json": True}, {"html": True}):
            _, starts, ends = WordReader(**how).read(data)
            assert all(0 <= a < b <= len(data) for a, b in zip(starts, ends, strict=True))


def test_what_is_broken_is_said_and_what_was_read_counts(tmp_path, monkeypatch):
    monkeypatch.setattr(pipeline, "_search_in_processes", in_this_process)
    whole = write("jsonl.gz", tmp_path / "a.jsonl.gz").read_bytes()
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.jsonl.gz").write_bytes(whole[: len(whole) - 300])
    (tmp_path / "data" / "b.parquet").write_bytes(b"PAR1 not really")
    (tmp_path / "data" / "c.bin").write_bytes(b"\0")
    write("jsonl", tmp_path / "data" / "d.jsonl")
    outcome = pipeline.run_search(POSTS.items(), str(tmp_path / "data"), tmp_path / "audit", processes=1)
    assert {Path(name).name for name in outcome.failed} == {"a.jsonl.gz", "b.parquet"}
    assert [Path(name).name for name in outcome.skipped] == ["c.bin"]
    assert sum(len(f.copies) for f in outcome.found) >= 5 + 4
    with pytest.raises(NoSuchShards):
        find_shards(str(tmp_path / "nowhere"))


@pytest.mark.parametrize("kind", ["jsonl.gz", "jsonl.zst", "jsonl.bz2", "jsonl.xz", "parquet", "warc", "warc.gz"])
def test_what_is_cut_off_is_told_and_never_taken_for_whole(tmp_path, kind):
    path = write(kind, tmp_path / f"data.{kind}")
    whole = path.read_bytes()
    read(path)
    for cut in (len(whole) // 3,) if kind.startswith("warc") else (1, 40, len(whole) // 3):
        path.write_bytes(whole[:-cut])
        said = evidence_wording.PARQUET_FAULT if kind == "parquet" else evidence_wording.CUT_FAULT
        with pytest.raises(BrokenShard, match=re.escape(f"{path}: {said}")):
            read(path)


def test_many_frames_skipped_ones_and_runs_of_one_letter_are_whole(tmp_path):
    """Frames with and without a checksum, a size, and a window; a skipped one between them."""
    packed = b""
    lines = [b'{"text": "%s"}\n' % (letter * n) for letter, n in ((b"a", 10), (b"b", 70_000), (b"c", 300_000))]
    for line in lines:
        for options in ({}, {"write_checksum": True}, {"write_content_size": False}):
            packed += zstandard.ZstdCompressor(**options).compress(line) + struct.pack("<II", 0x184D2A55, 5) + b"notes"
        stream = zstandard.ZstdCompressor().compressobj()
        packed += stream.compress(line) + stream.flush()
    path = tmp_path / "data.jsonl.zst"
    path.write_bytes(packed)
    assert b"".join(b.data.tobytes() for b in read(path)) == b"".join(line * 4 for line in lines)


def test_pieces_of_a_file_are_its_lines_once_each(tmp_path, monkeypatch):
    from kicau.dataset_audit.matching import shards

    monkeypatch.setattr(shards, "UNIT_BYTES", 5000)
    path = write("jsonl", tmp_path / "data.jsonl")
    (shard,), _ = find_shards(str(path))
    pieces = shard_units(shard)
    assert len(pieces) > 10
    assert b"".join(b.data.tobytes() for u in pieces for b in read_blocks(u)) == path.read_bytes()
    with pytest.raises(BrokenShard):
        list(read_blocks(ShardUnit(find_shards(str(write("jsonl", tmp_path / "x.jsonl.gz")))[0][0])))


def test_a_stopped_run_goes_on_where_it_was(tmp_path, monkeypatch):
    monkeypatch.setattr(pipeline, "_search_in_processes", in_this_process)
    data = tmp_path / "data"
    data.mkdir()
    for name in "abc":
        write("jsonl", data / f"{name}.jsonl")
    first = pipeline.run_search(POSTS.items(), str(data), tmp_path / "audit")
    journal = tmp_path / "audit" / "journal.jsonl"
    lines = journal.read_text().splitlines(keepends=True)
    journal.write_text(lines[0] + lines[1][:100])  # killed while it wrote
    read = []
    again = pipeline.run_search(POSTS.items(), str(data), tmp_path / "audit", progress=lambda *told: read.append(told))
    assert len(read) == 2
    assert [f.copies for f in again.found] == [f.copies for f in first.found]


def test_bytes_of_every_encoding_and_column_are_read(tmp_path):
    text = "Café Senja où l'été naïf dégage une odeur de fraises très mûres"
    data = tmp_path / "data"
    data.mkdir()
    for encoding in ("latin-1", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig"):
        (data / f"{encoding}.txt").write_bytes(f"{' '.join(WORDS)} {text} {' '.join(WORDS)}".encode(encoding))
    (data / "tail.txt.gz").write_bytes(gzip.compress(text.encode()) + b"more that is no gz")
    columns = {
        "raw": pa.array([text.encode()]),
        "few": pa.array([text]).dictionary_encode(),
        "view": pa.array([text], pa.string_view()),
    }
    for name, column in columns.items():
        pq.write_table(pa.table({name: column}), data / f"{name}.parquet")
    outcome = pipeline.run_search([("p", text)], str(data), tmp_path / "audit", processes=1)
    found = {Path(f.unit.split("|")[0]).name for f in outcome.found if f.copies}
    assert found == {path.name for path in data.iterdir()}
    assert [Path(name).name for name in outcome.failed] == ["tail.txt.gz"]


def test_the_shell_searches_where_there_is_no_kicau(tmp_path):
    write("jsonl", tmp_path / "data.jsonl")
    (tmp_path / "posts.jsonl").write_text("".join(json.dumps({"id": i, "text": t}) + "\n" for i, t in POSTS.items()))
    command = [
        sys.executable,
        "-c",
        "from kicau.cli import main; main()",
        "dataset-audit",
        "data.jsonl",
        "--posts",
        "posts.jsonl",
        "--out",
        "audit",
        "--processes",
        "1",
        "--json",
    ]
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("KICAU", "DJANGO", "DATABASE"))}
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env={**clean, "KICAU_DATA": str(tmp_path / "none")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["says"].startswith("This data set contains")
    assert not (tmp_path / "none").exists()


@pytest.fixture
def audited(tmp_path, monkeypatch):
    monkeypatch.setattr(pipeline, "_search_in_processes", in_this_process)
    lines = lines_with(
        {
            **PLANTED,
            301: "Pagi ini kami buka lebih awal: teh susu gula aren gratis untuk lima puluh orang terakhir di Braga",
            303: POSTS["cafe"].upper().replace(" ", "  ") + "!!",
        }
    )
    path = tmp_path / "data.jsonl"
    path.write_text("".join(json.dumps({"text": t}) + "\n" for t in lines))
    outcome = pipeline.run_search(POSTS.items(), str(path), tmp_path / "audit")
    return report.build_report(
        outcome, POSTS, tmp_path / "audit", datetime(2026, 11, 24, tzinfo=UTC), control=str(path)
    )


def test_a_report_names_each_copys_kind_and_how_sure_it_is(audited):
    kinds = {(f["posts"][0], f["kind"]) for f in audited["findings"]}
    assert kinds == {*((p, "exact") for p in POSTS), ("kopi", "near"), ("cafe", "normalised")}
    assert audited["says"] == "This data set contains 5 of the posts, in 7 places."
    assert audited["sensitivity"]["0% of words changed"]["share"] == 1.0
    assert audited["chance"]["hits"] == 7
    assert audited["posts"] == {"given": 5, "different": 5, "too_short_to_tell": 0}


JAPANESE = [
    "京都",
    "珈琲",
    "焙煎",
    "小さな",
    "学び",
    "朝",
    "雨",
    "道",
    "新しい",
    "店",
    "静か",
    "友達",
    "電車",
    "夜",
    "海",
    "写真",
    "祭り",
    "花火",
    "猫",
    "公園",
    "料理",
    "秋",
    "音楽",
    "散歩",
    "手紙",
    "約束",
    "橋",
    "市場",
    "窓",
    "季節",
]


def test_words_changed_in_scripts_without_spaces_hide_few_copies():
    dice = random.Random(8)
    syllables = [c + v for c in "กขคงจชซดตทนบปผพมยรลวสหอ" for v in ("า", "ิ", "ี", "ุ", "ู", "ะ", "ำ", "ั", "่า", "้อ", "")]
    words = ["".join(dice.choices(syllables, k=dice.randint(1, 4))) for _ in range(3000)]
    shares = [1 / (n + 5) for n in range(3000)]
    posts = [dice.choices(words, shares, k=10) for _ in range(2000)]
    search = PrintSearch(make_prints((str(n), "".join(post)) for n, post in enumerate(posts)))
    found = 0
    for n, post in enumerate(posts[:600]):
        copy = "".join(dice.choice(words) if dice.random() < 0.3 else word for word in post)
        matches = search.matches(WordReader().read(copy.encode())[0], ONE_LINE)
        found += any(match.post == n for match, sure in matches if sure)
    assert found >= 430


def test_sensitivity_counts_words_where_there_are_no_spaces(tmp_path):
    dice = random.Random(6)
    posts = [(str(n), "".join(dice.choices(JAPANESE, k=30))) for n in range(100)]
    path = tmp_path / "data.jsonl"
    path.write_text("".join(json.dumps({"text": "".join(dice.choices(JAPANESE, k=60))}) + "\n" for _ in range(300)))
    outcome = pipeline.run_search(posts, str(path), tmp_path / "audit", processes=1)
    told = report.build_report(outcome, dict(posts), tmp_path / "audit", datetime(2026, 11, 24, tzinfo=UTC))[
        "sensitivity"
    ]
    assert told["0% of words changed"]["share"] == 1.0
    assert told["10% of words changed"]["share"] > 0.97  # of a post counted as one word a tenth would be lost


def test_a_rates_interval_holds_it():
    assert HitRate(0, 0).interval == (0.0, 1.0)
    low, high = HitRate(90, 100).interval
    assert 0.82 < low < 0.9 < high < 0.95
    assert HitRate(400, 400).interval[0] > 0.99
