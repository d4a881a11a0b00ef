"""Files are decoded in a process of its own: the same results, and no file takes more than its share."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from kicau.base.errors import ServerBusy
from kicau.connector.content import Recipe
from kicau.media import decoder, probe, renditions
from kicau.media.tests.samples import huge_png, pdf, picture, saved, turned, video

RECIPE = Recipe(mime="image/jpeg", max_width=40, max_height=40)


@pytest.fixture
def own(monkeypatch) -> Iterator[decoder.Decoder]:
    """A process for this test."""
    made = decoder.Decoder()
    monkeypatch.setattr(decoder, "shared_decoder", made)
    yield made
    made.close()


@pytest.fixture
def files(tmp_path) -> dict[str, Path]:
    contents = {
        "a.png": saved(picture(), "PNG"),
        "b.jpg": saved(picture((90, 60)), "JPEG"),
        "c.mp4": video(),
        "d.mov": turned(video()),
        "e.pdf": pdf(),
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    return {name: tmp_path / name for name in contents}


def test_the_results_are_the_same(own, files, tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    for path in files.values():
        assert decoder.probe_file(path, "nama.png") == probe.probe_file(path, "nama.png")
        if path.suffix != ".pdf":
            assert decoder.create_thumbnail(path, one, 30) == renditions.thumbnail(path, other, 30) is True
            assert one.read_bytes() == other.read_bytes()
    decoder.convert_file(files["b.jpg"], RECIPE, one)
    renditions.convert(files["b.jpg"], RECIPE, other)
    assert one.read_bytes() == other.read_bytes()
    decoder.crop_file(files["a.png"], (0.1, 0.2, 0.5, 0.5), one)
    renditions.crop(files["a.png"], (0.1, 0.2, 0.5, 0.5), other)
    assert one.read_bytes() == other.read_bytes()


def test_the_errors_are_the_same(own, tmp_path):
    (tmp_path / "x.png").write_bytes(b"MZ program")
    for look in (decoder.probe_file, probe.probe_file):
        with pytest.raises(probe.UnusableFile) as found:
            look(tmp_path / "x.png")
        assert (found.value.code, found.value.params["name"]) == ("refused-type", "x.png")
    with pytest.raises(FileNotFoundError):
        decoder.probe_file(tmp_path / "none.png")
    with pytest.raises(OSError, match="No such file"):
        decoder.create_thumbnail(tmp_path / "none.png", tmp_path / "x")


def test_a_picture_of_too_many_pixels_is_converted_nowhere(own, tmp_path):
    """10,900 × 10,900 pixels of nothing are half a megabyte in a file and half a gigabyte unpacked."""
    hostile = tmp_path / "a.png"
    hostile.write_bytes(huge_png(10_900, 10_900))
    for act in (
        lambda: decoder.convert_file(hostile, RECIPE, tmp_path / "b.jpg"),
        lambda: decoder.create_thumbnail(hostile, tmp_path / "b.jpg"),
        lambda: decoder.crop_file(hostile, (0, 0, 0.5, 0.5), tmp_path / "b.jpg"),
    ):
        with pytest.raises(probe.UnusableFile) as found:
            act()
        assert found.value.code == "too-many-pixels"
    assert not (tmp_path / "b.jpg").exists()


def test_a_large_photograph_is_converted_at_half_its_size(own, tmp_path):
    photograph = tmp_path / "a.jpg"
    Image.new("RGB", (8000, 6000), "#c0392b").save(photograph, "JPEG")
    decoder.convert_file(photograph, Recipe(mime="image/jpeg"), tmp_path / "b.jpg")
    decoder.crop_file(photograph, (0, 0, 0.5, 1), tmp_path / "c.jpg")
    decoder.create_thumbnail(photograph, tmp_path / "d.jpg", 480)
    sizes = {"b.jpg": (4000, 3000), "c.jpg": (2000, 3000), "d.jpg": (480, 360)}
    for name, size in sizes.items():
        with Image.open(tmp_path / name) as made:
            assert made.size == size


def test_more_memory_than_one_file_may_take_is_refused_and_the_next_file_is_read(tmp_path, monkeypatch):
    small = decoder.Decoder(memory=64 << 20)
    monkeypatch.setattr(decoder, "shared_decoder", small)
    try:
        Image.new("RGBA", (6000, 5000)).save(tmp_path / "a.png")
        with pytest.raises(probe.UnusableFile) as found:
            decoder.convert_file(tmp_path / "a.png", RECIPE, tmp_path / "b.jpg")
        assert found.value.code == "too-much-memory"
        (tmp_path / "a.png").write_bytes(saved(picture(), "PNG"))
        assert decoder.probe_file(tmp_path / "a.png").width == 60
    finally:
        small.close()


def test_a_file_that_breaks_its_reader_is_refused_and_the_next_is_read(own, files, monkeypatch):
    decoder.probe_file(files["a.png"])
    broken = own.pid
    assert broken
    line = own._line

    def killed(process):
        if process.pid == broken:
            os.kill(broken, signal.SIGKILL)
        return line(process)

    monkeypatch.setattr(own, "_line", killed)
    os.kill(broken, signal.SIGSTOP)  # it has begun, and will not answer
    with pytest.raises(probe.UnusableFile) as found:
        decoder.probe_file(files["b.jpg"])
    assert found.value.code == "damaged"
    assert decoder.probe_file(files["b.jpg"]).width == 90
    assert own.pid != broken


def test_a_process_that_ended_is_started_again(own, files):
    decoder.probe_file(files["a.png"])
    before = own.pid
    assert before
    os.kill(before, signal.SIGKILL)
    assert own._process
    own._process.wait()
    assert decoder.probe_file(files["a.png"]).width == 60
    assert own.pid != before


def test_what_takes_too_long_is_ended(own, files, monkeypatch):
    decoder.probe_file(files["a.png"])
    monkeypatch.setattr(decoder, "JOB_SECONDS", 0.01)
    assert own.pid
    os.kill(own.pid, signal.SIGSTOP)
    with pytest.raises(probe.UnusableFile) as found:
        decoder.probe_file(files["a.png"])
    assert (found.value.code, own.pid) == ("too-slow", None)


def test_one_is_decoded_at_a_time_and_few_wait(own, files):
    own.max_waiting = 1
    decoder.probe_file(files["a.png"])
    pid = own.pid
    assert pid
    os.kill(pid, signal.SIGSTOP)
    found: list[int] = []
    threads = [
        threading.Thread(target=lambda: found.append(decoder.probe_file(files["a.png"]).width)) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    while own._waiting < 2:
        time.sleep(0.001)
    with pytest.raises(ServerBusy):
        decoder.probe_file(files["a.png"])
    os.kill(pid, signal.SIGCONT)
    for thread in threads:
        thread.join(30)
    assert (found, own.pid) == ([60, 60], pid)


def test_the_process_knows_nothing_secret(own, files, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://user:rahasia@host/x")
    monkeypatch.setenv("KICAU_OIDC_CLIENT_SECRET", "rahasia")
    decoder.probe_file(files["a.png"])
    known = Path(f"/proc/{own.pid}/environ").read_bytes()
    assert b"rahasia" not in known
    assert b"KICAU" not in known


def test_what_is_made_belongs_to_the_owner_of_the_data_folder_where_root_runs_it_too(own, files, tmp_path, monkeypatch):
    data, service = tmp_path / "data", 12_345 if os.geteuid() == 0 else os.geteuid()
    data.mkdir()
    os.chown(data, service, -1)
    monkeypatch.setenv("KICAU_DATA", str(data))
    target = data / "a.jpg"
    decoder.convert_file(files["a.png"], RECIPE, target)
    assert target.stat().st_uid == service
