"""`kicau check`: a stream of posts, judged by the networks' own rules; nothing that comes in breaks it."""

import json
import subprocess
import sys

import pytest
from PIL import Image

from kicau.connector import registry

KEYS = {"length", "limit", "unit", "spans", "problems", "charges"}


def check(kicau, *posts, network="x"):
    lines = "".join(post if isinstance(post, str) else json.dumps(post) + "\n" for post in posts)
    return kicau("check", "--network", network, "--json", stdin=lines.encode("utf-8", "surrogatepass"))


@pytest.mark.parametrize("network", registry.installed_slugs())
def test_each_line_is_answered_with_one(kicau, network):
    said = check(kicau, {"text": "satu #kopi"}, {"text": "dua"}, network=network)
    assert len(said.lines) == 2
    assert all(set(line) >= KEYS for line in said.lines)
    assert said.code == int(any(line["problems"] for line in said.lines))


def test_length_spans_and_charges_are_the_networks_own(kicau):
    (said,) = check(
        kicau, {"text": "👨‍👩‍👧‍👦 Halo @kopisenja, baca https://kopi-senja.example.com/panjang-sekali #kopi"}
    ).lines
    assert said["limit"] == 280
    assert [(s["kind"], s["text"]) for s in said["spans"]] == [
        ("mention", "@kopisenja"),
        ("link", "https://kopi-senja.example.com/panjang-sekali"),
        ("tag", "#kopi"),
    ]
    text = "👨‍👩‍👧‍👦 Halo @kopisenja, baca https://kopi-senja.example.com/panjang-sekali #kopi"
    assert all(text[s["start"] : s["end"]] == s["text"] for s in said["spans"])
    assert said["length"] == 2 + len(" Halo @kopisenja, baca ") + 23 + len(" #kopi")
    assert said["charges"] == [{"meter": "post-with-link", "units": 1, "micro": 200_000, "currency": "USD"}]


def test_a_problem_has_code_field_message_limit_and_actual(kicau):
    said = check(kicau, {"id": "r7", "text": "a" * 281})
    (line,) = said.lines
    (problem,) = line["problems"]
    assert (problem["code"], problem["field"], problem["limit"], problem["actual"]) == (
        "too-long",
        "parts.0.text",
        280,
        281,
    )
    assert "281" in problem["message"]
    assert line["id"] == "r7"
    assert said.code == 1


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ("nope\n", ""),
        ("[1, 2]\n", ""),
        ('"text"\n', ""),
        ("null\n", ""),
        ('{"text": 7}\n', "parts.0.text"),
        ('{"txt": "a"}\n', "txt"),
        ('{"text": "a", "media": "b.jpg"}\n', "parts.0.media"),
        ('{"text": "a", "media": [7]}\n', "parts.0.media.0"),
        ('{"text": "a", "media": ["/no/such.jpg"]}\n', "parts.0.media.0"),
        ('{"parts": []}\n', "parts"),
        ('{"parts": [7]}\n', "parts"),
        ('{"text": "a", "parts": ["b"]}\n', "text"),
        ('{"text": "a", "poll": "b"}\n', "poll"),
        ('{"text": "a", "poll": {"options": ["b", "c"], "minutes": "d"}}\n', "poll.minutes"),
        ('{"text": "a", "link": 7}\n', "link"),
        ('{"text": "a", "options": ["b"]}\n', "options"),
        ('{"text": "a", "media": [{"path": "a\\u0000b"}]}\n', "parts.0.media.0"),
        ("[" * 100_000 + "\n", ""),
        ('{"text": "\\udc00"}\n', None),
        ('{"text": "\\u0000"}\n', None),
    ],
    ids=lambda v: str(v)[:30],
)
def test_a_malformed_line_is_answered_and_the_next_one_too(kicau, line, field):
    said = check(kicau, line, {"text": "fine"})
    first, second = said.lines
    assert first["problems"]
    assert field is None or (first["problems"][0]["code"], first["problems"][0]["field"]) == ("malformed", field)
    assert second["problems"] == []
    assert said.code == 1


def test_bytes_that_are_no_text_are_a_malformed_line(kicau):
    said = kicau("check", "--network", "x", "--json", stdin=b'{"text": "\xff"}\n{"text": "fine"}\n')
    assert [bool(line["problems"]) for line in said.lines] == [True, False]


def test_parts_polls_links_comments_and_options_are_understood(kicau):
    post = {
        "parts": ["satu", {"text": "dua"}],
        "poll": {"options": ["a", "b"], "minutes": 60},
        "options": {"x.made_with_ai": "yes"},
        "language": "id",
    }
    (said,) = check(kicau, post).lines
    assert said["problems"] == []
    assert [p["text"] for p in said["parts"]] == ["satu", "dua"]
    assert sum(c["units"] for c in said["charges"] if c["meter"] == "post") == 2
    (said,) = check(
        kicau,
        {"text": "a", "link": {"url": "https://a.example", "title": "A"}, "first_comment": "b"},
        network="linkedin",
    ).lines
    assert said["problems"] == []
    assert said["first_comment"]["text"] == "b"


def test_media_are_judged_by_their_content(kicau, tmp_path):
    Image.new("RGB", (100, 4000)).save(tmp_path / "thin.png")
    (tmp_path / "fake.jpg").write_bytes(b"\x7fELF a program")
    posts = [{"text": "a", "media": [{"path": str(tmp_path / name), "alt": "x"}]} for name in ("thin.png", "fake.jpg")]
    thin, fake = check(kicau, *posts, network="instagram").lines
    assert thin["parts"][0]["media"][0]["alt"] == "x"
    assert thin["problems"] or thin["notices"]
    assert "does not match its file name: the name says" in fake["problems"][0]["message"]


def test_a_text_on_the_command_line_is_for_people(kicau):
    good, bad = kicau("check", "--network", "x", "halo"), kicau("check", "--network", "x", "a" * 300)
    assert good.code == 0
    assert "4 of 280 characters" in good.out
    assert bad.code == 1
    assert "On X, the text has 300 characters, but the limit is 280" in bad.out


@pytest.mark.parametrize("table", ["text;media\nhalo;\n{long};\n", "\ufefftext,media\nhalo,\n{long},\n"])
def test_a_table_is_judged_row_by_row(kicau, table):
    data = table.format(long="a" * 300).encode()
    said = kicau("check", "--network", "x", "--csv", stdin=data)
    assert said.code == 1
    assert "✓ row 2" in said.out
    assert "✗ row 3" in said.out
    assert [
        len(line["problems"]) for line in kicau("check", "--network", "x", "--csv", "--json", stdin=data).lines
    ] == [0, 1]


def test_wrong_use_is_told(kicau):
    assert kicau("check", "halo").code == 2
    unknown = kicau("check", "--network", "myspace", "halo")
    assert unknown.code == 3
    assert f"installed are: {', '.join(registry.installed_slugs())}" in unknown.err
    assert kicau("check", "--network", "x", "halo", "--alt", "no file").code == 2


def test_it_needs_neither_django_nor_a_database(program, tmp_path):
    code = "import sys; sys.argv = ['kicau', 'check', '--network', 'x', 'halo']; from kicau.cli import main\ntry: main()\nexcept SystemExit: print('django' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("False\n")


def test_thousands_of_lines_stream_through(program):
    lines = "".join(
        json.dumps({"text": f"Kabar nomor {n} #kopi https://kopi-senja.example.com/{n}"}) + "\n" for n in range(4000)
    ).encode()
    done = program("check", "--network", "x", "--json", stdin=lines)
    assert done.stdout.count(b"\n") == 4000


def test_output_comes_while_input_is_still_open():
    with subprocess.Popen(
        [sys.executable, "-u", "-m", "kicau.cli", "check", "--network", "x", "--json"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as child:
        child.stdin.write(b'{"text": "halo"}\n' * 3000)
        child.stdin.flush()
        assert json.loads(child.stdout.readline())["length"] == 4
        child.stdin.close()
        assert child.stdout.read().count(b"\n") == 2999


def test_a_reader_who_leaves_is_no_fault():
    with subprocess.Popen(
        [sys.executable, "-m", "kicau.cli", "check", "--network", "x", "--json"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as child:
        child.stdout.close()
        try:
            child.stdin.write(b'{"text": "halo"}\n' * 2000)
            child.stdin.close()
        except BrokenPipeError:
            pass
        assert child.stderr.read() == b""
        assert child.wait(20) == 141


def test_a_stream_of_nothing_is_fine(kicau):
    assert (said := check(kicau)).code == 0
    assert said.out == ""
