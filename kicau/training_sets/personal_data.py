"""Personal data in texts, as people in Indonesia write it, found and replaced; what was replaced is listed for review.

Found: e-mail addresses (also with "(at)" and "dot"), telephone numbers (also with the letter o and in words), NIK and
family card numbers, NPWP, payment cards, bank accounts, addresses with a house number, block or RT/RW, BPJS and passport
numbers that are named as such, licence plates and handles. As an option: names behind an honorific. Other names need a
model that ships with no package. How much of each is found is in docs/how-to/build-training-sets.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import phonenumbers
from stdnum import luhn
from stdnum.id import nik, npwp

from kicau.training_sets import personal_data_words as words
from kicau.training_sets.options import LABELS, Span

REGION = "ID"  # whose way of writing numbers without a country is understood
_SEPARATORS = r"[ .()/\-\u2010-\u2015_*•\ufe0f\u20e3]"

EMAIL = re.compile(r"(?<![\w@.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_AT = r"\s?[\[({<]\s?(?:at|AT|At|et|@)\s?[\])}>]\s?"
_DOT = r"(?:\s?[\[({<]\s?(?:dot|DOT|Dot|titik|\.)\s?[\])}>]\s?|\s(?:dot|titik|DOT)\s|\s?\.\s?(?=[a-z]{2,}\b))"
_TLD = r"(?:com|id|co|net|org|info|xyz|io|me|web|my|sch|ac|go|biz|or|store|shop|online|dev|app)"
HIDDEN_EMAILS = (
    # sari (at) kopi (dot) id, sari[at]kopi.id
    re.compile(rf"(?<![\w@.])[\w.+-]+{_AT}[\w-]+(?:{_DOT}[\w-]+)+"),
    # ratna at gmail dot com, ratna di kopi titik co titik id
    re.compile(
        rf"(?i)(?<![\w@.])(?:[\w.+-]+\s(?:titik|dot)\s)*[\w.+-]+\s(?:at|et|di)\s[\w-]+(?:\s(?:dot|titik)\s[\w-]+)*\s(?:dot|titik)\s{_TLD}\b"
    ),
    # ratna at gmail.com, ratna @ gmail . com: only at providers of mailboxes, since "us at kopi.id" is no address
    re.compile(
        rf"(?i)(?<![\w@.])[\w.+-]+\s?(?:\sat\s|@)\s?(?:{words.MAIL_PROVIDERS})\s?\.\s?(?:com|co\s?\.\s?id|id|net|me)\b"
    ),
    # sari@gmail dot com, sari@kopi(dot)id; sari-at-gmail-dot-com
    re.compile(rf"(?i)(?<![\w@.])[\w.+-]+\s?@[\w-]+(?:{_DOT}{_TLD}\b)+"),
    re.compile(rf"(?i)(?<![\w@.])[a-z0-9.+]+[-_]at[-_][a-z0-9]+(?:[-_]dot[-_]{_TLD})+\b"),
    # sariATgmailDOTcom
    re.compile(r"(?<![\w@.])[a-z0-9_.+-]+AT[a-z0-9-]+(?:DOT[a-z]+)+\b"),
)
HANDLE = re.compile(r"(?<![\w@/.])@(?=[\w.-]*[A-Za-z_])[A-Za-z0-9_](?:[\w.-]*\w)?(?:@[\w-]+(?:\.[\w-]+)+)?")
_BEFORE = r"(?:(?<![\w.])(?<!\d,)|(?<=[^\W\d]\.)|(?<=\bwa)|(?<=\bhp)|(?<=\btlp)|(?<=\btelp)|(?<=\bno)|(?<=\bcall))"
DIGITS = re.compile(rf"(?i){_BEFORE}\+?\(?\d(?:{_SEPARATORS}{{0,3}}\d){{7,18}}(?!\w)")
# A mobile number in which letters stand for digits: o812 3456 789o.
LETTERED = re.compile(
    rf"(?i){_BEFORE}(?:\+?62|[0o]){_SEPARATORS}{{0,3}}[1-9](?:{_SEPARATORS}{{0,3}}[\doli]){{7,11}}(?!\w)"
)
_WORD = f"(?:{'|'.join(words.DIGITS)})"
SPELLED = re.compile(
    rf"(?i)(?<!\w)(?:(?:plus\s+)?(?:{_WORD}|\d{{1,12}})[\s,.-]{{1,3}}){{2,14}}(?:{_WORD}|\d{{1,12}})(?!\w)"
)
NPWP_FORM = re.compile(r"(?<![\w.])\d{2}[. ]\d{3}[. ]\d{3}[. ]\d[-. ]\d{3}[. ]\d{3}(?!\w)")
_NUMBER = r"(\d(?:[ .\-/]{0,2}\d)"
_GAP = r"(?:[^\d\n]|1[356]\s?(?:digit|angka)){0,40}?"
NAMED_NPWP = re.compile(rf"(?i)\b(?:npwp|nitku|nomor pokok wajib pajak)(?![a-z]){_GAP}{_NUMBER}{{14,21}})(?!\d)")
NAMED_NIK = re.compile(
    rf"(?i)\b(?:nik|e?-?ktp|kk|nokk|nomor induk kependudukan|kartu keluarga|kartu tanda penduduk)(?![a-z]){_GAP}{_NUMBER}{{15}})(?!\d)"
)
NAMED_BPJS = re.compile(rf"(?i)\b(?:bpjs(?:tk|kes)?|jkn|kis|kpj)(?![a-z]){_GAP}{_NUMBER}{{10,12}})(?!\d)")
PLAIN_BPJS = re.compile(r"(?<![\w.])000\d{10}(?!\w)")
NAMED_PASSPORT = re.compile(r"(?i)\b(?:paspor|passport)(?:nya|ku|mu)?\b[^\n]{0,30}?\b([A-Z]{1,2}[ -]?\d{6,7})\b")
PASSPORT_BEFORE = re.compile(
    r"(?i)(?<![\w.])([A-Z]\d{7})\b\s*[(,-]?\s*(?:itu |adalah |nomor |no\.? )?(?:paspor|passport)\b"
)
ACCOUNT = re.compile(
    r"(?i)\b(?:no\.?\s*rek(?:ening)?|rek(?:ening)?(?:nya|ku)?|norek|a/c|acc(?:ount)?(?:\s+(?:no|number))?)(?![a-z])[^\d\n]{0,30}?(\d(?:[ .-]{0,2}\d){6,17})(?!\d)"
)
BANK_ACCOUNT = re.compile(rf"(?i)\b(?:{words.BANKS})\b[^\d\n]{{0,30}}?(\d(?:[ .-]{{0,2}}\d){{9,15}})(?!\d)")
ACCOUNT_AT_BANK = re.compile(
    rf"(?i)(?<![\w.])(\d(?:[ .-]{{0,2}}\d){{9,15}})\s*[-,(/]?\s*(?:di\s+)?(?:bank\s+)?(?:{words.BANKS})\b"
)
DATED = re.compile(
    r"\d{1,2}[-./ ]\d{1,2}[-./ ](?:19|20)\d\d|(?:19|20)\d\d[-./]\d{1,2}[-./]\d{1,2}|(?:19|20)\d\d[- ](?:19|20)\d\d|\d{1,2}[.:]\d\d\s?[-\u2010-\u2015]\s?\d{1,2}[.:]\d\d(?!\d)"
)  # begins with a day, hours or years
BEFORE_CHARACTERS = 100  # in which words that say what a number is are looked for
DATE = re.compile(r"(?<![\d./-])\d{1,2}[-./]\d{1,2}[-./](?:19|20)\d\d(?!\d)")
OWNED_ACCOUNT = re.compile(r"(?i)(?<![\w.])(\d(?:[ .-]{0,2}\d){9,15})\s*,?\s*\(?(?:a\.?n\.|a/n|an\.|atas nama)\s?")
AMOUNT = re.compile(r"(?i)(?:rp\.?|idr|usd|\$)\s*$")
THOUSANDS = re.compile(r"\d{1,3}(?:\.\d{3})+")
# What a number is that is nobody's: a parcel, an order, a thing.
THING = re.compile(
    rf"(?i)\b(?:{words.THINGS})(?:nya)?\s*(?:(?:no|nomor|number|id|barang)\b)?[\s.:#=\-]*(?:[A-Z]{{2,6}}[\s-]?)?$"
)

_NAME = r"(?:[A-Z][\w'.-]*|[IVXL]+|\d{1,2}(?=\s[A-Z]))"
_HOUSE = rf"(?:[IVX]+/)?\d{{1,4}}[A-Za-z]?(?:[-/]\d{{1,4}}[A-Za-z]?)?(?![\w.,:]*\d)(?!\s*(?i:{words.UNITS})(?!\w))"
_NO = r"(?i:no(?:mor|mer)?\.?|nmr\.?|\#)"
_RT = r"(?:(?i:rt)\s?[.:]?\s?\d{1,3}\s?(?:[/,.\- ]{0,3}\s?(?i:rw)\s?[.:]?\s?|/\s?)\d{1,3}|(?i:rw)\s?[.:]?\s?\d{1,3}\s?[/,.\- ]{0,3}\s?(?i:rt)\s?[.:]?\s?\d{1,3})(?!\d)"
_BLOCK = rf"(?i:blok|blk)\.?\s+[A-Za-z]{{1,3}}(?:\s?[-/.]?\s?\d{{1,3}}[A-Za-z]?(?:\s?[-/.]\s?\d{{1,3}}[A-Za-z]?)?(?:,?\s+{_NO}\s?\d{{1,3}}[A-Za-z]?)?|,?\s+{_NO}\s?\d{{1,3}}[A-Za-z]?)(?![\w])"
_BLOCK += rf"(?!\s*(?i:{words.UNITS})(?!\w))"
_LOT = r"(?:[A-Z]{1,2}\s?\d{0,2}\s?[-/]\s?\d{1,3}|[A-Z]{1,2}\d{1,3})(?!\w)"
_KAV = r"(?i:kav(?:ling|\.)?)\s*\d{1,3}[A-Za-z]?"
_UNIT = r"(?i:unit|tower|lantai|lt\.?|kamar)\s+[A-Za-z]{0,2}[-/]?\d[\w/-]*"
_WHERE = rf"(?:{_NO}\s?\d{{1,4}}\s?[A-Za-z]?(?:[-/]\d{{1,4}})?(?![\w])|{_BLOCK}|{_KAV}|{_RT}|(?i:km)\.?\s?\d{{1,3}}(?:[.,]\d)?)"
_MORE = rf"(?:\s*[,/]?\s*(?:{_WHERE}|{_UNIT}))*"
ADDRESSES = (
    # Jl. Braga No. 12A RT 03/RW 05; jl merdeka blok c5 no 3; Jalan Raya Bogor KM 25
    re.compile(rf"\b(?i:jl|jln|jalan|gg|gang|lorong|lrg)\b\.?\s+[^\n,;:!?]{{2,45}}?[,\s]\s*{_WHERE}{_MORE}"),
    # jalan melati 8, gang mawar 3: small letters only where the name is a common one
    re.compile(
        rf"(?i)\b(?:jalan|gang|lorong)\s+(?:raya\s+)?(?:{words.STREET_NAMES})(?:\s+(?:raya|barat|timur|utara|selatan|dalam|baru|lama|[ivx]+))?\s+{_HOUSE}(?<!\b(?:19|20)\d\d){_MORE}"
    ),
    # Jalan Cihampelas 160; Jln. Merdeka Gg. Melati 12
    re.compile(
        rf"\b(?i:jl|jln|jalan|gg|gang|lorong|lrg)\b\.?\s+(?:{_NAME}\s+|(?i:gg|gang|jl|jln|lorong)\.?\s+){{1,6}}{_HOUSE}(?<!\b(?:19|20)\d\d){_MORE}"
    ),
    # jl merdeka 12, gg melati 3: the abbreviation is none of anything else
    re.compile(rf"\b(?i:jln?|gg)\b\.?\s+(?:[a-z'.]+\s+){{1,4}}{_HOUSE}(?<!\b(?:19|20)\d\d){_MORE}"),
    # Perumahan Griya Asri Blok C5 No. 12; Apartemen Gateway Tower B unit 1205
    re.compile(rf"\b(?i:{words.ESTATES})\b\.?\s+[^\n,;:!?]{{2,40}}?[,\s]\s*(?:{_WHERE}|{_UNIT}|{_LOT}){_MORE}"),
    re.compile(rf"\b(?i:perumahan|perum|komplek|kompleks)\b\.?\s+(?:{_NAME}\s+){{1,4}}{_HOUSE}(?<!\b(?:19|20)\d\d)"),
    re.compile(
        rf"\b(?i:dusun|dukuh|dsn|kampung|kp|desa|kelurahan|kel)\b\.?\s+{_NAME}(?:\s+{_NAME}){{0,3}}[,\s]\s*{_RT}"
    ),
    re.compile(rf"\b{_BLOCK}{_MORE}"),
    re.compile(rf"(?<!\w){_RT}"),
)
PLATE = re.compile(rf"(?<![\w.-])(?:{words.PLATES})[ .-](\d{{1,4}})[ .-]([A-Z]{{1,3}})(?![\w-])")
JOINED_PLATE = re.compile(rf"(?<![\w.-])(?:{words.PLATES})\d{{4}}[A-Z]{{2,3}}(?![\w-])")
LOOSE_PLATE = re.compile(rf"(?i)(?<![\w.-])(?:{words.PLATES})[ .-]?(\d{{1,4}})[ .-]?([A-Z]{{1,3}})(?![\w-])")
VEHICLE = re.compile(rf"(?i)\b(?:{words.VEHICLES})\w{{0,3}}\b[^\n]{{0,40}}$")
NAME = re.compile(
    rf"(?<![\w-])(?<!Tanah )(?:(?i:{words.HONORIFICS})(?:\.\s?|\s+))+(?!(?i:{words.ROLES})\b)([A-Z][a-z'’]+(?:-[A-Z][a-z]+)?(?:\s+(?!(?i:{words.ROLES})\b)(?:[A-Z]\.|[A-Z][a-z'’]+|[Bb]in(?:ti)?))*)"
)
COMPANIES = frozenset(
    {
        phonenumbers.PhoneNumberType.TOLL_FREE,
        phonenumbers.PhoneNumberType.PREMIUM_RATE,
        phonenumbers.PhoneNumberType.SHARED_COST,
        phonenumbers.PhoneNumberType.UAN,
    }
)
NUMBER = re.compile(rf"\d(?:{_SEPARATORS}{{0,3}}[\doli]){{7}}", re.IGNORECASE)  # what a number needs at least
UNIT_LETTERS = frozenset(words.UNIT_LETTERS.split("|"))
# Words of which one is there: looking for these first is cheaper by far than the patterns.
STREETS = (
    "jl",
    "jln",
    "jalan",
    "gg",
    "gang",
    "lorong",
    "rt",
    "rw",
    "dusun",
    "kampung",
    "blok",
    "blk",
    *words.ESTATES.split("|"),
)


def find(text: str) -> list[Span]:
    """Not overlapping, in their order."""
    small = text.lower()
    found = list(_emails(text, small))
    has_number = NUMBER.search(text) is not None
    if has_number:
        found += _named_numbers(text, small)
    if any(word in small for word in STREETS):
        found += [Span("address", *m.span()) for pattern in ADDRESSES for m in pattern.finditer(text)]
    if has_number:
        found += _numbers(text)
    if sum(word in small for word in words.DIGITS) >= 2:
        found += [Span("phone", *m.span()) for m in SPELLED.finditer(text) if _is_spelled_phone(m.group())]
    if any(letter.isdigit() for letter in text):
        found += _plates(text)
        if "paspor" in small or "passport" in small:
            for pattern in (NAMED_PASSPORT, PASSPORT_BEFORE):
                found += [Span("passport", *m.span(1)) for m in pattern.finditer(text)]
    if "@" in text:
        found += [Span("handle", *m.span()) for m in HANDLE.finditer(text)]
    found += [Span("name", *m.span(1)) for m in NAME.finditer(text)]
    return _apart(found)


def _emails(text: str, small: str) -> Iterator[Span]:
    if "@" in text:
        yield from (Span("email", *m.span()) for m in EMAIL.finditer(text))
    if "at" in small or "@" in text or "titik" in small or "dot" in small:
        yield from (Span("email", *m.span()) for pattern in HIDDEN_EMAILS for m in pattern.finditer(text))


def _named_numbers(text: str, small: str) -> Iterator[Span]:
    """Numbers that the words before them say what they are."""
    yield from (Span("npwp", *m.span()) for m in NPWP_FORM.finditer(text))
    for kind, pattern, lengths in (
        ("npwp", NAMED_NPWP, (15, 16, 22)),
        ("nik", NAMED_NIK, (16,)),
        ("bpjs", NAMED_BPJS, (11, 13)),
    ):
        yield from (Span(kind, *m.span(1)) for m in pattern.finditer(text) if len(_digits(m[1])) in lengths)
    yield from (Span("bpjs", *m.span()) for m in PLAIN_BPJS.finditer(text) if not _before(THING, text, m.start()))
    for pattern in (ACCOUNT, BANK_ACCOUNT, ACCOUNT_AT_BANK, OWNED_ACCOUNT):
        for m in pattern.finditer(text):
            is_other = _before(AMOUNT, text, m.start(1)) or THOUSANDS.fullmatch(m[1]) or DATED.match(m[1])
            if not is_other and not _is_phone(m[1]) and not _before(THING, text, m.start(1)):
                yield Span("account", *m.span(1))


def _numbers(text: str) -> Iterator[Span]:
    days = [m.span() for m in DATE.finditer(text)]
    for pattern in (DIGITS, LETTERED):
        for match in pattern.finditer(text):
            written = match.group()
            if any(begin < match.end() and match.start() < end for begin, end in days):
                continue
            if _before(AMOUNT, text, match.start()) or THOUSANDS.fullmatch(written) or DATED.match(written):
                continue
            if (kind := _number(written)) and not _before(THING, text, match.start()):
                yield Span(kind, *match.span())


def _before(pattern: re.Pattern[str], text: str, place: int) -> bool:
    """Whether the words just before this place fit a pattern that ends there."""
    return pattern.search(text, max(0, place - BEFORE_CHARACTERS), place) is not None


def _number(written: str) -> str:
    digits = _digits(written)
    if len(digits) == 16 and nik.is_valid(digits):
        return "nik"
    if len(digits) in (15, 16) and npwp.is_valid(digits) and not written.startswith("+"):
        return "npwp"
    if _is_card(digits):
        return "card"
    return "phone" if _is_phone(written) else ""


def _digits(written: str) -> str:
    return re.sub(r"\D", "", written.lower().replace("o", "0").replace("l", "1").replace("i", "1"))


def _is_card(digits: str) -> bool:
    """By the beginnings and lengths of the schemes, and the check digit."""
    lengths: tuple[int, ...] = ()
    if digits[0] == "4":
        lengths = (13, 16, 19)
    elif digits[:2] in ("34", "37"):
        lengths = (15,)
    elif digits[:2] in ("30", "36", "38"):
        lengths = (14,)
    elif digits[0] in "2356":
        lengths = (16,)
    return len(digits) in lengths and luhn.is_valid(digits)


def _is_phone(written: str) -> bool:
    """By the numbering plan; one that is free to call or costs more is a company's."""
    digits = _digits(written)
    if digits.startswith("62") or (written.startswith("+") and digits):
        number = f"+{digits}"
    elif digits.startswith(("0", "8")):
        number = digits
    else:
        return False
    try:
        parsed = phonenumbers.parse(number, REGION)
        return phonenumbers.is_valid_number(parsed) and phonenumbers.number_type(parsed) not in COMPANIES
    except phonenumbers.NumberParseException:
        return False


def _is_spelled_phone(written: str) -> bool:
    """A mobile number of which at least three digits are words."""
    spoken = re.findall(r"[^\W\d]+|\d+", written.lower().replace("plus", ""))
    named = [one for one in spoken if one in words.DIGITS]
    digits = "".join(words.DIGITS.get(one, one) for one in spoken)
    return len(named) >= 3 and digits.startswith(("08", "628")) and _is_phone(digits)


def _plates(text: str) -> Iterator[Span]:
    """Four digits, or three with more than one letter; others, and small letters, only where a vehicle is named before."""
    yield from (Span("plate", *m.span()) for m in JOINED_PLATE.finditer(text) if not _before(THING, text, m.start()))
    for match in PLATE.finditer(text):
        is_long = len(match[1]) == 4 or (len(match[1]) == 3 and len(match[2]) > 1)
        if is_long and match[2] not in UNIT_LETTERS and not _before(THING, text, match.start()):
            yield Span("plate", *match.span())
    for match in LOOSE_PLATE.finditer(text):
        if match[2].upper() not in UNIT_LETTERS and _before(VEHICLE, text, match.start()):
            yield Span("plate", *match.span())


def _apart(found: list[Span]) -> list[Span]:
    """Of overlapping ones, the first named kind stays; of the same kind, the longest."""
    kept: list[Span] = []
    order = {kind: number for number, kind in reversed(list(enumerate(one.kind for one in found)))}
    for span in sorted(found, key=lambda s: (order[s.kind], s.start - s.end, s.start)):
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
