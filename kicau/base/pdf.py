"""What every PDF of ours is set in: A4, letters of Latin, Greek and Cyrillic, numbered pages."""

from __future__ import annotations

import io
from collections.abc import Iterable
from functools import cache
from html import escape
from typing import Any

MARGIN_POINTS, FRAME_PADDING_POINTS = 48, 6  # points; the latter is what reportlab's own frame adds
# Of what stands between the margins of A4, in points. A table is exactly as wide, or less: reportlab centres the rest of
# a row that it splits at a page's end, so that a wider table would stick out there.
TEXT_WIDTH_POINTS = 595.27 - 2 * (MARGIN_POINTS + FRAME_PADDING_POINTS)


def build_pdf(story: Iterable[Any], *, title: str, language: str, page: str, footer: str = "") -> bytes:
    """The file. At the foot of each page stand `footer` and `page`, such as "Page {n} of {all}"."""
    from reportlab.lib.pagesizes import A4
    from reportlab.pdfgen.canvas import Canvas
    from reportlab.platypus import SimpleDocTemplate

    paragraph_styles()

    class Numbered(Canvas):  # type: ignore[misc]
        """Keeps its pages until it is known how many there are."""

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.kept: list[dict[str, Any]] = []

        def showPage(self) -> None:
            self.kept.append(dict(self.__dict__))
            self._startPage()

        def save(self) -> None:
            for n, kept in enumerate(self.kept, 1):
                self.__dict__.update(kept)
                self.setFont("Vera", 8)
                self.drawString(MARGIN_POINTS + FRAME_PADDING_POINTS, 28, replace_missing_glyphs(footer))
                self.drawRightString(
                    A4[0] - MARGIN_POINTS - FRAME_PADDING_POINTS, 28, page.format(n=n, all=len(self.kept))
                )
                super().showPage()
            super().save()

    out = io.BytesIO()
    document = SimpleDocTemplate(
        out,
        pagesize=A4,
        title=title,
        author="Kicau",
        lang=language,
        leftMargin=MARGIN_POINTS,
        rightMargin=MARGIN_POINTS,
        topMargin=MARGIN_POINTS,
        bottomMargin=MARGIN_POINTS,
    )
    document.build(list(story), canvasmaker=Numbered)
    return out.getvalue()


@cache
def paragraph_styles() -> dict[str, Any]:
    """Paragraph styles by name: title, lead, heading, text, small."""
    from reportlab.lib.colors import HexColor
    from reportlab.lib.styles import ParagraphStyle
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont

    for name, file in (("Vera", "Vera.ttf"), ("Vera-Bold", "VeraBd.ttf")):
        pdfmetrics.registerFont(TTFont(name, file))
    ink, soft, leaf = HexColor("#17211d"), HexColor("#525a54"), HexColor("#0c6649")
    return {
        "title": ParagraphStyle("title", fontName="Vera-Bold", fontSize=17, leading=22, textColor=ink, spaceAfter=6),
        "lead": ParagraphStyle("lead", fontName="Vera-Bold", fontSize=12, leading=17, textColor=leaf, spaceAfter=8),
        "heading": ParagraphStyle(
            "heading",
            fontName="Vera-Bold",
            fontSize=12,
            leading=16,
            textColor=ink,
            spaceBefore=16,
            spaceAfter=4,
            keepWithNext=1,
        ),
        "text": ParagraphStyle(
            "text", fontName="Vera", fontSize=9, leading=13, textColor=ink, spaceAfter=4, splitLongWords=1
        ),
        "small": ParagraphStyle("small", fontName="Vera", fontSize=8, leading=11, textColor=soft, splitLongWords=1),
    }


def replace_missing_glyphs(text: str) -> str:
    """What the font lacks is named, such as [U+1F600]."""
    from reportlab.pdfbase import pdfmetrics

    paragraph_styles()
    known = pdfmetrics.getFont("Vera").face.charToGlyph
    return "".join(c if ord(c) in known or c == "\n" else " " if c.isspace() else f"[U+{ord(c):04X}]" for c in text)


def escape_markup(text: str) -> str:
    """For a paragraph: what would be markup is none."""
    return escape(replace_missing_glyphs(text), quote=False).replace("\n", "<br/>")
