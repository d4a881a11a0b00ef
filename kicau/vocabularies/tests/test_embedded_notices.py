"""A licence is found wherever a file names it: each carrier written by a library of others, and read here."""

from __future__ import annotations

import io
import struct

import pyexiv2
import pypdf
import pytest
from PIL import Image, PngImagePlugin

from kicau.vocabularies import containers
from kicau.vocabularies.sources import scan_file
from kicau.vocabularies.terms import combine_declarations

DEED = "https://creativecommons.org/licenses/by-nd/4.0/"
SENTENCE = f"© 2026 Sari. This work is licensed under CC BY-ND 4.0, see {DEED}."
COPYRIGHT_TAG = 0x8298


def packet(*fields):
    return f"""<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF
    xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:xmpRights="http://ns.adobe.com/xap/1.0/rights/"
    xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:plus="http://ns.useplus.org/ldf/xmp/1.0/"
    xmlns:cc="http://creativecommons.org/ns#"><rdf:Description rdf:about="">{"".join(fields)}</rdf:Description>
    </rdf:RDF></x:xmpmeta><?xpacket end="w"?>""".encode()


HOME = "<xmpRights:WebStatement>https://sari.example/</xmpRights:WebStatement>"
TERMS = f'<xmpRights:UsageTerms><rdf:Alt><rdf:li xml:lang="x-default">{SENTENCE}</rdf:li><rdf:li xml:lang="id">Lisensi CC BY-ND 4.0</rdf:li></rdf:Alt></xmpRights:UsageTerms>'
ZERO = '<cc:license rdf:resource="https://creativecommons.org/publicdomain/zero/1.0/"/>'
LICENSOR = f'<plus:Licensor><rdf:Seq><rdf:li rdf:parseType="Resource"><plus:LicensorURL>{DEED}</plus:LicensorURL></rdf:li></rdf:Seq></plus:Licensor>'
RIGHTS = '<dc:rights><rdf:Alt><rdf:li xml:lang="x-default">{}</rdf:li></rdf:Alt></dc:rights>'


def saved(kind, **how):
    out = io.BytesIO()
    Image.new("RGB", (16, 16), "brown").save(out, kind, **how)
    return out.getvalue()


def exif(text=SENTENCE):
    found = Image.Exif()
    found[COPYRIGHT_TAG] = text
    return found.tobytes()


def png(key, text, **how):
    told = PngImagePlugin.PngInfo()
    told.add_text(key, text, **how)
    return saved("PNG", pnginfo=told)


def png_with_itxt(key, text):
    told = PngImagePlugin.PngInfo()
    told.add_itxt(key, text, zip=True)
    return saved("PNG", pnginfo=told)


def with_iim():
    with pyexiv2.ImageData(saved("JPEG")) as image:
        image.modify_iptc({"Iptc.Application2.Copyright": SENTENCE})
        return image.get_bytes()


def gif():
    data = saved("GIF")
    at = 13 + (3 << ((data[10] & 7) + 1) if data[10] & 0x80 else 0)
    trailer = b"\x01" + bytes(range(255, -1, -1)) + b"\x00"
    return data[:at] + b"\x21\xff\x0bXMP DataXMP" + packet(HOME, TERMS) + trailer + data[at:]


def pdf(*, packed):
    writer = pypdf.PdfWriter()
    writer.add_blank_page(100, 100)
    stream = pypdf.generic.StreamObject()
    stream._data = packet(HOME, TERMS)
    stream[pypdf.generic.NameObject("/Type")] = pypdf.generic.NameObject("/Metadata")
    stream[pypdf.generic.NameObject("/Subtype")] = pypdf.generic.NameObject("/XML")
    added = writer._add_object(stream.flate_encode() if packed else stream)
    writer._root_object[pypdf.generic.NameObject("/Metadata")] = added
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def tiff_with_xmp():
    found = Image.Exif()
    found[700] = packet(HOME, TERMS)
    return saved("TIFF", exif=found)


def values(data):
    return combine_declarations(one for s in scan_file("a", io.BytesIO(data)) for one in s.declarations)


FILES = {
    "JPEG, XMP behind a home page": lambda: saved("JPEG", xmp=packet(HOME, TERMS)),
    "JPEG, XMP that names CC0 too": lambda: saved("JPEG", xmp=packet(ZERO, TERMS)),
    "JPEG, LicensorURL": lambda: saved("JPEG", xmp=packet(HOME, LICENSOR)),
    "JPEG, rights": lambda: saved("JPEG", xmp=packet(HOME, RIGHTS.format("© Sari. All rights reserved."))),
    "JPEG, Exif": lambda: saved("JPEG", exif=exif()),
    "JPEG, Exif beside XMP": lambda: saved("JPEG", exif=exif(), xmp=packet(ZERO)),
    "JPEG, IIM": with_iim,
    "PNG, text": lambda: png("Copyright", SENTENCE),
    "PNG, packed text": lambda: png("Copyright", SENTENCE, zip=True),
    "PNG, packed international text": lambda: png_with_itxt("License", SENTENCE),
    "PNG, Exif": lambda: saved("PNG", exif=exif()),
    "PNG, ImageMagick's profile": lambda: png(
        "Raw profile type exif", f"\nexif\n{len(exif()):8}\n{exif().hex()}\n", zip=True
    ),
    "PNG, XMP": lambda: png_with_itxt("XML:com.adobe.xmp", packet(HOME, TERMS).decode()),
    "WebP, Exif": lambda: saved("WEBP", exif=exif()),
    "GIF, XMP": gif,
    "GIF, comment": lambda: saved("GIF", comment=SENTENCE.encode()),
    "TIFF, tag": lambda: saved("TIFF", exif=exif()),
    "TIFF, XMP": tiff_with_xmp,
    "AVIF, XMP": lambda: saved("AVIF", xmp=packet(HOME, TERMS)),
    "AVIF, Exif": lambda: saved("AVIF", exif=exif()),
    "PDF, XMP": lambda: pdf(packed=False),
    "PDF, packed XMP": lambda: pdf(packed=True),
}


@pytest.mark.parametrize("name", FILES)
def test_what_forbids_derivatives_is_found(name):
    data = FILES[name]()
    assert values(data)["train_gen"] == "deny"
    for cut in range(0, len(data), max(1, len(data) // 60)):  # whatever is missing or wrong, nothing breaks
        values(data[:cut])
        values(data[:cut] + bytes([data[cut] ^ 0x5A]) + data[cut + 1 :])


@pytest.mark.parametrize(
    "data",
    [
        saved("JPEG", exif=exif("© 2026 Sari")),
        saved("JPEG", exif=exif("Copyright Kopi Senja")),
        saved("JPEG", xmp=packet(HOME, RIGHTS.format("© 2026 Sari"))),
        png("Comment", SENTENCE),
        saved("JPEG"),
    ],
)
def test_an_owner_and_a_year_say_nothing(data):
    assert values(data) == {}


def test_a_packet_in_photoshops_resources_is_found():
    body = packet(HOME, TERMS)
    resource = b"8BIM" + struct.pack(">HHI", 0x0424, 0, len(body)) + body + b"\x00" * (len(body) % 2)
    segment = b"\xff\xed" + struct.pack(">H", len(resource) + 16) + b"Photoshop 3.0\x00" + resource
    data = saved("JPEG")
    assert containers.find_metadata(io.BytesIO(data[:2] + segment + data[2:])).xmp == body
