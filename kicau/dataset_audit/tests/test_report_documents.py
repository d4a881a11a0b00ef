"""The report as a PDF: what it shows stays between its margins, also where a page ends in the middle of a row."""

from __future__ import annotations

import io
from types import SimpleNamespace

from pypdf import PdfReader
from reportlab.lib.pagesizes import A4

from kicau.base import pdf
from kicau.dataset_audit import report_documents


def test_rows_that_a_page_splits_stay_between_the_margins(db):
    hit = SimpleNamespace(
        shard="part-0001.parquet", first_byte=1, last_byte=9, words=9, of_words=9, kind="exact", place={}
    )
    texts = ["Kopi susu gula aren, kembali mulai Senin. " * (3 + n % 7) for n in range(40)]
    places = [SimpleNamespace(hit=hit, before="", match=text, after="", posts=[("item", text)]) for text in texts]
    sections = [
        report_documents.ReportSection("About", facts=[("Name", "Kopi")]),
        report_documents.ReportSection("Where", places=places),
        report_documents.ReportSection("How sure", table=[("Changed", "Planted", "Found", "Share")] * 3),
    ]
    made = report_documents.report_pdf(report_documents.ReportDocument("en", "A report", "A lead", sections))
    left, right = pdf.MARGIN_POINTS + pdf.FRAME_PADDING_POINTS, A4[0] - pdf.MARGIN_POINTS - pdf.FRAME_PADDING_POINTS
    starts: list[float] = []
    for page in PdfReader(io.BytesIO(made)).pages:

        def note(text, matrix, at, _font, _size):
            if text.strip() and not text.startswith("Page "):
                starts.append(round(matrix[4] + at[4], 1))

        page.extract_text(visitor_text=note)
    columns = {start for start in starts if starts.count(start) > 20}
    assert min(columns) == left
    assert all(left <= start < right for start in starts)
    assert len(columns) == 2, "every row begins where the head of its column does"
