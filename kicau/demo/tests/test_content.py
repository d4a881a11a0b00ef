"""The demo's posts and media, read as the format in `kicau.demo` says and judged by the networks' own rules."""

import csv
import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from kicau import demo
from kicau.connector import registry
from kicau.connector.content import Draft, Link, Media, MediaKind, Part, Poll
from kicau.demo import draw
from kicau.demo.cast import CAST_MEMBERS
from kicau.media.probe import probe_file
from kicau.rights.models import USE_VALUES, USES

FOLDER = Path(demo.__file__).parent
NETWORKS = {member.key: member.network for member in CAST_MEMBERS}
TWO_MINUTES = 120
MINUTES = {"m": 1, "h": 60, "d": 1440}
TABLE = (FOLDER / "posts.csv").read_text(encoding="utf-8")
ROWS = list(csv.DictReader(TABLE.splitlines(keepends=True)))


def seconds(row):
    minutes, rest = re.fullmatch(r"\+(\d+):([0-5]\d)", row["at"]).groups()
    return int(minutes) * 60 + int(rest)


def parts(value):
    return [part.strip("\n") for part in re.split(r"^---$", value, flags=re.MULTILINE)]


def pairs(value):
    return dict(pair.strip().split("=", 1) for pair in value.split(";") if pair.strip())


def names(row):
    return [name for name in row["media"].split() if name != "---"]


@cache
def found(name):
    return probe_file(FOLDER / "media" / name)


def medium(name, alt):
    seen = found(name)
    fields = {f: getattr(seen, f) for f in Media.__dataclass_fields__ if hasattr(seen, f)}
    return Media(ref=name, name=name, alt=alt, **fields)


def poll(value):
    if not value:
        return None
    rest, _, duration = value.rpartition(";")
    question, _, options = rest.rpartition("::")
    minutes = int(duration.strip()[:-1]) * MINUTES[duration.strip()[-1]]
    return Poll(options=tuple(o.strip() for o in options.split("|")), minutes=minutes, question=question.strip())


def draft(row, network):
    """The row as this network is given it."""
    alts = iter(row["alt"].split("\n"))
    media = [tuple(medium(name, next(alts)) for name in part.split()) for part in parts(row["media"])]
    texts = parts(row[f"text:{network}"] or row["text"])
    media += [()] * (len(texts) - len(media))
    link = None
    if row["link"]:
        card = media[0][0] if media[0] else None
        link = Link(url=row["link"], title=row["link_title"], description=row["link_description"], thumbnail=card)
        media[0] = ()
    options = {key.partition(".")[2]: v for key, v in pairs(row["options"]).items() if key.startswith(network + ".")}
    return Draft(
        parts=tuple(Part(text=t, media=m) for t, m in zip(texts, media, strict=True)),
        link=link,
        poll=poll(row["poll"]),
        first_comment=row["first_comment"],
        language=row["language"],
        options=options,
    )


def targets(*networks):
    return [(row, channel) for row in ROWS for channel in row["channels"].split() if NETWORKS[channel] in networks]


def test_every_column_is_documented_and_every_documented_column_is_there():
    documented = set(re.findall(r"^([a-z_]+)\b(?: {2,}|$)", demo.__doc__, flags=re.MULTILINE))
    documented |= set(re.findall(r"\btext:[a-z]+", demo.__doc__))
    assert documented == set(ROWS[0])


def test_posts_are_many_unique_and_complete():
    assert len(ROWS) >= 44
    assert len({row["ref"] for row in ROWS}) == len(ROWS)
    for row in ROWS:
        assert None not in row, row["ref"]
        assert row["text"] or row["media"], row["ref"]
        assert row["language"] in ("en", "id"), row["ref"]


def test_each_channel_has_a_dozen_posts():
    count = Counter(channel for row in ROWS for channel in row["channels"].split())
    assert set(count) == set(NETWORKS)
    assert min(count.values()) >= 12
    assert max(len(row["channels"].split()) for row in ROWS) >= 5


def test_all_is_due_within_two_minutes_and_some_in_the_same_second():
    due = Counter(seconds(row) for row in ROWS)
    assert min(due) >= 0
    assert max(due) < TWO_MINUTES
    assert max(due.values()) >= 3
    assert max(due) - min(due) > TWO_MINUTES * 0.9


def test_both_languages_are_written():
    count = Counter(row["language"] for row in ROWS)
    assert min(count["en"], count["id"]) >= 15


def test_no_two_posts_of_a_network_say_the_same_unless_they_are_one_post():
    said = Counter(
        (network, row["ref"], row[f"text:{network}"] or row["text"])
        for row in ROWS
        for network in {NETWORKS[c] for c in row["channels"].split()}
        if row["text"]
    )
    assert max(Counter((network, text) for network, _, text in said).values()) == 1


def test_no_post_goes_to_both_accounts_of_one_network_that_forbids_it():
    assert not [row["ref"] for row in ROWS if {"x-kopi", "x-kabar"} <= set(row["channels"].split())]


def test_the_table_shows_what_networks_can_do():
    lengths = [len(parts(row["text"])) for row in ROWS]
    assert lengths.count(5) == 1
    formats = {pairs(row["options"]).get("instagram.format") for row in ROWS}
    assert {"reel", "story"} <= formats
    kinds = Counter(found(name).kind for row in ROWS for name in names(row))
    assert set(kinds) == set(MediaKind)
    pictures = [len(names(row)) for row in ROWS if "ig-kopi" in row["channels"]]
    assert max(pictures) >= 5
    assert sum(bool(row["poll"]) for row, _ in targets("x")) >= 2
    assert sum(bool(row["poll"]) for row, _ in targets("linkedin")) >= 2
    assert sum(bool(row["first_comment"]) for row in ROWS) >= 3
    assert [row for row in ROWS if row["link_title"] and row["link_description"] and row["media"]]


@pytest.mark.parametrize(
    "sign",
    ["\u200d", "\U0001f1ee\U0001f1e9", "\U0001f3fd", "#", "@", "https://"],
    ids=["family", "flag", "skin", "tag", "mention", "link"],
)
def test_the_texts_hold_what_is_hard_to_count(sign):
    assert sum(sign in row["text"] for row in ROWS) >= 2


def test_every_medium_is_there_described_and_used():
    drawn = {*draw.PICTURE_MAKERS, *draw.OTHER_FILE_MAKERS}
    assert {file.name for file in (FOLDER / "media").iterdir()} == drawn
    assert {name for row in ROWS for name in names(row)} == drawn
    for row in ROWS:
        alts = row["alt"].split("\n") if names(row) else []
        assert len(alts) == len(names(row)), row["ref"]
        assert all(40 <= len(alt) <= 1000 for alt in alts), row["ref"]


def test_media_are_small_and_what_their_names_say():
    sizes = {name: found(name).size for name in {*draw.PICTURE_MAKERS, *draw.OTHER_FILE_MAKERS}}
    assert sum(sizes.values()) <= 2_500_000
    assert sizes["steam.gif"] <= 600_000
    assert not [name for name in sizes if found(name).misnamed]


def test_media_have_the_dimensions_that_networks_ask_for():
    assert (found("open-house.png").width, found("open-house.png").height) == (2400, 3000)
    assert found("kopi-senja-wholesale-2027.pdf").pages == 4
    for name, size in (("roast.mp4", (1280, 720)), ("pour.mp4", (720, 1280))):
        film = found(name)
        assert (film.width, film.height) == size
        assert (film.video_codec, film.audio_codec) == ("h264", "aac")
        assert film.fps == pytest.approx(30)
        assert 5_900 <= film.duration_ms <= 6_100


def test_a_picture_drawn_again_is_the_same_picture(tmp_path):
    draw.save_picture(draw.PICTURE_MAKERS["cafe-chart.jpg"](), tmp_path / "chart.jpg")
    draw.OTHER_FILE_MAKERS["kopi-senja-wholesale-2027.pdf"](tmp_path / "kopi-senja-wholesale-2027.pdf")
    assert (tmp_path / "kopi-senja-wholesale-2027.pdf").read_bytes() == (
        FOLDER / "media" / "kopi-senja-wholesale-2027.pdf"
    ).read_bytes()
    again, kept = probe_file(tmp_path / "chart.jpg"), found("cafe-chart.jpg")
    assert (again.width, again.height, again.colour) == (kept.width, kept.height, kept.colour)


def test_permissions_are_in_the_house_vocabulary():
    for row in ROWS:
        for use, value in pairs(row["ai_use"]).items():
            assert use in USES, row["ref"]
            assert value in USE_VALUES, row["ref"]


@pytest.mark.parametrize("network", sorted(set(NETWORKS.values())))
def test_every_target_is_publishable_by_the_networks_own_rules(network):
    connector = registry.get_connector(network)
    refused = {}
    for row, channel in targets(network):
        rendered = connector.render(draft(row, network), connector.baseline)
        if rendered.problems:
            refused[row["ref"], channel] = [problem.sentence for problem in rendered.problems]
    assert refused == {}


def test_the_large_poster_is_converted_for_the_network_that_takes_only_small_ones():
    connector = registry.get_connector("instagram")
    row = next(row for row, _ in targets("instagram") if names(row) == ["open-house.png"])
    rendered = connector.render(draft(row, "instagram"), connector.baseline)
    assert rendered.parts[0].media[0].recipe is not None
    assert [notice for notice in rendered.notices if notice.code == "will-convert"]
