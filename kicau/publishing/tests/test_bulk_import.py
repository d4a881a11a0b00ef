"""Tables of posts: read whatever a spreadsheet wrote, told of every problem first, imported once."""

import csv
import io
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from PIL import Image

import kicau
from kicau.base import clock
from kicau.base.errors import NotAllowed, ValidationFailed
from kicau.channels.actions import register_app
from kicau.channels.channel_session import to_stored
from kicau.channels.models import Channel
from kicau.connector import registry
from kicau.connector.session import Credentials
from kicau.media.models import Medium
from kicau.publishing.imports.bulk_import import check_posts, create_posts, read_posts
from kicau.publishing.models import Delivery, Draft

DEMO = Path(kicau.__file__).parent / "demo"
NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)


@pytest.fixture
def connected(actor):
    """A function that makes a channel of a network, without asking any server."""

    def make(network, key):
        app = register_app(network, "app", "secret", is_sandbox=True)
        return Channel.objects.create(
            workspace=actor.workspace,
            network=network,
            app=app,
            key=key,
            account_id=key,
            handle=key,
            name=key,
            credentials=to_stored(Credentials(access_token="t")),
            connected_by=actor.person,
        )

    return make


@pytest.fixture
def x(connected):
    return connected("x", "x-kopi")


def table(*rows, columns=("ref", "channels", "at", "text")):
    out = io.StringIO(newline="")
    csv.writer(out).writerows([columns, *rows])
    return read_posts(out.getvalue().encode())


def check(actor, *rows, folder=Path("/nowhere"), **how):
    columns = how.pop("columns", ("ref", "channels", "at", "text"))
    with clock.freeze_clock(NOW):
        return check_posts(actor, table(*rows, columns=columns), folder, **how)


def sentences(report):
    return [p.sentence for p in report.problems]


def refused(data, **how):
    with pytest.raises(ValidationFailed) as told:
        read_posts(data, **how)
    return told.value.problems


# Reading


HEAD = "ref,channels,at,text\n"
PLAIN = "ref,channels,at,text\nr1,x-kopi,+0:03,Pelan-pelan saja ☕️\n"


@pytest.mark.parametrize(
    "data",
    [
        PLAIN.encode(),
        PLAIN.encode("utf-8-sig"),
        PLAIN.encode("utf-16"),
        PLAIN.encode("utf-16-le"),
        PLAIN.encode("utf-16-be"),
        PLAIN.replace(",", ";").encode("utf-8-sig"),
        PLAIN.replace(",", "\t").encode("utf-16"),
        PLAIN.replace(",", "|").encode(),
        ("sep=;\r\n" + PLAIN.replace(",", ";")).encode(),
        PLAIN.replace("\n", "\r\n").encode(),
        PLAIN.replace("\n", "\r").encode(),
        PLAIN.replace("ref,channels", "Ref , CHANNELS").encode(),
        (PLAIN + ",,,\n\n").encode(),
        io.BytesIO(PLAIN.encode()),
    ],
    ids=[
        "plain",
        "bom",
        "utf16",
        "utf16le",
        "utf16be",
        "semicolons",
        "tabs",
        "bars",
        "sep",
        "crlf",
        "cr",
        "case",
        "blank rows",
        "stream",
    ],
)
def test_reads_what_spreadsheets_write(data):
    (row,) = read_posts(data).rows
    assert (row.number, row["ref"], row["channels"], row["at"], row["text"]) == (
        2,
        "r1",
        "x-kopi",
        "+0:03",
        "Pelan-pelan saja ☕️",
    )
    assert row["campaign"] == ""


def test_cells_hold_lines_separators_and_quotation_marks():
    (row,) = read_posts((HEAD + 'r1,x-kopi,now,"a, ""b""\r\n---\r\nc"\n').encode()).rows
    assert row["text"] == 'a, "b"\n---\nc'


def test_missing_columns_name_what_was_found_and_what_is_expected():
    (problem,) = refused(b"ref,campaign\n1,2\n")
    assert problem.code == "missing-column"
    assert "lacks the required column channels, at, text" in problem.sentence
    assert "It contains the columns ref, campaign" in problem.sentence
    assert "first_comment" in problem.sentence
    assert "text:x" in problem.sentence


def test_a_wrong_column_gets_the_nearest_right_one():
    (problem,) = refused(b"chanels,channels,at,text\n1,2,3,4\n")
    assert "Did you mean channels?" in problem.sentence


@pytest.mark.parametrize(
    ("data", "code", "says"),
    [
        (b"", "empty", "is empty"),
        (HEAD.encode(), "empty", "no posts"),
        (b"channels,at,text,text\na,b,c,d\n", "column-twice", "text"),
        (
            HEAD.encode() + "r1,x,now,Kopi enak caf\u00e9".encode("latin-1"),
            "encoding",
            "cannot read the byte 0xe9 in line 2",
        ),
        (b"PK\x03\x04\x14\x00\x06\x00xlsx", "not-csv", "is a spreadsheet, which Kicau cannot import. Save it"),
        (HEAD.encode() + b'r1,x,now,fine\nr2,x,now,"never closed\nr3,x,now,c\n', "quoting", "Row 3"),
        (HEAD.encode() + b'r1,x,now,"a"b\n', "quoting", "Row 2"),
        (b"just some words about coffee\nand more of them\n", "missing-column", "Kicau knows these columns"),
    ],
    ids=["nothing", "no rows", "twice", "latin-1", "xlsx", "open quote", "bad quote", "prose"],
)
def test_what_is_no_table_is_refused_with_the_place(data, code, says):
    problem = refused(data)[0]
    assert problem.code == code
    assert says in problem.sentence


# Checking


def test_a_good_row_is_ready(actor, x):
    report = check(
        actor,
        ("r1", "x-kopi", "+1:30", "Pelan-pelan saja. https://kopi-senja.example.com"),
        start=NOW + timedelta(hours=1),
    )
    assert not report.problems
    assert report.deliveries == 1
    assert report.ready[0].at == NOW + timedelta(hours=1, minutes=1, seconds=30)
    assert report.cost["USD"] > 0
    assert not Draft.objects.exists()


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (("r", "x-kopi", "yesterday", "a"), "Row 2, at: Kicau does not understand the time 'yesterday'"),
        (
            ("r", "x-kopi", "2026-11-01 09:00", "a"),
            "Row 2, at: '2026-11-01 09:00' means Sunday 2026-11-01 09:00 (time zone: Asia/Jakarta), which is in the past",
        ),
        (("r", "x-kopi", "", "a"), "Row 2, at: Enter a publishing time"),
        (
            ("r", "x-kpi", "now", "a"),
            "Row 2, channels: Your workspace has no channel with the short name (key) 'x-kpi'. Available channels: x-kopi.",
        ),
        (("r", "", "now", "a"), "Row 2, channels: This row names no channel"),
        (("r", "x-kopi", "now", " "), "Row 2, text: This row has no text and no media. Add at least one of them."),
        (("r", "x-kopi", "now", "a" * 281), "Row 2, text: On X, the text has 281"),
        (
            ("r" * 121, "x-kopi", "now", "a"),
            "Row 2, ref: The text in the column “ref” of this row has 121 characters. Shorten it to at most 120 characters",
        ),
        (("r", "x-kopi", "now", "a", "b"), "Row 2, text: This row has more cells than the header row (extra cells: 1)"),
    ],
)
def test_what_is_wrong_is_named_by_row_and_column(actor, x, row, says):
    report = check(actor, row)
    assert [s for s in sentences(report) if s.startswith(says)], sentences(report)
    assert not report.ready


@pytest.mark.parametrize(
    ("column", "cell", "says"),
    [
        ("media", "missing.jpg", "The file missing.jpg is not in the media folder"),
        ("media", "../../etc/passwd", "is outside the media folder of this import. Move"),
        ("media", "/etc/passwd", "is outside the media folder of this import. Move"),
        ("media", "https://a.example/b.jpg", "is a web address, but Kicau needs a file."),
        ("alt", "one\ntwo", "2 alt texts, but 0 media files"),
        ("link", "kopi senja", "is not a valid web address"),
        ("link_title", "Title", "This row has a link title or a link"),
        ("poll", "only one", 'Write the poll in the form "Option A |'),
        ("poll", "a | | c ; 24h", "No option may be empty"),
        ("options", "colour", "Correct it, and put a semicolon (;) between several"),
        ("options", "nowhere.colour=red", "is not a valid option of a social network"),
        ("options", "x.colour=red", "colour"),
        ("ai_use", "train=allow", "Kicau does not know the purpose 'train'"),
        ("ai_use", "search=perhaps", "'perhaps' is not a valid value"),
        ("timezone", "Mars/Olympus", "no time zone 'Mars/Olympus'"),
    ],
)
def test_each_column_says_what_it_expects(actor, x, column, cell, says):
    report = check(actor, ("x-kopi", "2026-12-01 09:00", "a", cell), columns=("channels", "at", "text", column))
    (problem,) = report.problems
    assert says in problem.sentence
    assert problem.column == column


def test_a_problem_of_one_networks_text_is_in_its_column(actor, x):
    report = check(actor, ("x-kopi", "now", "short", "long " * 80), columns=("channels", "at", "text", "text:x"))
    assert [p.column for p in report.problems] == ["text:x"]


def test_every_problem_of_every_row_is_told_at_once(actor, x):
    report = check(
        actor, ("1", "x-kopi", "soon", "a" * 300), ("1", "nobody", "now", "b"), ("3", "x-kopi", "now", "fine")
    )
    assert {(p.row, p.column) for p in report.problems} == {(2, "at"), (3, "ref")}
    assert [p.row for p in report.ready] == [4]


def test_files_are_looked_into_and_links_out_of_the_folder_are_not_followed(actor, x, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "secret.jpg").write_bytes(b"x")
    (tmp_path / "in" / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    (tmp_path / "in" / "fake.jpg").write_bytes(b"MZ this is a program")
    Image.new("RGB", (400, 300)).save(tmp_path / "in" / "two words.jpg")
    rows = [("x-kopi", "now", "a", name) for name in ("link.jpg", "fake.jpg", "two words.jpg")]
    report = check(actor, *rows, columns=("channels", "at", "text", "media"), folder=tmp_path / "in")
    assert [p.row for p in report.ready] == [4]
    assert (
        sentences(report)[0]
        == "Row 2, media: The file link.jpg is not in the media folder of this import. Add the file to the folder, or correct its name in this row."
    )
    assert "The content of fake.jpg does not match its file name" in sentences(report)[1]
    assert not Medium.objects.exists()


def test_twins_are_warned_of(actor, x):
    report = check(actor, ("1", "x-kopi", "now", "Same words"), ("2", "x-kopi", "+1:00", "same  WORDS"))
    assert [n.sentence for n in report.notices if n.problem.code == "duplicate"] == [
        "Row 3, text: x-kopi already has a post with the same text as this post (row 2). The network may reject the new post or show it to fewer people."
    ]


def test_a_viewer_may_not(member, x):
    with pytest.raises(NotAllowed):
        check(member("viewer"), ("1", "x-kopi", "now", "a"))


# Creating


def rows_in(minutes, *texts):
    return [(f"r{n}", "x-kopi", f"+{minutes}:{n:02}", text) for n, text in enumerate(texts)]


def test_importing_twice_imports_once(actor, x):
    rows = rows_in(5, "satu", "dua", "tiga")
    first = check_posts(actor, table(*rows), Path("/nowhere"))
    done = create_posts(actor, first, Path("/nowhere"))
    assert [d.due_at - first.ready[0].at for d in done.deliveries] == [timedelta(seconds=n) for n in range(3)]
    second = check_posts(actor, table(*rows, ("r3", "x-kopi", "+6:00", "empat")), Path("/nowhere"))
    assert second.skipped == ((2, "r0"), (3, "r1"), (4, "r2"))
    assert [p.ref for p in second.ready] == ["r3"]
    create_posts(actor, second, Path("/nowhere"))
    assert Delivery.objects.count() == Draft.objects.count() == 4
    draft = Draft.objects.get(ref="r1")
    assert (draft.origin, draft.origin_detail) == ("imported", "posts.csv, row 3")


def test_nothing_is_created_where_anything_is_wrong_unless_that_is_wanted(actor, x):
    report = check_posts(actor, table(*rows_in(5, "satu", "x" * 281)), Path("/nowhere"))
    with pytest.raises(ValidationFailed) as told:
        create_posts(actor, report, Path("/nowhere"))
    assert told.value.problems[0].field == "rows.3.text"
    assert not Draft.objects.exists()
    assert len(create_posts(actor, report, Path("/nowhere"), skip_bad=True).deliveries) == 1


def test_a_contributor_may_check_but_not_schedule(member, x):
    writer = member("contributor")
    report = check_posts(writer, table(*rows_in(5, "satu")), Path("/nowhere"))
    with pytest.raises(NotAllowed):
        create_posts(writer, report, Path("/nowhere"))
    assert not Draft.objects.exists()


def test_the_demos_table_is_importable_whole(actor, connected):
    for key, network in {
        "x-kopi": "x",
        "x-kabar": "x",
        "page-kopi": "facebook",
        "ig-kopi": "instagram",
        "li-sari": "linkedin",
        "li-kopi": "linkedin",
        "bsky-kopi": "bluesky",
        "masto-kabar": "mastodon",
        "threads-kopi": "threads",
    }.items():
        connected(network, key)
    posts = read_posts((DEMO / "posts.csv").read_bytes())
    report = check_posts(actor, posts, DEMO / "media", start=clock.now() + timedelta(minutes=5))
    assert sentences(report) == []
    assert len(report.ready) == len(posts.rows) >= 40
    assert report.unconfirmed > 5
    done = create_posts(actor, report, DEMO / "media", confirm=True)
    assert len(done.deliveries) == report.deliveries
    assert not Delivery.objects.filter(state="held").exists()
    thread = Draft.objects.get(ref="kp-banjir-utas")
    assert [(p.text[:3], p.uses.count()) for p in thread.parts.all()] == [
        ("The", 1),
        ("2/5", 0),
        ("3/5", 1),
        ("4/5", 0),
        ("5/5", 0),
    ]


def test_a_link_takes_the_first_picture_as_its_own(actor, connected, tmp_path):
    connected("linkedin", "li-kopi")
    Image.new("RGB", (1200, 627)).save(tmp_path / "card.jpg")
    row = ("li-kopi", "+9:00", "Baca ini", "card.jpg", "https://kopi-senja.example.com", "Judul", "Isi")
    columns = ("channels", "at", "text", "media", "link", "link_title", "link_description")
    report = check_posts(actor, table(row, columns=columns), tmp_path)
    assert sentences(report) == []
    (delivery,) = create_posts(actor, report, tmp_path, confirm=True).deliveries
    assert delivery.rendered["link"]["title"] == "Judul"
    assert delivery.rendered["link"]["thumbnail"]["name"] == "card.jpg"
    assert "media" not in delivery.rendered["parts"][0]


def test_poll_and_options_and_the_rest_arrive(actor, x):
    row = (
        "x-kopi",
        "+9:00",
        "Mana?",
        "Pilih :: Puntang | Gayo ; 3d",
        "x.made_with_ai=yes",
        "panen",
        "kopi, jual",
        "id",
        "search=allow; ground=deny",
        "Asia/Makassar",
    )
    columns = ("channels", "at", "text", "poll", "options", "campaign", "tags", "language", "ai_use", "timezone")
    report = check_posts(actor, table(row, columns=columns), Path("/nowhere"))
    assert sentences(report) == []
    create_posts(actor, report, Path("/nowhere"))
    draft = Draft.objects.get()
    assert draft.extras["poll"] == {"question": "Pilih", "options": ["Puntang", "Gayo"], "minutes": 4320}
    assert draft.extras["options"] == {"x.made_with_ai": "yes"}
    assert (draft.campaign.name, draft.tags, draft.language, draft.timezone) == (
        "panen",
        ["kopi", "jual"],
        "id",
        "Asia/Makassar",
    )
    assert draft.ai_use == {"search": "allow", "ground": "deny"}


@pytest.mark.parametrize(("said", "marked"), [("yes", True), ("No", False), ("", False), ("maybe", None)])
def test_links_are_marked_where_the_row_says_so(actor, x, said, marked):
    row = ("x-kopi", "tomorrow 09:00", "Buka https://kopisenja.example", "panen", said)
    report = check_posts(
        actor, table(row, columns=("channels", "at", "text", "campaign", "mark_links")), Path("/nowhere")
    )
    if marked is None:
        assert [(p.row, p.column) for p in report.problems] == [(2, "mark_links")]
        return
    create_posts(actor, report, Path("/nowhere"))
    assert bool(Draft.objects.get().extras.get("mark_links")) is marked
    assert ("utm_campaign=panen" in str(Delivery.objects.get().rendered)) is marked


def test_many_rows_take_few_statements(actor, x):
    """Seconds are bench/bulk_import.py's; what makes it slow is the database being asked row by row."""

    def taken(first, count):
        rows = [
            (
                f"r{n}",
                "x-kopi",
                f"+{n // 60 + 5}:{n % 60:02}",
                f"Kabar nomor {n}: #kopi https://kopi-senja.example.com/{n}",
            )
            for n in range(first, first + count)
        ]
        with CaptureQueriesContext(connection) as asked:
            report = check_posts(actor, table(*rows), Path("/nowhere"))
            done = create_posts(actor, report, Path("/nowhere"))
        assert len(done.deliveries) == count
        return len(asked)

    few, many = taken(0, 50), taken(50, 500)
    assert few <= 40
    assert many - few <= 450 // 25  # in batches, never one for each row


@pytest.mark.parametrize("slug", registry.installed_slugs())
def test_every_network_has_a_column_for_its_text(slug):
    assert read_posts(f"channels,at,text:{slug}\na,now,b\n".encode()).rows[0][f"text:{slug}"] == "b"
