"""The wholesale catalogue: a PDF of four pages with real shapes and real text, written out by hand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PIL import ImageColor

from kicau.demo.drawing.canvas import (
    AMBER,
    APRICOT,
    COCOA,
    CREAM,
    EMBER,
    ESPRESSO,
    LATTE,
    LEAF,
    PLUM,
    SAND,
    Point,
    blend,
)

PAGE_WIDTH, PAGE_HEIGHT = 540, 675  # points: the upright format that document posts are read in
BEZIER_CIRCLE = 0.5523  # how far a Bézier's handles reach to draw a quarter of a circle


def _literal(text: str) -> str:
    """The text as PDF writes strings."""
    return "(" + text.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)") + ")"


class CataloguePage:
    """One page; `y` runs downwards, as on the canvas."""

    def __init__(self, ground: str) -> None:
        self.ops = [f"1 0 0 -1 0 {PAGE_HEIGHT} cm"]
        self.rect(0, 0, PAGE_WIDTH, PAGE_HEIGHT, ground)

    def _fill(self, colour: str) -> str:
        return "{:.4f} {:.4f} {:.4f} rg".format(*(v / 255 for v in ImageColor.getrgb(colour)[:3]))

    def rect(self, x: float, y: float, w: float, h: float, fill: str) -> None:
        self.ops.append(f"{self._fill(fill)} {x:.2f} {y:.2f} {w:.2f} {h:.2f} re f")

    def arch(self, x: float, y: float, rx: float, ry: float, fill: str) -> None:
        """Half an ellipse standing on (`x`, `y`); a negative `ry` hangs from it."""
        k, j = rx * BEZIER_CIRCLE, ry * BEZIER_CIRCLE
        self.ops.append(
            f"{self._fill(fill)} {x - rx:.2f} {y:.2f} m {x - rx:.2f} {y - j:.2f} {x - k:.2f} {y - ry:.2f} {x:.2f} {y - ry:.2f} c "
            f"{x + k:.2f} {y - ry:.2f} {x + rx:.2f} {y - j:.2f} {x + rx:.2f} {y:.2f} c f"
        )

    def oval(self, x: float, y: float, rx: float, ry: float, fill: str) -> None:
        k, j = rx * BEZIER_CIRCLE, ry * BEZIER_CIRCLE
        self.ops.append(
            f"{self._fill(fill)} {x - rx:.2f} {y:.2f} m {x - rx:.2f} {y - j:.2f} {x - k:.2f} {y - ry:.2f} {x:.2f} {y - ry:.2f} c "
            f"{x + k:.2f} {y - ry:.2f} {x + rx:.2f} {y - j:.2f} {x + rx:.2f} {y:.2f} c "
            f"{x + rx:.2f} {y + j:.2f} {x + k:.2f} {y + ry:.2f} {x:.2f} {y + ry:.2f} c "
            f"{x - k:.2f} {y + ry:.2f} {x - rx:.2f} {y + j:.2f} {x - rx:.2f} {y:.2f} c f"
        )

    def shape(self, points: Sequence[Point], fill: str) -> None:
        path = " ".join(f"{x:.2f} {y:.2f} {'l' if i else 'm'}" for i, (x, y) in enumerate(points))
        self.ops.append(f"{self._fill(fill)} {path} f")

    def wisp(self, x: float, y: float, h: float, colour: str) -> None:
        """A curl of steam, one stroke with round ends."""
        stroke = self._fill(colour).upper()  # RG is rg for strokes
        self.ops.append(
            f"{stroke} 7 w 1 J {x:.2f} {y:.2f} m {x + 26:.2f} {y - h * 0.33:.2f} {x - 26:.2f} {y - h * 0.66:.2f} {x:.2f} {y - h:.2f} c S"
        )

    def text(self, x: float, y: float, text: str, size: float, fill: str, *, bold: bool = False) -> None:
        """One line standing on the baseline `y`; Latin-1 only."""
        self.ops.append(
            f"BT {self._fill(fill)} /{'B' if bold else 'R'} {size} Tf 1 0 0 -1 {x:.2f} {y:.2f} Tm {_literal(text)} Tj ET"
        )

    def lines(self, x: float, y: float, lines: Sequence[str], size: float, fill: str, *, bold: bool = False) -> None:
        for i, line in enumerate(lines):
            self.text(x, y + i * size * 1.35, line, size, fill, bold=bold)

    def cup(self, x: float, y: float, w: float, fill: str, band: str, behind: str) -> None:
        """A cup standing at (`x` centre, `y` foot); `behind` is seen through its handle."""
        h = w * 0.66
        self.oval(x, y, w * 0.8, w * 0.08, SAND)
        self.oval(x + w * 0.5, y - h * 0.6, w * 0.24, w * 0.2, blend(fill, ESPRESSO, 0.12))
        self.oval(x + w * 0.5, y - h * 0.6, w * 0.14, w * 0.11, behind)
        self.arch(x, y - h, w * 0.5, -h, fill)
        self.shape(
            [
                (x - w * 0.489, y - h * 0.8),
                (x + w * 0.489, y - h * 0.8),
                (x + w * 0.45, y - h * 0.58),
                (x - w * 0.45, y - h * 0.58),
            ],
            band,
        )
        self.oval(x, y - h, w * 0.5, w * 0.07, blend(fill, "#FFFFFF", 0.5))
        self.oval(x, y - h + 1, w * 0.45, w * 0.05, COCOA)


def _cover() -> CataloguePage:
    s = CataloguePage(EMBER)
    s.oval(270, 430, 210, 210, APRICOT)
    s.oval(270, 430, 160, 160, AMBER)
    s.rect(0, 560, PAGE_WIDTH, 115, ESPRESSO)
    s.cup(270, 578, 190, CREAM, LEAF, AMBER)
    for x in (236, 270, 304):
        s.wisp(x, 428, 92, CREAM)
    s.lines(44, 92, ["Coffee for", "your counter."], 52, CREAM, bold=True)
    s.text(46, 196, "Kopi Senja wholesale catalogue 2027", 17, CREAM)
    s.text(44, 640, "KOPI SENJA", 15, CREAM, bold=True)
    s.text(408, 640, "Bandung, Jawa Barat", 10, LATTE)
    return s


def _beans() -> CataloguePage:
    s = CataloguePage(CREAM)
    s.text(44, 80, "Five coffees", 40, ESPRESSO, bold=True)
    s.text(44, 106, "Prices in thousand rupiah a kilogram, whole bean, roasted on order", 11.5, COCOA)
    for x, head in ((330, "5 kg"), (398, "20 kg"), (466, "60 kg")):
        s.text(x, 150, head, 13, COCOA, bold=True)
    rows = [
        ("Puntang Natural", "jackfruit, palm sugar, black tea", (365, 340, 318), EMBER),
        ("Malabar Washed", "mandarin, jasmine, cane", (330, 308, 287), AMBER),
        ("Gayo Honey", "caramel, red apple, cedar", (352, 328, 305), LEAF),
        ("Senja Blend", "cocoa, roasted peanut, for milk", (248, 229, 212), PLUM),
        ("Decaf Malabar", "honey, toast, mountain water", (344, 322, 301), LATTE),
    ]
    for i, (name, notes, prices, colour) in enumerate(rows):
        y = 196 + i * 84
        s.oval(62, y - 2, 18, 13, colour)
        s.shape(
            [(46, y - 3), (62, y - 1), (78, y - 3), (78, y - 1), (62, y + 1), (46, y - 1)], blend(colour, ESPRESSO, 0.6)
        )
        s.text(94, y, name, 19, ESPRESSO, bold=True)
        s.text(94, y + 19, notes, 11.5, COCOA)
        for x, price in zip((330, 398, 466), prices, strict=True):
            s.text(x, y, str(price), 19, ESPRESSO, bold=True)
        s.rect(44, y + 40, 452, 1, SAND)
    s.text(44, 634, "Delivery within Bandung is free. Elsewhere in Java: Rp 9,000 a kilogram.", 11.5, COCOA)
    return s


def _steps() -> CataloguePage:
    s = CataloguePage(PLUM)
    s.text(44, 80, "How it works", 40, CREAM, bold=True)
    steps = [
        (
            "Taste",
            [
                "Book a cupping at Jalan Braga 47, Tuesdays at 15:00,",
                "or ask for a sample box: five coffees, 100 g each.",
            ],
        ),
        (
            "Order",
            [
                "Message us before Monday noon. We roast on Tuesday",
                "and Wednesday, never earlier, and print the date on the bag.",
            ],
        ),
        (
            "Dial in",
            [
                "Bima visits with a refractometer on your first delivery",
                "and leaves a recipe for your grinder and your water.",
            ],
        ),
        (
            "Repeat",
            ["Same beans, same roast curve. If a harvest changes,", "you hear it from us a month before you taste it."],
        ),
    ]
    for i, (title, lines) in enumerate(steps):
        y = 160 + i * 122
        s.oval(76, y + 18, 32, 32, (EMBER, APRICOT, AMBER, LEAF)[i])
        s.text(68, y + 28, str(i + 1), 28, CREAM if i in (0, 3) else ESPRESSO, bold=True)
        if i < 3:
            s.rect(75, y + 58, 2, 56, blend(PLUM, CREAM, 0.3))
        s.text(132, y + 8, title, 22, CREAM, bold=True)
        s.lines(132, y + 32, lines, 13, blend(CREAM, PLUM, 0.15))
    return s


def _closing() -> CataloguePage:
    s = CataloguePage(AMBER)
    s.arch(270, 675, 320, 320, APRICOT)
    s.arch(270, 675, 235, 235, EMBER)
    s.cup(270, 628, 150, CREAM, PLUM, EMBER)
    for x in (244, 270, 296):
        s.wisp(x, 508, 70, CREAM)
    s.lines(44, 92, ["Come by,", "the kettle's on."], 48, ESPRESSO, bold=True)
    s.lines(
        46,
        204,
        [
            "Sari Wulandari, wholesale",
            "grosir@kopi-senja.example.com",
            "kopi-senja.example.com/grosir",
            "Jalan Braga 47, Bandung",
        ],
        16,
        ESPRESSO,
    )
    return s


def write_catalogue(path: Path) -> None:
    """Write the catalogue; nothing in it depends on the clock, so every run gives the same bytes."""
    sheets = [_cover(), _beans(), _steps(), _closing()]
    fonts = "<< /R 4 0 R /B 5 0 R >>"
    kids = " ".join(f"{6 + 2 * i} 0 R" for i in range(len(sheets)))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R /Lang (en) /ViewerPreferences << /DisplayDocTitle true >> >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(sheets)} /MediaBox [0 0 {PAGE_WIDTH} {PAGE_HEIGHT}] /Resources << /Font {fonts} >> >>",
        f"<< /Title {_literal('Kopi Senja wholesale catalogue 2027')} /Author {_literal('Kopi Senja')} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica-Bold /Encoding /WinAnsiEncoding >>",
    ]
    for i, sheet in enumerate(sheets):
        body = "\n".join(sheet.ops)
        objects.append(f"<< /Type /Page /Parent 2 0 R /Contents {7 + 2 * i} 0 R >>")
        objects.append(f"<< /Length {len(body.encode('latin-1'))} >>\nstream\n{body}\nendstream")
    out, places = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"), []
    for number, entry in enumerate(objects, 1):
        places.append(len(out))
        out += f"{number} 0 obj\n{entry}\nendobj\n".encode("latin-1")
    table = len(out)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    out += "".join(f"{place:010d} 00000 n \n" for place in places).encode()
    out += f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R /Info 3 0 R >>\nstartxref\n{table}\n%%EOF\n".encode()
    path.write_bytes(bytes(out))
