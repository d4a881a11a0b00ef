"""A cost statement as a PDF document."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.utils import formats, translation
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext as _

from kicau.base import clock, pdf
from kicau.cost_reports.cost_statements import NO_PERSON_LABEL, CostLine, CostStatement
from kicau.costs import amounts
from kicau.costs.display_currency import CurrencyDisplay

if TYPE_CHECKING:
    from reportlab.platypus import Flowable


def render_statement_pdf(told: CostStatement, display: CurrencyDisplay | None = None, language: str = "") -> bytes:
    """A4, to send with a bill, in `language` (the active one). Amounts to their last place, also as `display` has them."""
    from reportlab.platypus import Paragraph, Spacer

    display = display or CurrencyDisplay()
    styles, written = pdf.paragraph_styles(), pdf.escape_markup
    with translation.override(language or get_language()):
        month = formats.date_format(told.begins_at.astimezone(clock.find_zone(told.zone)), "F Y")
        title = _("Social network costs in {month}").format(month=month)
        total = " + ".join(amounts.format_with_conversion(display, micro, currency) for currency, micro in told.totals)
        story: list[Any] = [
            Paragraph(written(told.workspace), styles["text"]),
            Paragraph(written(title), styles["title"]),
            Paragraph(written(total or _("No costs")), styles["lead"]),
            Paragraph(written(" ".join(_period_sentences(told, display))), styles["small"]),
        ]
        for heading, lines, nobody in (
            (_("Costs by network"), told.networks, ""),
            (_("Costs by campaign"), told.campaigns, _("API calls that belong to no campaign")),
            (_("Costs by channel"), told.channels, _("API calls that belong to no channel")),
            (_("Costs by person"), told.people, _("API calls that Kicau made automatically")),
            (_("Costs by purpose"), [replace(line, label=gettext(line.label)) for line in told.purposes], ""),
        ):
            story += _table_of(heading, lines, nobody, display)
        story += _table_of(_("Costs by type of API usage"), told.meters, "", display, with_units=True)
        story += [
            Spacer(1, 14),
            *(Paragraph(written(sentence), styles["small"]) for sentence in amounts.rate_sentences(display)),
        ]
        return pdf.build_pdf(
            story,
            title=f"{told.workspace}: {title}",
            language=get_language() or "en",
            page=_("Page {n} of {all}"),
            footer=f"{told.workspace} · {month}",
        )


def _period_sentences(told: CostStatement, display: CurrencyDisplay) -> Iterable[str]:
    """What the amounts are of, when they were added up, and how much of them is uncertain."""
    tz, now = clock.find_zone(told.zone), clock.now()
    first, last = told.begins_at.astimezone(tz), (told.ends_at - timedelta(seconds=1)).astimezone(tz)
    yield _(
        "What the social networks charged for API calls (requests by Kicau) from {first} to {last} (time zone: {zone})."
    ).format(
        first=formats.date_format(first, "DATE_FORMAT"),
        last=formats.date_format(last, "DATE_FORMAT"),
        zone=told.zone,
    )
    yield (
        _("This cost statement was created on {day}, before the month ended. Later costs are missing.")
        if now < told.ends_at
        else _("This cost statement was created on {day}.")
    ).format(day=formats.date_format(now.astimezone(tz), "DATE_FORMAT"))
    if told.uncertain:
        yield _(
            "{n} of the total costs is not certain. Kicau received no reply to some API calls, or the network may charge a different price."
        ).format(n=amounts.format_with_conversion(display, told.uncertain, told.totals[0][0]))


def _table_of(
    heading: str,
    lines: Iterable[CostLine],
    nobody: str,
    display: CurrencyDisplay,
    *,
    with_units: bool = False,
) -> list[Flowable]:
    """A heading and its table; nothing where there are no lines. `nobody` names what belongs to none of them."""
    from reportlab.lib import colors
    from reportlab.lib.styles import ParagraphStyle
    from reportlab.platypus import KeepTogether, Paragraph, Table, TableStyle

    styles, written = pdf.paragraph_styles(), pdf.escape_markup
    label = ParagraphStyle("label", parent=styles["text"], fontSize=8.5, leading=11, spaceAfter=0)
    look = TableStyle(
        [
            ("FONT", (0, 0), (-1, -1), "Vera", 8.5),
            ("FONT", (0, 0), (-1, 0), "Vera-Bold", 8.5),
            ("ALIGN", (1, 0), (-1, -1), "RIGHT"),
            ("LINEBELOW", (0, 0), (-1, 0), 0.6, colors.black),
            ("LINEBELOW", (0, 1), (-1, -1), 0.25, colors.lightgrey),
            ("LEFTPADDING", (0, 0), (0, -1), 0),
            ("RIGHTPADDING", (-1, 0), (-1, -1), 0),
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ]
    )
    rows: list[list[Any]] = [
        [
            Paragraph(written(nobody if nobody and line.label == NO_PERSON_LABEL else line.label), label),
            _format_number(line.calls),
            _format_number(line.units) if with_units else "",
            amounts.format_with_conversion(display, line.micro, line.currency) if line.currency else "–",
        ]
        for line in lines
    ]
    if not rows:
        return []
    head = ["", _("API calls"), _("Usage in the units that the network charges for") if with_units else "", _("Cost")]
    table = Table([head, *rows], colWidths=[247, 50, 50, 140], style=look, hAlign="LEFT", repeatRows=1)
    title = Paragraph(written(heading), styles["heading"])
    return [KeepTogether([title, table])] if len(rows) < 29 else [title, table]


def _format_number(n: int) -> str:
    return str(formats.number_format(n, use_l10n=True, force_grouping=True))
