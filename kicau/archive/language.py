"""Whether a text is Indonesian or English, by its small words: enough to choose how its words are stemmed."""

from __future__ import annotations

INDONESIAN_WORDS = frozenset(
    [
        "yang",
        "dan",
        "di",
        "ke",
        "dari",
        "ini",
        "itu",
        "untuk",
        "dengan",
        "tidak",
        "akan",
        "pada",
        "juga",
        "adalah",
        "sudah",
        "bisa",
        "saya",
        "kami",
        "kita",
        "anda",
        "ada",
        "aja",
        "gak",
        "nggak",
        "lagi",
        "sama",
        "kalau",
        "atau",
        "buat",
        "jadi",
        "bukan",
        "masih",
        "hari",
        "dalam",
        "oleh",
        "karena",
    ]
)
ENGLISH_WORDS = frozenset(
    [
        "the",
        "and",
        "of",
        "to",
        "in",
        "is",
        "for",
        "on",
        "with",
        "that",
        "it",
        "this",
        "at",
        "from",
        "by",
        "be",
        "are",
        "was",
        "have",
        "not",
        "you",
        "we",
        "our",
        "your",
        "they",
        "what",
        "when",
        "will",
        "can",
        "but",
        "has",
        "had",
        "its",
        "my",
    ]
)


# The codes of ISO 639-1 (https://www.loc.gov/standards/iso639-2/php/code_list.php, looked up 2026-11-27).
_LANGUAGE_CODES = (
    "aa ab ae af ak am an ar as av ay az ba be bg bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee el en eo es et eu fa ff fi fj fo fr fy "
    "ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu ja jv ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv "
    "mg mh mi mk ml mn mr ms mt my na nb nd ne ng nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr "
    "ss st su sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu"
)
LANGUAGE_CODES = frozenset(_LANGUAGE_CODES.split())


def guess_language(text: str) -> str:
    """ "id", "en", or "" where neither shows."""
    words = text[:600].lower().split()
    indonesian = sum(w in INDONESIAN_WORDS for w in words)
    english = sum(w in ENGLISH_WORDS for w in words)
    if indonesian == english:
        return ""
    return "id" if indonesian > english else "en"
