"""XMP into and out of real files: the picture stays as it was, bit for bit, and the packet is where readers look."""

from __future__ import annotations

import io
import struct

import av
import numpy
import pytest
from PIL import Image

from kicau.vocabularies import containers, iptc
from kicau.vocabularies.containers import CannotEmbed

NO = {"train_gen": "deny", "train_other": "deny"}


def picture(kind, mode="RGB", **how):
    out = io.BytesIO()
    Image.fromarray(numpy.arange(64 * 48 * 3, dtype="uint8").reshape(48, 64, 3)).convert(mode).save(out, kind, **how)
    return out.getvalue()


def film():
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as box:
        stream = box.add_stream("mpeg4", rate=10)
        stream.width = stream.height = 16
        stream.pix_fmt = "yuv420p"
        box.mux(stream.encode(av.VideoFrame(16, 16, "yuv420p")))
        box.mux(stream.encode())
    return out.getvalue()


FILES = {
    "jpeg": picture("JPEG"),
    "jpeg with Exif": picture("JPEG", exif=b"Exif\x00\x00II*\x00\x08\x00\x00\x00\x00\x00\x00\x00\x00\x00"),
    "png": picture("PNG"),
    "webp": picture("WEBP"),
    "webp, lossless": picture("WEBP", lossless=True),
    "webp with alpha": picture("WEBP", "RGBA", lossless=True),
    "mp4": film(),
}


def pixels(data):
    if data[4:8] == b"ftyp":
        with av.open(io.BytesIO(data)) as box:
            return [frame.to_ndarray().tobytes() for frame in box.decode(video=0)]
    with Image.open(io.BytesIO(data)) as image:
        return image.size, image.mode, image.tobytes()


@pytest.mark.parametrize("name", FILES)
def test_a_packet_goes_in_without_a_pixel_changed_and_is_replaced_by_the_next(name):
    before = FILES[name]
    once = containers.embed_xmp(before, iptc.write_packet(NO))
    assert pixels(once) == pixels(before)
    assert iptc.read_packet(containers.find_metadata(io.BytesIO(once)).xmp).declarations[0].says == NO
    twice = containers.embed_xmp(
        once, iptc.write_packet({"train_gen": "deny"}, into=containers.find_metadata(io.BytesIO(once)).xmp)
    )
    assert pixels(twice) == pixels(before)
    assert iptc.read_packet(containers.find_metadata(io.BytesIO(twice)).xmp).declarations[0].says == {
        "train_gen": "deny"
    }
    assert b"DMI-PROHIBITED-AIMLTRAINING" not in twice
    assert abs(len(twice) - len(once)) < 20 or name == "mp4"


def test_what_takes_no_packet_says_why():
    with pytest.raises(CannotEmbed, match="too long"):
        containers.embed_xmp(FILES["jpeg"], b"x" * 70_000)
    with pytest.raises(CannotEmbed, match="only JPEG"):
        containers.embed_xmp(b"GIF89a", b"x")
    with pytest.raises(CannotEmbed, match="inside a box"):
        containers.embed_xmp(FILES["mp4"][:-3], b"x")
    with pytest.raises(CannotEmbed):
        containers.embed_xmp(b"RIFF\x04\x00\x00\x00WEBPVP8 \x02\x00\x00\x00xx", b"x")
    assert containers.find_metadata(io.BytesIO(b"")).xmp == b""
    endless = b"\x89PNG\r\n\x1a\n" + (struct.pack(">I", 0) + b"tEXt" + b"\x00" * 4) * 30_000
    assert containers.find_metadata(io.BytesIO(endless)).xmp == b""
