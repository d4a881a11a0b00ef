"""An audit's report for people, as one HTML file and as PDF, in English or Indonesian: the same words in both.

It says "this data set contains these posts"; of a model trained on it, it says that this is another question.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

from django.utils import formats, timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from kicau.base import clock
from kicau.base import pdf as paper_of
from kicau.dataset_audit import evidence_wording
from kicau.dataset_audit.models import DatasetAudit
from kicau.dataset_audit.passages import CopyInContext, copies_in_context
from kicau.evidence import checkpoints, log

MAX_PLACES = 400  # places in a paper; all of them are in the bundle
REPORT_LANGUAGES = ("en", "id")
# Why a file could not be read to its end.
READ_FAULT_SENTENCES = {
    evidence_wording.CUT_FAULT: gettext_lazy(
        "The end of the dataset file {name} is missing. The search results include the part that Kicau could read."
    ),
    evidence_wording.DAMAGED_FAULT: gettext_lazy(
        "The dataset file {name} is damaged. The search results include the part that Kicau could read."
    ),
    evidence_wording.UNPACK_RATIO_FAULT: gettext_lazy(
        "For safety, Kicau stopped reading {name} because it unpacks to more than 400 times its size. The search results include the part that Kicau read."
    ),
    evidence_wording.PARQUET_FAULT: gettext_lazy(
        "The dataset file {name} is incomplete or not a Parquet data file, so Kicau did not search this file."
    ),
    evidence_wording.NO_TEXT_FAULT: gettext_lazy(
        "The dataset file {name} has no column with text, so Kicau did not search this file."
    ),
    evidence_wording.LOST_FAULT: gettext_lazy(
        "The dataset file {name} is missing or cannot be reached, so Kicau did not search this file."
    ),
    evidence_wording.NO_RECORD_FAULT: gettext_lazy("The dataset file {name} contains no text that Kicau can read."),
}


@dataclass(slots=True)
class ReportSection:
    """A heading, what is said under it, pairs of name and value, a table, and places."""

    heading: str = ""
    said: list[str] = field(default_factory=list)
    facts: list[tuple[str, str]] = field(default_factory=list)
    table: list[Sequence[str]] = field(default_factory=list)  # the first row is its head
    places: list[CopyInContext] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ReportDocument:
    """The report, in one language."""

    language: str
    title: str
    lead: str
    sections: Sequence[ReportSection]


def build_report(audit: DatasetAudit, language: str) -> ReportDocument:
    """Of an audit that is done; times in its workspace's zone."""
    with translation.override(language), timezone.override(clock.find_zone(audit.workspace.timezone)):
        shown = copies_in_context(audit, list(audit.hits.order_by("id")[:MAX_PLACES]))
        sections = [
            _about_section(audit),
            _places_section(audit, shown),
            _confidence_section(audit),
            _unread_section(audit),
            _verification_section(audit),
        ]
        return ReportDocument(
            language,
            _("Report: search for posts from {workspace} in the dataset “{name}”").format(
                name=audit.name, workspace=audit.workspace.name
            ),
            lead_sentence(audit),
            [s for s in sections if s],
        )


def lead_sentence(audit: DatasetAudit) -> str:
    """What was found, in a sentence."""
    if not audit.found:
        return _("Kicau found none of the posts in this dataset. This report also shows how reliable the search is.")
    return _("Posts found in this dataset: {posts}. Places in the dataset with a copy of a post: {places}.").format(
        posts=format_count(audit.found), places=format_count(audit.copies)
    )


def format_count(value: float) -> str:
    return str(formats.number_format(value, force_grouping=True))


def format_percent(share: float) -> str:
    return f"{formats.number_format(round(100 * share, 1))}%"


def copy_kind_label(kind: str) -> str:
    """A kind of copy in a few words."""
    return {
        "exact": pgettext("copy", "exact copy"),
        "normalised": pgettext("copy", "copy with the same words as the post but different formatting"),
        "near": pgettext("copy", "copy of most of the words of the post"),
        "partial": pgettext("copy", "copy of one text passage of the post"),
    }.get(kind, kind)


def sensitivity_rows(audit: DatasetAudit) -> list[tuple[str, str, str, str]]:
    """By share of words changed: planted, found, share and interval."""
    rows = audit.summary.get("sensitivity", {})
    return [
        (
            name.split()[0],
            format_count(r["tries"]),
            format_count(r["hits"]),
            f"{format_percent(r['share'])} ({format_percent(r['from'])} – {format_percent(r['to'])})",
        )
        for name, r in rows.items()
    ]


def sensitivity_by_length(audit: DatasetAudit) -> list[str]:
    """How many planted copies were found, by words of the post: a sentence each."""
    return [
        _("Test results for posts with {words} words: {rates}.").format(
            words=words,
            rates=", ".join(
                _("Kicau found {share} of the test copies in which {changed} of the words were changed").format(
                    share=format_percent(r["share"]), changed=name.split()[0]
                )
                for name, r in rates.items()
            ),
        )
        for words, rates in audit.summary.get("by_length", {}).items()
    ]


def chance_sentence(audit: DatasetAudit) -> str:
    """How often chance makes a pair, in a sentence."""
    told = audit.summary.get("chance", {})
    if not told.get("measured"):
        return _(
            "Kicau could not measure how often texts match by chance, because it has no comparison data (texts that cannot contain these posts). The search settings allow about one chance match in ten thousand texts."
        )
    return _(
        "To measure coincidences, Kicau also compared texts that cannot contain these posts: {hits} of {tries} matched by chance ({share}). With 95% confidence, the real rate is between {low} and {high}."
    ).format(
        hits=format_count(told["hits"]),
        tries=format_count(told["tries"]),
        share=_format_small_percent(told["share"]),
        low=_format_small_percent(told["from"]),
        high=_format_small_percent(told["to"]),
    )


def _format_small_percent(share: float) -> str:
    return f"{formats.number_format(round(100 * share, 3))}%"


def _about_section(audit: DatasetAudit) -> ReportSection:
    posts, data = audit.summary["posts"], audit.summary["data"]
    kinds = ", ".join(f"{format_count(n)} × {copy_kind_label(kind)}" for kind, n in audit.summary["kinds"].items())
    facts = [
        (
            _("Posts searched for"),
            _(
                "{given} posts with {different} different texts (a text that appears in several posts counts once)"
            ).format(given=format_count(posts["given"]), different=format_count(posts["different"])),
        ),
        (
            _("Data searched"),
            _("{texts} texts in {shards} dataset files with a total size of {size}").format(
                texts=format_count(data["documents"]),
                size=_format_bytes(data["unpacked_bytes"]),
                shards=format_count(len(data["shards"])),
            ),
        ),
        (_("Copies found in the dataset"), kinds or _("no copies found")),
        (
            _("Posts that are too short for a reliable match"),
            _("{n} posts with so few or such common words that a match could be a coincidence").format(
                n=format_count(posts["too_short_to_tell"])
            ),
        ),
        (
            pgettext("day", "Search finished on"),
            formats.date_format(timezone.localtime(audit.finished_at), "DATETIME_FORMAT") if audit.finished_at else "",
        ),
    ]
    more = audit.summary.get("not_listed", 0)
    if more:
        facts.append((_("Copies that are counted but not listed in this report"), format_count(more)))
    return ReportSection(
        said=[
            _(
                "A post in a dataset does not prove that an AI model was trained on this post. No search in a dataset can prove such training."
            )
        ],
        facts=facts,
    )


def _places_section(audit: DatasetAudit, shown: list[CopyInContext]) -> ReportSection:
    said = []
    if audit.copies > len(shown):
        said.append(
            _(
                "This list shows the first {shown} of {all} places in the dataset where Kicau found copies. The evidence file lists all of them."
            ).format(shown=format_count(len(shown)), all=format_count(audit.copies))
        )
    return (
        ReportSection(_("Where the copies of your posts are in the dataset"), said=said, places=shown)
        if shown
        else ReportSection()
    )


def _confidence_section(audit: DatasetAudit) -> ReportSection:
    said = [
        _(
            "To measure how many copies the search finds, Kicau mixed reworded copies of posts (test copies) into texts from this dataset. The more test copies Kicau found, the more reliable is the result “not found”."
        )
    ]
    table: list[Sequence[str]] = [
        (
            _("Percentage of words changed in the test copies"),
            _("Number of test copies (reworded copies of your posts)"),
            _("Number of test copies that Kicau found"),
            _("Percentage of test copies found (95% confidence interval)"),
        ),
        *sensitivity_rows(audit),
    ]
    said += [chance_sentence(audit), *sensitivity_by_length(audit)]
    return ReportSection(
        _("How reliable the result of this dataset search is"), said=said, table=table if len(table) > 1 else []
    )


def _unread_section(audit: DatasetAudit) -> ReportSection:
    return ReportSection(
        _("Dataset files that Kicau did not read completely"),
        said=unread_sentences(audit) or [_("Kicau read all files of this dataset completely.")],
    )


def unread_sentences(audit: DatasetAudit) -> list[str]:
    """A sentence about each file that could not be read to its end, or for which there is no reader."""
    data = audit.summary["data"]
    said = [_read_fault_sentence(name, why) for name, why in data["failed"].items()]
    return said + [
        _("Kicau did not search the dataset file {name}, because it cannot read this kind of file.").format(name=name)
        for name in data["skipped"][:100]
    ]


def _read_fault_sentence(name: str, why: str) -> str:
    known = READ_FAULT_SENTENCES.get(why.removeprefix(f"{name}: "))
    return (
        str(known).format(name=name)
        if known
        else _(
            "Kicau could read only part of one file of the dataset. The search results include this part. Reason: {why}"
        ).format(why=why)
    )


def _verification_section(audit: DatasetAudit) -> ReportSection:
    if not audit.bundle_sha256:
        return ReportSection()
    name, key = log.signing_key()
    public = checkpoints.public_bytes(key.public_key())

    facts = [
        (_("Checksum of the evidence file (SHA-256)"), audit.bundle_sha256),
        (
            _("Key fingerprint (SHA-256): the code for checking who signed the evidence file"),
            hashlib.sha256(public).hexdigest(),
        ),
        (_("Name of the evidence log"), name),
        (
            _("Command that checks this report"),
            "python3 verify.py evidence.json --key " + hashlib.sha256(public).hexdigest(),
        ),
    ]
    return ReportSection(
        _("How other people can check this report"),
        said=[
            _(
                "The evidence file contains this signed report, each text passage found, and the proof that each post was in the evidence log. Anyone can check it without Kicau by running the program verify.py. The check fails if anything in the evidence file was changed."
            )
        ],
        facts=facts,
    )


def _format_bytes(size: int) -> str:
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= factor:
            return f"{format_count(round(size / factor, 1))} {unit}"
    return f"{format_count(size)} B"


# HTML

HTML_STYLE = """
body{font:16px/1.55 system-ui,sans-serif;color:#17211d;background:#f6f3ec;margin:0;padding:2rem 1rem}main{max-width:52rem;margin:auto;background:#fff;padding:2.5rem;border-radius:14px}
h1{font-size:1.6rem;line-height:1.25;margin:0 0 .75rem}h2{font-size:1.2rem;margin:2rem 0 .5rem}.lead{font-size:1.2rem;font-weight:700;color:#0c6649;margin:.5rem 0 1rem}
dl{display:grid;grid-template-columns:minmax(9rem,max-content) minmax(0,1fr);gap:.3rem 1.25rem}dt{color:#525a54}dd{margin:0;overflow-wrap:anywhere}table{border-collapse:collapse;width:100%}
th,td{text-align:left;padding:.4rem .6rem;border-bottom:1px solid #e2dccf}th{color:#525a54;font-size:.85rem}.place{border-top:1px solid #e2dccf;padding:1rem 0;display:grid;grid-template-columns:1fr 1fr;gap:.5rem 1.5rem}
.place header{grid-column:1/-1;color:#525a54;font-size:.85rem;overflow-wrap:anywhere}.place p{margin:0;white-space:pre-line;overflow-wrap:anywhere}.place small{display:block;color:#525a54}mark{background:#faecce;box-shadow:inset 0 -2px 0 #7a4f00}
@media(max-width:40rem){main{padding:1.25rem}.place,dl{grid-template-columns:minmax(0,1fr)}}@media print{body{background:#fff;padding:0}.place{break-inside:avoid}}
"""


def report_html(made: ReportDocument) -> str:
    """One file that needs nothing else."""
    with translation.override(made.language):
        body = "\n".join(_section_html(section) for section in made.sections)
    return f'<!doctype html>\n<html lang="{made.language}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{escape(made.title)}</title><style>{HTML_STYLE}</style></head><body><main><h1>{escape(made.title)}</h1><p class="lead">{escape(made.lead)}</p>\n{body}\n</main></body></html>\n'


def _section_html(section: ReportSection) -> str:
    parts = [f"<h2>{escape(section.heading)}</h2>"] if section.heading else []
    parts += [f"<p>{escape(text)}</p>" for text in section.said]
    if section.facts:
        parts.append("<dl>" + "".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in section.facts) + "</dl>")
    if section.table:
        head, *rows = section.table
        cells = "".join("<tr>" + "".join(f"<td>{escape(c)}</td>" for c in row) + "</tr>" for row in rows)
        parts.append(
            f"<table><thead><tr>{''.join(f'<th>{escape(c)}</th>' for c in head)}</tr></thead><tbody>{cells}</tbody></table>"
        )
    parts += [_place_html(place) for place in section.places]
    return "\n".join(parts)


def _place_html(place: CopyInContext) -> str:
    post = "<br>".join(
        f"{escape(text or _withdrawn_sentence())}<small>{escape(item)}</small>" for item, text in place.posts
    )
    return (
        f'<section class="place"><header>{escape(f"{place_sentence(place)} · {copy_kind_label(place.hit.kind)}")}</header><p><small>{escape(_("Your post"))}</small>{post}</p>'
        f"<p><small>{escape(_('Text in the dataset'))}</small>{escape(place.before)}<mark>{escape(place.match)}</mark>{escape(place.after)}</p></section>"
    )


def _withdrawn_sentence() -> str:
    return _("The text of this post was removed and is no longer stored in Kicau.")


def place_sentence(place: CopyInContext) -> str:
    """Where a copy stands, and how much of the post is there."""
    hit = place.hit
    inside = "".join(f" · {name} {value}" for name, value in hit.place.items())
    return _("File {shard}, bytes {first} to {last}{inside} · {words} of the post's {of} words match").format(
        shard=hit.shard,
        first=format_count(hit.first_byte),
        last=format_count(hit.last_byte),
        inside=inside,
        words=hit.words,
        of=hit.of_words,
    )


# PDF


def report_pdf(made: ReportDocument) -> bytes:
    """A4. A letter that its font lacks stands as its number, such as [U+1F600]; the HTML file shows it."""
    with translation.override(made.language):
        return paper_of.build_pdf(
            _pdf_elements(made), title=made.title, language=made.language, page=_("Page {n} of {all}")
        )


def _pdf_elements(made: ReportDocument) -> Iterator[Any]:
    from reportlab.lib import colors
    from reportlab.platypus import Paragraph, Spacer, Table, TableStyle

    styles = paper_of.paragraph_styles()
    yield Paragraph(paper_of.escape_markup(made.title), styles["title"])
    yield Paragraph(paper_of.escape_markup(made.lead), styles["lead"])
    plain = TableStyle(
        [
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("LINEBELOW", (0, 0), (-1, -1), 0.25, colors.lightgrey),
            ("LEFTPADDING", (0, 0), (0, -1), 0),
        ]
    )
    for section in made.sections:
        if section.heading:
            yield Paragraph(paper_of.escape_markup(section.heading), styles["heading"])
        for text in section.said:
            yield Paragraph(paper_of.escape_markup(text), styles["text"])
        rows = [
            [Paragraph(paper_of.escape_markup(c), styles["small"]) for c in row]
            for row in [*section.facts, *section.table]
        ]
        if rows:
            named = [120, paper_of.TEXT_WIDTH_POINTS - 120]
            widths = named if section.facts else [paper_of.TEXT_WIDTH_POINTS / len(rows[0])] * len(rows[0])
            yield Table(rows, colWidths=widths, style=plain, hAlign="LEFT", splitInRow=1)
        for place in section.places:
            yield Spacer(1, 8)
            yield Paragraph(
                paper_of.escape_markup(f"{place_sentence(place)} · {copy_kind_label(place.hit.kind)}"), styles["small"]
            )
            post = "<br/>".join(
                f"{paper_of.escape_markup(text or _withdrawn_sentence())}<br/><font size=7>{paper_of.escape_markup(item)}</font>"
                for item, text in place.posts
            )
            said = f"{paper_of.escape_markup(place.before)}<font backColor='#faecce'>{paper_of.escape_markup(place.match)}</font>{paper_of.escape_markup(place.after)}"
            heads = [
                Paragraph(paper_of.escape_markup(_("Your post")), styles["small"]),
                Paragraph(paper_of.escape_markup(_("Text in the dataset")), styles["small"]),
            ]
            yield Table(
                [heads, [Paragraph(post, styles["text"]), Paragraph(said, styles["text"])]],
                colWidths=[paper_of.TEXT_WIDTH_POINTS / 2] * 2,
                style=plain,
                hAlign="LEFT",
                splitInRow=1,
            )
