import hashlib
import logging
import random
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image, ImageFile

from kicau.connector.content import MediaKind
from kicau.media.file_structure import DeadlinePassed, deadline
from kicau.media.probe import MediaInfo, UnusableFile, probe_file
from kicau.media.tests import samples
from kicau.media.tests.samples import animation, box, picture, saved, video

WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
SLIDES = "application/vnd.openxmlformats-officedocument.presentationml.presentation"


@pytest.fixture
def look(tmp_path: Path):
    def look(data: bytes, name: str = "file") -> MediaInfo:
        path = tmp_path / "content"
        path.write_bytes(data)
        return probe_file(path, name)

    return look


def refused(look, data: bytes, name: str = "file") -> UnusableFile:
    with pytest.raises(UnusableFile) as caught:
        look(data, name)
    assert name in str(caught.value)
    assert "{" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize(
    ("form", "mime"),
    [
        ("JPEG", "image/jpeg"),
        ("PNG", "image/png"),
        ("WEBP", "image/webp"),
        ("GIF", "image/gif"),
        ("BMP", "image/bmp"),
        ("TIFF", "image/tiff"),
        ("AVIF", "image/avif"),
    ],
)
def test_a_still_picture_is_known_by_its_content(look, form, mime):
    data = saved(picture(), form)
    found = look(data, "no suffix")
    assert (found.kind, found.mime, found.width, found.height) == (MediaKind.IMAGE, mime, 60, 40)
    assert (found.size, found.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    assert (found.frames, found.duration_ms, found.misnamed) == (0, 0, "")
    assert found.colour == ("P" if form == "GIF" else "RGB")


@pytest.mark.parametrize(("mode", "form"), [("L", "JPEG"), ("CMYK", "JPEG"), ("RGBA", "PNG"), ("P", "PNG")])
def test_the_colour_mode_is_told(look, mode, form):
    assert look(saved(picture(mode=mode), form)).colour == mode


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_dimensions_are_as_shown(look, form):
    exif = Image.Exif()
    exif[0x0112] = 6
    found = look(saved(picture(), form, exif=exif))
    assert (found.width, found.height) == (40, 60)


def test_nonsense_in_exif_does_no_harm(look):
    exif = b"Exif\0\0II*\0\xff\xff\xff\x7f"
    assert look(saved(picture(), "JPEG", exif=exif)).width == 60


@pytest.mark.parametrize(
    ("form", "mime"), [("GIF", "image/gif"), ("PNG", "image/png"), ("WEBP", "image/webp"), ("AVIF", "image/avif")]
)
def test_what_moves_is_a_gif_whatever_its_format(look, form, mime):
    found = look(animation(4, form))
    assert (found.kind, found.mime, found.frames, found.width) == (MediaKind.GIF, mime, 4, 32)
    if form != "AVIF":
        assert (found.duration_ms, found.fps) == (200, 20.0)


def test_a_gif_without_delays_runs_as_browsers_show_it(look):
    assert look(animation(3, duration=0)).duration_ms == 300


def test_a_gif_of_thousands_of_frames_is_refused(look):
    data = animation(2, optimize=False)
    at = data.rindex(b"\x21\xf9")
    problem = refused(look, data[:at] + data[at:-1] * 3001 + b"\x3b", "long.gif")
    assert problem.code == "too-many-frames"


def test_videos_are_measured(look):
    found = look(video("mp4", "mpeg4", "aac"), "clip.mp4")
    assert (found.kind, found.mime, found.width, found.height) == (MediaKind.VIDEO, "video/mp4", 64, 48)
    assert (found.video_codec, found.audio_codec, found.fps, found.duration_ms) == ("mpeg4", "aac", 10.0, 1000)
    assert found.bitrate == found.size * 8


@pytest.mark.parametrize(
    ("form", "codec", "mime", "said"),
    [
        ("mov", "mpeg4", "video/quicktime", "mpeg4"),
        ("webm", "libvpx", "video/webm", "vp8"),
        ("mp4", "libx264", "video/mp4", "h264"),
    ],
)
def test_each_kind_of_video_is_known(look, form, codec, mime, said):
    found = look(video(form, codec))
    assert (found.mime, found.video_codec, found.audio_codec) == (mime, said, "")
    assert (found.duration_ms, found.fps) == (1000, 10.0)


def test_a_video_in_fragments_is_whole(look):
    data = video("mp4", "mpeg4", movflags="frag_keyframe+empty_moov+default_base_moof")
    found = look(data)
    assert (found.duration_ms, found.width) == (1000, 64)


def test_the_header_of_a_video_may_come_first(look):
    assert look(samples.header_first(video())).duration_ms == 1000


def test_a_recording_without_a_duration_is_counted(look):
    assert 950 <= look(video("webm", "libvpx", live="1")).duration_ms <= 1050


def test_a_turned_video_has_the_dimensions_people_see(look):
    found = look(samples.turned(video()))
    assert (found.width, found.height) == (48, 64)


def test_documents_are_known_and_their_pages_counted(look):
    found = look(samples.pdf(3), "brief.pdf")
    assert (found.kind, found.mime, found.pages) == (MediaKind.DOCUMENT, "application/pdf", 3)
    assert (look(samples.word(7)).mime, look(samples.word(7)).pages) == (WORD, 7)
    assert (look(samples.slides(2)).mime, look(samples.slides(2)).pages) == (SLIDES, 2)
    assert look(samples.old_office("1Table", "WordDocument")).mime == "application/msword"
    assert look(samples.old_office("PowerPoint Document")).mime == "application/vnd.ms-powerpoint"


def test_a_protected_document_is_told(look):
    import io

    import pypdf

    writer, out = pypdf.PdfWriter(io.BytesIO(samples.pdf(1))), io.BytesIO()
    writer.encrypt("secret", algorithm="RC4-128")
    writer.write(out)
    assert refused(look, out.getvalue(), "secret.pdf").code == "encrypted"
    assert refused(look, samples.old_office("EncryptedPackage"), "secret.docx").code == "encrypted"


def test_a_document_that_only_forbids_copying_is_used(look):
    import io

    import pypdf

    writer, out = pypdf.PdfWriter(io.BytesIO(samples.pdf(2))), io.BytesIO()
    writer.encrypt("", "owner", algorithm="RC4-128")
    writer.write(out)
    assert look(out.getvalue()).pages == 2


@pytest.mark.parametrize(
    ("name", "data", "sentence"),
    [
        (
            "photo.jpg",
            samples.pdf(1),
            "photo.jpg is named as a JPEG image but holds a PDF document: it is used as a PDF document.",
        ),
        (
            "photo.png",
            saved(picture(), "JPEG"),
            "photo.png is named as a PNG image but holds a JPEG image: it is used as a JPEG image.",
        ),
        ("photo.jpeg", saved(picture(), "JPEG"), ""),
        ("photo.JPG", saved(picture(), "JPEG"), ""),
        ("photo", saved(picture(), "JPEG"), ""),
        ("photo.bin", saved(picture(), "JPEG"), ""),
        ("clip.mov", video(), ""),
        ("clip.m4v", video("mov"), ""),
    ],
)
def test_a_usable_file_with_the_wrong_name_is_used_and_told(look, name, data, sentence):
    assert look(data, name).misnamed == sentence


def test_a_file_that_is_not_what_its_name_says_is_told_in_a_sentence(look):
    problem = refused(look, b"Dear reader, this is no picture.\n", "photo.jpg")
    assert problem.code == "misnamed"
    assert (
        str(problem)
        == "The content of photo.jpg does not match its file name: the name says a JPEG image, but the file contains plain text. Choose the right file."
    )


@pytest.mark.parametrize(
    ("data", "code", "held"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "refused-type", "an SVG vector image"),
        (b"\xef\xbb\xbf <?xml version='1.0'?>\n<!-- x -->\n<svg/>", "refused-type", "an SVG vector image"),
        (b"\n<!DOCTYPE html><p>hello", "refused-type", "a web page"),
        (b"MZ\x90\0" + bytes(200), "refused-type", "a Windows program"),
        (b"\x7fELF" + bytes(200), "refused-type", "a program"),
        (b"#!/bin/sh\nrm -r /\n", "refused-type", "a script"),
        (b"name,text\n1,hello\n", "unknown-type", "plain text"),
        (b"ID3\4" + bytes(99), "unknown-type", "an audio file"),
        (b"\x1f\x8b\x08" + bytes(99), "unknown-type", "a compressed archive file"),
        (samples.zipped(a=b"1"), "unknown-type", "a compressed archive file"),
        (samples.zipped(**{"[Content_Types].xml": b"", "xl/workbook.xml": b""}), "unknown-type", "a spreadsheet"),
        (b"\x1a\x45\xdf\xa3\x8b\x42\x82\x88matroska", "unknown-type", "a Matroska video"),
        (box(b"ftyp", b"M4A \0\0\0\0"), "unknown-type", "an audio file"),
    ],
)
def test_other_types_are_refused_by_name(look, data, code, held):
    problem = refused(look, data)
    assert (problem.code, problem.params["held"]) == (code, held)
    assert "MP4" in str(problem)


def test_heic_is_told_where_it_cannot_be_read(look):
    problem = refused(look, box(b"ftyp", b"heic\0\0\0\0mif1heic") + bytes(100), "IMG_1.HEIC")
    assert problem.code == "unreadable-type"
    assert "which this server cannot read. Save the image as JPEG" in str(problem)


def test_an_empty_file_is_told(look):
    assert refused(look, b"", "photo.jpg").code == "empty"


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.jpg", saved(picture((200, 200)), "JPEG")),
        ("p.jpg", saved(picture((200, 200)), "JPEG", progressive=True)),
        ("a.png", saved(picture((200, 200)), "PNG")),
        ("a.webp", saved(picture((200, 200)), "WEBP")),
        ("a.bmp", saved(picture((200, 200)), "BMP")),
        ("a.tiff", saved(picture((200, 200)), "TIFF")),
        ("a.avif", saved(picture((200, 200)), "AVIF")),
        ("a.gif", animation(6)),
        ("a.mp4", video()),
        ("a.mov", video("mov")),
        ("fast.mp4", samples.header_first(video())),
        ("a.webm", video("webm", "libvpx")),
        ("a.pdf", samples.pdf(3)),
        ("a.docx", samples.word()),
        ("a.doc", samples.old_office("WordDocument")),
    ],
)
@pytest.mark.parametrize("share", [0.3, 0.7])
def test_half_a_file_is_told(look, name, data, share):
    problem = refused(look, data[: int(len(data) * share)], name)
    assert problem.code in ("cut-off", "damaged")
    assert "again" in str(problem)


def test_a_png_with_a_flipped_bit_is_told(look):
    data = bytearray(saved(picture(), "PNG"))
    data[len(data) // 2] ^= 1
    assert refused(look, bytes(data)).code == "damaged"


@pytest.mark.parametrize(
    "data",
    [
        samples.huge_png(),
        b"GIF89a"
        + struct.pack("<HHBBB", 65_000, 65_000, 0, 0, 0)
        + b"\x2c"
        + struct.pack("<HHHHB", 0, 0, 65_000, 65_000, 0)
        + b"\2\1\0\0\x3b",
        saved(picture(), "JPEG").replace(struct.pack(">HH", 40, 60), struct.pack(">HH", 65_000, 65_000)),
        b"RIFF" + struct.pack("<I", 22) + b"WEBPVP8X" + struct.pack("<I", 10) + bytes(4) + b"\xff\x3f\0\xff\x3f\0",
        saved(picture(), "BMP")[:18] + struct.pack("<ii", 60_000, 60_000) + saved(picture(), "BMP")[26:],
    ],
    ids=["png", "gif", "jpeg", "webp", "bmp"],
)
def test_a_bomb_of_a_picture_is_never_decoded(look, data, monkeypatch):
    def decode(*_):
        raise AssertionError("it was decoded")

    for kind in (Image.Image, ImageFile.ImageFile):
        monkeypatch.setattr(kind, "load", decode)
    problem = refused(look, data, "bomb.png")
    assert problem.code == "too-many-pixels"
    assert "120 million" in str(problem)


def test_a_jpeg_of_endless_scans_is_refused(look):
    data = saved(picture(), "JPEG", progressive=True)
    at = data.rindex(b"\xff\xda")
    assert refused(look, data[:at] + data[at:-2] * 200 + b"\xff\xd9").code == "damaged"


def test_a_zip_bomb_of_a_document_is_never_unpacked(look):
    data = bytearray(samples.word())
    at = data.rindex(b"PK\1\2")
    data[at + 24 : at + 28] = struct.pack("<I", 4_000_000_000)
    problem = refused(look, bytes(data), "bomb.docx")
    assert problem.code == "bomb"
    assert "4000 MB" in str(problem)


@pytest.mark.parametrize("name", [b"stsz", b"stts", b"stsc"])
def test_a_video_that_claims_billions_of_samples_never_reaches_a_decoder(look, name):
    data = bytearray(video())
    at = data.index(name) + 4
    claim = {b"stsz": (4, (1, 0xFFFFFFF0)), b"stts": (4, (1, 0xFFFFFFF0, 5)), b"stsc": (4, (1, 1, 0xFFFFFFF0))}[name]
    struct.pack_into(f">{len(claim[1])}I", data, at + claim[0], *claim[1])
    assert refused(look, bytes(data), "bomb.mp4").code == "damaged"


def test_uncompressed_sound_is_no_bomb(look):
    data = video("mov", "mpeg4", "pcm_s16le")
    assert look(data).audio_codec == "pcm_s16le"


def test_what_a_camera_adds_after_the_last_box_does_no_harm(look):
    assert look(video() + b"\0\0\0\0 maker's notes").duration_ms == 1000


def test_a_sound_file_in_a_video_box_is_told(look):
    import io

    import av

    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as made:
        voice = made.add_stream("aac", rate=48000)
        sample = av.AudioFrame(format="fltp", layout="mono", samples=1024)
        sample.rate, sample.pts = 48000, 0
        sample.planes[0].update(bytes(sample.planes[0].buffer_size))
        made.mux(voice.encode(sample))
        made.mux(voice.encode())
    assert refused(look, out.getvalue()).params["held"] == "sound without a picture"


def test_a_playlist_never_reaches_a_demuxer(look):
    assert refused(look, b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", "clip.mp4").code == "misnamed"


def test_the_sentence_shows_no_more_of_a_name_than_fits(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"")
    with pytest.raises(UnusableFile) as caught:
        probe_file(path, "../../" + "a" * 300 + "\n\x1b[31m.jpg")
    assert len(str(caught.value)) < 200
    assert "\x1b" not in str(caught.value)
    assert "/" not in str(caught.value)


def test_a_missing_file_is_the_disks_matter(tmp_path):
    with pytest.raises(FileNotFoundError):
        probe_file(tmp_path / "nothing.jpg")


def test_a_deadline_ends_an_endless_loop_even_when_all_errors_are_caught():
    def endless():
        while True:
            try:
                len("")
            except Exception:
                continue

    before = sys.getprofile()
    with pytest.raises(DeadlinePassed), deadline(0.01):
        endless()
    assert sys.getprofile() is before


ALL = [
    saved(picture(), "JPEG"),
    saved(picture(), "JPEG", progressive=True),
    saved(picture(), "PNG"),
    saved(picture(mode="RGBA"), "WEBP"),
    saved(picture(), "TIFF", compression="tiff_lzw"),
    saved(picture(), "BMP"),
    saved(picture((16, 16)), "AVIF"),
    animation(3),
    video("mp4", "mpeg4", "aac"),
    video("mov"),
    video("webm", "libvpx"),
    samples.pdf(2),
    samples.word(),
    samples.slides(),
    samples.old_office("WordDocument"),
]


@pytest.mark.parametrize("nth", range(len(ALL)))
def test_whatever_is_broken_is_found_or_told(look, nth, caplog, capfd):
    data, chance = ALL[nth], random.Random(nth)
    told = []
    for _ in range(30):
        broken = bytearray(data[: chance.randrange(len(data))] if chance.random() < 0.3 else data)
        for _ in range(chance.choice((0, 1, 3, 30))):
            if broken:
                broken[chance.randrange(len(broken))] = chance.choice((0, 1, 0x7F, 0xFF, chance.randrange(256)))
        try:
            assert look(bytes(broken), "broken.jpg").size == len(broken)
        except UnusableFile as problem:
            told.append(str(problem))
    assert told
    assert all("broken.jpg" in sentence for sentence in told)
    if data[:4] != b"II*\0":  # the TIFF library prints, and lets nobody stop it
        assert capfd.readouterr() == ("", "")
    assert not [r for r in caplog.records if r.levelno > logging.DEBUG]


def test_importing_this_costs_little():
    code = "import sys, kicau.media.probe, kicau.media.renditions; print([m for m in ('PIL', 'av', 'pypdf', 'pydantic', 'django') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
