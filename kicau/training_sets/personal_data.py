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
from kicau.training_sets.options import REPLACEMENT_LABELS, PersonalDataSpan

PHONE_REGION = "ID"  # whose way of writing numbers without a country is understood
_SEPARATORS = r"[ .()/\-\u2010-\u2015_*•\ufe0f\u20e3]"

EMAIL_PATTERN = re.compile(r"(?<![\w@.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_AT = r"\s?[\[({<]\s?(?:at|AT|At|et|@)\s?[\])}>]\s?"
_DOT = r"(?:\s?[\[({<]\s?(?:dot|DOT|Dot|titik|\.)\s?[\])}>]\s?|\s(?:dot|titik|DOT)\s|\s?\.\s?(?=[a-z]{2,}\b))"
_TLD = r"(?:com|id|co|net|org|info|xyz|io|me|web|my|sch|ac|go|biz|or|store|shop|online|dev|app)"
HIDDEN_EMAIL_PATTERNS = (
    # sari (at) kopi (dot) id, sari[at]kopi.id
    re.compile(rf"(?<![\w@.])[\w.+-]+{_AT}[\w-]+(?:{_DOT}[\w-]+)+"),
    # ratna at gmail dot com, ratna di kopi titik co titik id; "di rumah dot com" is a saying
    re.compile(
        rf"(?i)(?<![\w@.])(?:[\w.+-]+\s(?:titik|dot)\s)*[\w.+-]+\s(?:at|et)\s[\w-]+(?:\s(?:dot|titik)\s[\w-]+)*\s(?:dot|titik)\s{_TLD}\b"
    ),
    re.compile(
        rf"(?i)(?<![\w@.])(?:[\w.+-]+\s(?:titik|dot)\s)*[\w.+-]+\sdi\s(?:[\w-]+(?:\s(?:dot|titik)\s[\w-]+)*\stitik\s{_TLD}|(?:{words.MAIL_PROVIDERS})\sdot\s{_TLD})\b"
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
HANDLE_PATTERN = re.compile(r"(?<![\w@/.])@(?=[\w.-]*[A-Za-z_])[A-Za-z0-9_](?:[\w.-]*\w)?(?:@[\w-]+(?:\.[\w-]+)+)?")
_BEFORE = r"(?:(?<![\w.])(?<!\d,)|(?<=[^\W\d]\.)|(?<=\bwa)|(?<=\bhp)|(?<=\btlp)|(?<=\btelp)|(?<=\bno)|(?<=\bcall)|(?<=\bhub)|(?<=\bhubungi)|(?<=\bkontak)|(?<=\btelepon)|(?<=\bnomor))"
DIGITS_PATTERN = re.compile(rf"(?i){_BEFORE}\+?\(?\d(?:{_SEPARATORS}{{0,3}}\d){{7,18}}(?!\w)")
# A mobile number in which letters stand for digits: o812 3456 789o.
LETTERED_NUMBER_PATTERN = re.compile(
    rf"(?i){_BEFORE}(?:\+?62|[0o]){_SEPARATORS}{{0,3}}[1-9](?:{_SEPARATORS}{{0,3}}[\doli]){{7,11}}(?!\w)"
)
_WORD = f"(?:{'|'.join(words.DIGIT_WORDS)})"
SPELLED_NUMBER_PATTERN = re.compile(
    rf"(?i)(?<!\w)(?:(?:plus\s+)?(?:{_WORD}|\d{{1,12}})[\s,.-]{{1,3}}){{2,14}}(?:{_WORD}|\d{{1,12}})(?!\w)"
)
NPWP_PATTERN = re.compile(r"(?<![\w.])\d{2}[. ]\d{3}[. ]\d{3}[. ]\d[-. ]\d{3}[. ]\d{3}(?!\w)")
_NUMBER = r"(\d(?:[ .\-/]{0,2}\d)"
_GAP = r"(?:[^\d\n]|1[356]\s?(?:digit|angka)){0,40}?"
NAMED_NPWP_PATTERN = re.compile(
    rf"(?i)\b(?:npwp|nitku|nomor pokok wajib pajak)(?![a-z]){_GAP}{_NUMBER}{{14,21}})(?!\d)"
)
NAMED_NIK_PATTERN = re.compile(
    rf"(?i)\b(?:nik|e?-?ktp|kk|nokk|nomor induk kependudukan|kartu keluarga|kartu tanda penduduk)(?![a-z]){_GAP}{_NUMBER}{{15}})(?!\d)"
)
NAMED_BPJS_PATTERN = re.compile(rf"(?i)\b(?:bpjs(?:tk|kes)?|jkn|kis|kpj)(?![a-z]){_GAP}{_NUMBER}{{10,12}})(?!\d)")
PLAIN_BPJS_PATTERN = re.compile(r"(?<![\w.])000\d{10}(?!\w)")
NAMED_PASSPORT_PATTERN = re.compile(
    r"(?i)\b(?:paspor|passport|pasport|nopas)(?:nya|ku|mu)?\b[^\n]{0,30}?\b([A-Z]{1,2}[ -]?\d{6,7})\b"
)
PASSPORT_BEFORE_PATTERN = re.compile(
    r"(?i)(?<![\w.])([A-Z]\d{7})\b\s*[(,-]?\s*(?:itu |adalah |nomor |no\.? )?(?:paspor|passport|pasport)\b"
)
NAMED_ACCOUNT_PATTERN = re.compile(
    r"(?i)\b(?:no\.?\s*rek(?:ening)?|rek(?:ening)?(?:nya|ku)?|norek|a/c|acc(?:ount)?(?:\s+(?:no|number))?)(?![a-z])[^\d\n]{0,30}?(\d(?:[ .-]{0,2}\d){6,17})(?!\d)"
)
BANK_ACCOUNT_PATTERN = re.compile(rf"(?i)\b(?:{words.BANKS})\b[^\d\n]{{0,30}}?(\d(?:[ .-]{{0,2}}\d){{9,15}})(?!\d)")
ACCOUNT_AT_BANK_PATTERN = re.compile(
    rf"(?i)(?<![\w.])(\d(?:[ .-]{{0,2}}\d){{9,15}})\s*[-,(/]?\s*(?:di\s+)?(?:bank\s+)?(?:{words.BANKS})\b"
)
DATED_NUMBER_PATTERN = re.compile(
    r"\d{1,2}[-./ ]\d{1,2}[-./ ](?:19|20)\d\d|(?:19|20)\d\d[-./]\d{1,2}[-./]\d{1,2}|(?:19|20)\d\d[- ](?:19|20)\d\d|\d{1,2}[.:]\d\d\s?[-\u2010-\u2015]\s?\d{1,2}[.:]\d\d(?!\d)"
)  # begins with a day, hours or years
MAX_CONTEXT_LENGTH = 100  # in which words that say what a number is are looked for
DATE_PATTERN = re.compile(r"(?<![\d./-])\d{1,2}[-./]\d{1,2}[-./](?:19|20)\d\d(?!\d)")
OWNED_ACCOUNT_PATTERN = re.compile(
    r"(?i)(?<![\w.])(\d(?:[ .-]{0,2}\d){9,15})\s*,?\s*\(?(?:a\.?n\.|a/n|an\.|atas nama)\s?"
)
AMOUNT_PATTERN = re.compile(r"(?i)(?:rp\.?|idr|usd|\$)\s*$")
THOUSANDS_PATTERN = re.compile(r"\d{1,3}(?:\.\d{3})+")
# What a number is that is nobody's: a parcel, an order, a thing.
PRODUCT_NUMBER_PATTERN = re.compile(
    rf"(?i)\b(?:{words.PRODUCT_WORDS})(?:nya)?\s*(?:(?:no|nomor|number|id|barang)\b)?[\s.:#=\-]*(?:[A-Z]{{2,6}}[\s-]?)?$"
)

_NAME = r"(?:[A-Z][\w'.-]*|[IVXL]+|\d{1,2}(?=\s[A-Z]))"
_HOUSE = rf"(?:[IVX]+/)?\d{{1,4}}[A-Za-z]?(?:[-/]\d{{1,4}}[A-Za-z]?)?(?![\w.,:]*\d)(?!\s*(?i:{words.UNIT_WORDS})(?!\w))"
_ROMAN_HOUSE = r"[IVX]{1,4}/\d{1,3}[A-Za-z]?(?:[-/]\d{1,3}[A-Za-z]?)?(?!\w)"  # of a lane, so no number of things
_NO = r"(?i:no(?:mor|mer)?\.?|nmr\.?|\#)"
_RT = r"(?:(?i:rt)\s?[.:]?\s?\d{1,3}\s?(?:[/,.\- ]{0,3}\s?(?i:rw)\s?[.:]?\s?|/\s?)\d{1,3}|(?i:rw)\s?[.:]?\s?\d{1,3}\s?[/,.\- ]{0,3}\s?(?i:rt)\s?[.:]?\s?\d{1,3})(?!\d)"
_BLOCK = rf"(?i:blok|blk)\.?\s+[A-Za-z]{{1,3}}(?:\s?[-/.]?\s?\d{{1,3}}[A-Za-z]?(?:\s?[-/.]\s?\d{{1,3}}[A-Za-z]?)?(?:,?\s+{_NO}\s?\d{{1,3}}[A-Za-z]?)?|,?\s+{_NO}\s?\d{{1,3}}[A-Za-z]?)(?![\w])"
_BLOCK += rf"(?!\s*(?i:{words.UNIT_WORDS})(?!\w))"
_LOT = r"(?:[A-Z]{1,2}\s?\d{0,2}\s?[-/]\s?\d{1,3}|[A-Z]{1,2}\d{1,3})(?!\w)"
_KAV = r"(?i:kav(?:ling|\.)?)\s*\d{1,3}[A-Za-z]?"
_UNIT = r"(?i:unit|tower|lantai|lt\.?|kamar)\s+[A-Za-z]{0,2}[-/]?\d[\w/-]*"
_WHERE = rf"(?:{_NO}\s?\d{{1,4}}(?:[A-Za-z]{{2}}|\s?[A-Za-z])?(?:[-/]\d{{1,4}})?(?![\w])|{_BLOCK}|{_KAV}|{_RT}|(?i:km)\.?\s?\d{{1,3}}(?:[.,]\d)?)"
_MORE = rf"(?:\s*[,/]?\s*(?:{_WHERE}|{_UNIT}))*"
ADDRESS_PATTERNS = (
    # Jl. Braga No. 12A RT 03/RW 05; jl merdeka blok c5 no 3; Jalan Raya Bogor KM 25
    re.compile(rf"\b(?i:jl|jln|jalan|gg|gang|lorong|lrg)\b\.?\s+[^\n,;:!?]{{2,45}}?[,\s]\s*{_WHERE}{_MORE}"),
    # jalan melati 8, gang mawar 3: small letters only where the name is a common one
    re.compile(
        rf"(?i)\b(?:jalan|gang|lorong)\s+(?:raya\s+)?(?:{words.STREET_NAMES})(?:\s+(?:raya|barat|timur|utara|selatan|dalam|baru|lama|[ivx]+))?\s+{_HOUSE}(?<!\b(?:19|20)\d\d){_MORE}"
    ),
    # Jalan Cihampelas 160; Jln. Merdeka Gg. Melati 12
    re.compile(
        rf"\b(?i:jl|jln|jalan|gg|gang|lorong|lrg)\b\.?\s+(?:{_NAME}\s+|(?i:gg|gang|jl|jln|lorong)\.?\s+){{1,6}}(?:{_ROMAN_HOUSE}|{_HOUSE}(?<!\b(?:19|20)\d\d)){_MORE}"
    ),
    # jl merdeka 12, gg melati 3: the abbreviation is none of anything else
    re.compile(rf"\b(?i:jln?|gg)\b\.?\s+(?:[a-z'.]+\s+){{1,4}}{_HOUSE}(?<!\b(?:19|20)\d\d){_MORE}"),
    # Perumahan Griya Asri Blok C5 No. 12; Apartemen Gateway Tower B unit 1205
    re.compile(rf"\b(?i:{words.ESTATE_WORDS})\b\.?\s+[^\n,;:!?]{{2,40}}?[,\s]\s*(?:{_WHERE}|{_UNIT}|{_LOT}){_MORE}"),
    re.compile(rf"\b(?i:perumahan|perum|komplek|kompleks)\b\.?\s+(?:{_NAME}\s+){{1,4}}{_HOUSE}(?<!\b(?:19|20)\d\d)"),
    re.compile(
        rf"\b(?i:dusun|dukuh|dsn|kampung|kp|desa|kelurahan|kel)\b\.?\s+{_NAME}(?:\s+{_NAME}){{0,3}}[,\s]\s*{_RT}"
    ),
    re.compile(rf"\b{_BLOCK}{_MORE}"),
    re.compile(rf"(?<!\w){_RT}"),
)
PLATE_PATTERN = re.compile(rf"(?<![\w.-])(?:{words.PLATE_CODES})[ .-](\d{{1,4}})[ .-]([A-Z]{{1,3}})(?![\w-])")
JOINED_PLATE_PATTERN = re.compile(rf"(?<![\w.-])(?:{words.PLATE_CODES})\d{{4}}[A-Z]{{2,3}}(?![\w-])")
LOOSE_PLATE_PATTERN = re.compile(
    rf"(?i)(?<![\w.-])(?:{words.PLATE_CODES})[ .-]?(\d{{1,4}})[ .-]?([A-Z]{{1,3}})(?![\w-])"
)
VEHICLE_PATTERN = re.compile(rf"(?i)\b(?:{words.VEHICLE_WORDS})\w{{0,3}}\b[^\n]{{0,40}}$")
NAME_PATTERN = re.compile(
    rf"(?<![\w-])(?<!Tanah )(?:(?i:{words.HONORIFICS})(?:\.\s?|\s+))+(?!(?i:{words.ROLE_WORDS})\b)([A-Z][a-z'’]+(?:-[A-Z][a-z]+)?(?:\s+(?!(?i:{words.ROLE_WORDS})\b)(?:[A-Z]\.|[A-Z][a-z'’]+|[Bb]in(?:ti)?))*)"
)
COMPANY_NUMBER_TYPES = frozenset(
    {
        phonenumbers.PhoneNumberType.TOLL_FREE,
        phonenumbers.PhoneNumberType.PREMIUM_RATE,
        phonenumbers.PhoneNumberType.SHARED_COST,
        phonenumbers.PhoneNumberType.UAN,
    }
)
NUMBER_PATTERN = re.compile(rf"\d(?:{_SEPARATORS}{{0,3}}[\doli]){{7}}", re.IGNORECASE)  # what a number needs at least
UNIT_LETTERS = frozenset(words.UNIT_LETTERS.split("|"))
# Words of which one is there: looking for these first is cheaper by far than the patterns.
STREET_WORDS = (
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
    *words.ESTATE_WORDS.split("|"),
)


def find_personal_data(text: str) -> list[PersonalDataSpan]:
    """Not overlapping, in their order."""
    small = text.lower()
    found = list(_find_emails(text, small))
    has_number = NUMBER_PATTERN.search(text) is not None
    if has_number:
        found += _find_named_numbers(text, small)
    if any(word in small for word in STREET_WORDS):
        found += [
            PersonalDataSpan("address", *m.span()) for pattern in ADDRESS_PATTERNS for m in pattern.finditer(text)
        ]
    if has_number:
        found += _find_numbers(text)
    if sum(word in small for word in words.DIGIT_WORDS) >= 2:
        found += [
            PersonalDataSpan("phone", *m.span())
            for m in SPELLED_NUMBER_PATTERN.finditer(text)
            if _is_spelled_phone(m.group())
        ]
    if any(letter.isdigit() for letter in text):
        found += _find_plates(text)
        if "paspor" in small or "passport" in small or "pasport" in small or "nopas" in small:
            for pattern in (NAMED_PASSPORT_PATTERN, PASSPORT_BEFORE_PATTERN):
                found += [PersonalDataSpan("passport", *m.span(1)) for m in pattern.finditer(text)]
    if "@" in text:
        found += [PersonalDataSpan("handle", *m.span()) for m in HANDLE_PATTERN.finditer(text)]
    found += [PersonalDataSpan("name", *m.span(1)) for m in NAME_PATTERN.finditer(text)]
    return _without_overlaps(found)


def _find_emails(text: str, small: str) -> Iterator[PersonalDataSpan]:
    if "@" in text:
        yield from (PersonalDataSpan("email", *m.span()) for m in EMAIL_PATTERN.finditer(text))
    if "at" in small or "@" in text or "titik" in small or "dot" in small:
        yield from (
            PersonalDataSpan("email", *m.span()) for pattern in HIDDEN_EMAIL_PATTERNS for m in pattern.finditer(text)
        )


def _find_named_numbers(text: str, small: str) -> Iterator[PersonalDataSpan]:
    """Numbers that the words before them say what they are."""
    yield from (PersonalDataSpan("npwp", *m.span()) for m in NPWP_PATTERN.finditer(text))
    for kind, pattern, lengths in (
        ("npwp", NAMED_NPWP_PATTERN, (15, 16, 22)),
        ("nik", NAMED_NIK_PATTERN, (16,)),
        ("bpjs", NAMED_BPJS_PATTERN, (11, 13)),
    ):
        yield from (
            PersonalDataSpan(kind, *m.span(1)) for m in pattern.finditer(text) if len(_only_digits(m[1])) in lengths
        )
    yield from (
        PersonalDataSpan("bpjs", *m.span())
        for m in PLAIN_BPJS_PATTERN.finditer(text)
        if not _matches_before(PRODUCT_NUMBER_PATTERN, text, m.start())
    )
    for pattern in (NAMED_ACCOUNT_PATTERN, BANK_ACCOUNT_PATTERN, ACCOUNT_AT_BANK_PATTERN, OWNED_ACCOUNT_PATTERN):
        for m in pattern.finditer(text):
            is_other = (
                _matches_before(AMOUNT_PATTERN, text, m.start(1))
                or THOUSANDS_PATTERN.fullmatch(m[1])
                or DATED_NUMBER_PATTERN.match(m[1])
            )
            if not is_other and not _is_phone(m[1]) and not _matches_before(PRODUCT_NUMBER_PATTERN, text, m.start(1)):
                yield PersonalDataSpan("account", *m.span(1))


def _find_numbers(text: str) -> Iterator[PersonalDataSpan]:
    days = [m.span() for m in DATE_PATTERN.finditer(text)]
    for pattern in (DIGITS_PATTERN, LETTERED_NUMBER_PATTERN):
        for match in pattern.finditer(text):
            written = match.group()
            if any(begin < match.end() and match.start() < end for begin, end in days):
                continue
            if (
                _matches_before(AMOUNT_PATTERN, text, match.start())
                or THOUSANDS_PATTERN.fullmatch(written)
                or DATED_NUMBER_PATTERN.match(written)
            ):
                continue
            if (kind := _number_kind(written)) and not _matches_before(PRODUCT_NUMBER_PATTERN, text, match.start()):
                yield PersonalDataSpan(kind, *match.span())


def _matches_before(pattern: re.Pattern[str], text: str, place: int) -> bool:
    """Whether the words just before this place fit a pattern that ends there."""
    return pattern.search(text, max(0, place - MAX_CONTEXT_LENGTH), place) is not None


def _number_kind(written: str) -> str:
    digits = _only_digits(written)
    if len(digits) == 16 and nik.is_valid(digits):
        return "nik"
    if len(digits) in (15, 16) and npwp.is_valid(digits) and not written.startswith("+"):
        return "npwp"
    if _is_card(digits):
        return "card"
    return "phone" if _is_phone(written) else ""


def _only_digits(written: str) -> str:
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
    digits = _only_digits(written)
    if digits.startswith("62") or (written.startswith("+") and digits):
        number = f"+{digits}"
    elif digits.startswith(("0", "8")):
        number = digits
    else:
        return False
    try:
        parsed = phonenumbers.parse(number, PHONE_REGION)
        return phonenumbers.is_valid_number(parsed) and phonenumbers.number_type(parsed) not in COMPANY_NUMBER_TYPES
    except phonenumbers.NumberParseException:
        return False


def _is_spelled_phone(written: str) -> bool:
    """A mobile number of which at least three digits are words."""
    spoken = re.findall(r"[^\W\d]+|\d+", written.lower().replace("plus", ""))
    named = [one for one in spoken if one in words.DIGIT_WORDS]
    digits = "".join(words.DIGIT_WORDS.get(one, one) for one in spoken)
    return len(named) >= 3 and digits.startswith(("08", "628")) and _is_phone(digits)


def _find_plates(text: str) -> Iterator[PersonalDataSpan]:
    """Four digits, or three with more than one letter; others, and small letters, only where a vehicle is named before."""
    yield from (
        PersonalDataSpan("plate", *m.span())
        for m in JOINED_PLATE_PATTERN.finditer(text)
        if not _matches_before(PRODUCT_NUMBER_PATTERN, text, m.start())
    )
    for match in PLATE_PATTERN.finditer(text):
        is_long = len(match[1]) == 4 or (len(match[1]) == 3 and len(match[2]) > 1)
        if (
            is_long
            and match[2] not in UNIT_LETTERS
            and not _matches_before(PRODUCT_NUMBER_PATTERN, text, match.start())
        ):
            yield PersonalDataSpan("plate", *match.span())
    for match in LOOSE_PLATE_PATTERN.finditer(text):
        if match[2].upper() not in UNIT_LETTERS and _matches_before(VEHICLE_PATTERN, text, match.start()):
            yield PersonalDataSpan("plate", *match.span())


def _without_overlaps(found: list[PersonalDataSpan]) -> list[PersonalDataSpan]:
    """Of overlapping ones, the first named kind stays; of the same kind, the longest."""
    kept: list[PersonalDataSpan] = []
    order = {kind: number for number, kind in reversed(list(enumerate(one.kind for one in found)))}
    for span in sorted(found, key=lambda s: (order[s.kind], s.start - s.end, s.start)):
        if all(span.end <= k.start or k.end <= span.start for k in kept):
            kept.append(span)
    return sorted(kept, key=lambda s: s.start)


def redact(
    text: str, kinds: frozenset[str], kept: frozenset[PersonalDataSpan] = frozenset()
) -> tuple[str, list[PersonalDataSpan]]:
    """The text with these kinds replaced by their labels, and what was replaced (places in the text as given). `kept`
    are places that a person has judged to be none."""
    spans = [span for span in find_personal_data(text) if span.kind in kinds and span not in kept]
    made, at = [], 0
    for span in spans:
        made += [text[at : span.start], REPLACEMENT_LABELS[span.kind]]
        at = span.end
    return "".join([*made, text[at:]]), spans
