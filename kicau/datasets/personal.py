"""Personal data in texts, as people in Indonesia write it, found and replaced; what was replaced is told for review.

Found: e-mail addresses, telephone numbers, NIK and NPWP (by their check rules), payment cards, bank accounts named as
such, street addresses and handles. Not found: names, which need a model that ships with no package.
"""

from __future__ import annotations

import re

import phonenumbers
from stdnum import luhn
from stdnum.id import nik, npwp

from kicau.datasets.options import LABELS, Span

REGION = "ID"  # whose way of writing numbers without a country is understood

EMAIL = re.compile(r"(?<![\w@.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
HANDLE = re.compile(r"(?<![\w@/.])@[A-Za-z0-9_](?:[\w.-]*\w)?(?:@[\w-]+(?:\.[\w-]+)+)?")
DIGITS = re.compile(r"(?<![\w.])\+?\(?\d(?:[ .()/-]{0,2}\d){7,18}(?!\w)")
ACCOUNT = re.compile(
    r"(?i)\b(?:no\.?\s*rek(?:ening)?|rek(?:ening)?|norek|a/c|acc(?:ount)?(?:\s+(?:no|number))?)\b[^\d\n]{0,24}(\d(?:[ .-]?\d){6,17})(?!\d)"
)
ADDRESS = re.compile(
    r"(?i)\b(?:jl|jln|jalan|gg|gang)\b\.?\s+[^\n,;]{2,40}?\s+(?:no\.?|nomor)\s*\d+\w?(?:\s*[,/]?\s*rt\.?\s*\d+(?:\s*/?\s*rw\.?\s*\d+)?)?"
)
NUMBER = re.compile(r"\d(?:[ .()/-]{0,2}\d){7}")  # what DIGITS needs at least
# Words of which an account and an address have one: looking for these first is cheaper by far than the patterns.
ACCOUNTS, STREETS = ("rek", "a/c", "acc"), ("jl", "jalan", "gg", "gang")


def find(text: str) -> list[Span]:
    """Not overlapping, in their order."""
    small = text.lower()
    named = "@" in text
    found = [Span("email", *m.span()) for m in EMAIL.finditer(text)] if named else []
    if any(word in small for word in ACCOUNTS):
        found += [Span("account", *m.span(1)) for m in ACCOUNT.finditer(text)]
    if any(word in small for word in STREETS):
        found += [Span("address", *m.span()) for m in ADDRESS.finditer(text)]
    if NUMBER.search(text):
        for match in DIGITS.finditer(text):
            kind = _number(match.group())
            if kind:
                found.append(Span(kind, *match.span()))
    if named:
        found += [Span("handle", *m.span()) for m in HANDLE.finditer(text)]
    return _apart(found)


def _number(written: str) -> str:
    digits = re.sub(r"\D", "", written)
    if len(digits) == 16 and nik.is_valid(digits):
        return "nik"
    if len(digits) in (15, 16) and npwp.is_valid(digits) and not written.startswith("+"):
        return "npwp"
    if 13 <= len(digits) <= 19 and digits[0] in "3456" and luhn.is_valid(digits):
        return "card"
    if written.startswith(("+", "0", "(0", "62", "8")):
        try:
            number = phonenumbers.parse(f"+{written}" if written.startswith("62") else written, REGION)
        except phonenumbers.NumberParseException:
            return ""
        if phonenumbers.is_valid_number(number):
            return "phone"
    return ""


def _apart(found: list[Span]) -> list[Span]:
    """Of overlapping ones, the first named kind stays."""
    kept: list[Span] = []
    for span in found:
        if all(span.end <= k.start or k.end <= span.start for k in kept):
            kept.append(span)
    return sorted(kept, key=lambda s: s.start)


def without(text: str, kinds: frozenset[str], kept: frozenset[Span] = frozenset()) -> tuple[str, list[Span]]:
    """The text with these kinds replaced by their labels, and what was replaced (places in the text as given). `kept`
    are places that a person has judged to be none."""
    spans = [span for span in find(text) if span.kind in kinds and span not in kept]
    made, at = [], 0
    for span in spans:
        made += [text[at : span.start], LABELS[span.kind]]
        at = span.end
    return "".join([*made, text[at:]]), spans
