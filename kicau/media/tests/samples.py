"""Small files of every type, made on the spot."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from functools import cache

import av
from PIL import Image


def picture(size: tuple[int, int] = (60, 40), mode: str = "RGB") -> Image.Image:
    """A gradient with some detail, so that qualities and truncation show."""
    wide = Image.linear_gradient("L").resize(size)
    high = wide.rotate(90).resize(size)
    image = Image.merge("RGB", (wide, high, Image.effect_noise(size, 30)))
    return image.convert(mode)


def saved(image: Image.Image, form: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def animation(frames: int = 4, form: str = "GIF", **options: object) -> bytes:
    first, *more = [Image.new("RGB", (32, 24), (n * 40 % 256, 80, 255 - n * 40 % 256)) for n in range(frames)]
    return saved(first, form, save_all=True, append_images=more, **{"duration": 50, "loop": 0, **options})


@cache
def video(form: str = "mp4", codec: str = "mpeg4", sound: str = "", dark: int = 0, **options: str) -> bytes:
    """Ten frames of 64×48 at 10 a second, the first `dark` of them black."""
    out = io.BytesIO()
    with av.open(out, "w", format=form, options=options) as box:
        stream = box.add_stream(codec, rate=10)
        stream.width, stream.height, stream.pix_fmt, stream.gop_size = 64, 48, "yuv420p", 1
        voice = box.add_stream(sound, rate=48000) if sound else None
        for n in range(10):
            frame = av.VideoFrame.from_image(Image.new("RGB", (64, 48)) if n < dark else picture((64, 48)))
            box.mux(stream.encode(frame))
        box.mux(stream.encode())
        if voice:
            for n in range(20):
                sample = av.AudioFrame(format="fltp", layout="mono", samples=1024)
                sample.rate, sample.pts = 48000, n * 1024
                sample.planes[0].update(bytes(sample.planes[0].buffer_size))
                box.mux(voice.encode(sample))
            box.mux(voice.encode())
    return out.getvalue()


def header_first(data: bytes) -> bytes:
    """The same MP4 with its header before its content, as it is made for the web."""
    boxes, at = [], 0
    while at < len(data):
        length = int.from_bytes(data[at : at + 4])
        boxes.append(data[at : at + length])
        at += length
    header = bytearray(next(b for b in boxes if b[4:8] == b"moov"))
    at = header.index(b"stco") + 8
    count = int.from_bytes(header[at : at + 4])
    offsets = struct.unpack_from(f">{count}I", header, at + 4)
    struct.pack_into(f">{count}I", header, at + 4, *(o + len(header) for o in offsets))
    rest = [b for b in boxes[1:] if b[4:8] != b"moov"]
    return b"".join((boxes[0], bytes(header), *rest))


def turned(data: bytes) -> bytes:
    """The same MP4, to be shown a quarter turned."""
    at = data.index(b"tkhd") + 4 + 40
    return data[:at] + struct.pack(">5i", 0, 1 << 16, 0, -(1 << 16), 0) + data[at + 20 :]


def pdf(pages: int = 3) -> bytes:
    import pypdf

    writer, out = pypdf.PdfWriter(), io.BytesIO()
    for _ in range(pages):
        writer.add_blank_page(width=200, height=100)
    writer.write(out)
    return out.getvalue()


def zipped(**files: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as box:
        for name, data in files.items():
            box.writestr(name.replace("__", "/"), data)
    return out.getvalue()


def word(pages: int = 7) -> bytes:
    return zipped(
        **{
            "[Content_Types].xml": b"<Types/>",
            "word/document.xml": b"<w/>",
            "docProps/app.xml": b"<Properties><Pages>%d</Pages></Properties>" % pages,
        }
    )


def slides(count: int = 2) -> bytes:
    pages = {f"ppt/slides/slide{n}.xml": b"<p/>" for n in range(count)}
    return zipped(**{"[Content_Types].xml": b"<Types/>", "ppt/presentation.xml": b"<p/>", **pages})


def old_office(*names: str) -> bytes:
    """An OLE file of three sectors: its header, its allocation table and its directory."""
    head = bytearray(512)
    head[:8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
    struct.pack_into("<HHHHH", head, 24, 0x3E, 3, 0xFFFE, 9, 6)
    struct.pack_into("<I", head, 48, 1)
    struct.pack_into("<109I", head, 76, 0, *[0xFFFFFFFF] * 108)
    table = struct.pack("<128I", 0xFFFFFFFD, 0xFFFFFFFE, *[0xFFFFFFFF] * 126)
    rows = b""
    for kind, name in ((5, "Root Entry"), *((2, n) for n in names)):
        text = name.encode("utf-16-le") + b"\0\0"
        rows += text.ljust(64, b"\0") + struct.pack("<HB", len(text), kind) + bytes(61)
    return bytes(head) + table + rows.ljust(512, b"\0")


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def huge_png(width: int = 50_000, height: int = 50_000) -> bytes:
    """A few hundred bytes that would unpack to gigabytes."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(bytes(100_000)))
        + chunk(b"IEND", b"")
    )


def box(name: bytes, *bodies: bytes) -> bytes:
    body = b"".join(bodies)
    return struct.pack(">I4s", 8 + len(body), name) + body
