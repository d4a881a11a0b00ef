"""Whether a text is Indonesian or English, by its small words: enough to choose how its words are stemmed."""

from __future__ import annotations

ID = frozenset(["yang", "dan", "di", "ke", "dari", "ini", "itu", "untuk", "dengan", "tidak", "akan", "pada", "juga", "adalah", "sudah", "bisa", "saya", "kami", "kita", "anda", "ada", "aja", "gak", "nggak", "lagi", "sama", "kalau", "atau", "buat", "jadi", "bukan", "masih", "hari", "dalam", "oleh", "karena"])  # fmt: skip
EN = frozenset(["the", "and", "of", "to", "in", "is", "for", "on", "with", "that", "it", "this", "at", "from", "by", "be", "are", "was", "have", "not", "you", "we", "our", "your", "they", "what", "when", "will", "can", "but", "has", "had", "its", "my"])  # fmt: skip


def guess(text: str) -> str:
    """ "id", "en", or "" where neither shows."""
    words = text[:600].lower().split()
    indonesian = sum(w in ID for w in words)
    english = sum(w in EN for w in words)
    if indonesian == english:
        return ""
    return "id" if indonesian > english else "en"
