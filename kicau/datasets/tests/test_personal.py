"""Personal data as people in Indonesia write it is found; other numbers are left alone."""

from __future__ import annotations

import pytest

from kicau.datasets import personal
from kicau.datasets.options import LABELS

ALL = frozenset(LABELS)


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("Hubungi 0812-3456-7890 atau +62 21 5551234 ya", "Hubungi [phone] atau [phone] ya"),
        ("WA 62812 3456 7890, (021) 555 1234", "WA [phone], [phone]"),
        ("surel sari.w+toko@kopisenja.co.id.", "surel [email]."),
        ("NIK 3171011708450001 dan NPWP 01.312.166.0-091.000", "NIK [nik] dan NPWP [npwp]"),
        ("Kartu 4111 1111 1111 1111 jangan", "Kartu [card] jangan"),
        ("No. Rek BCA 123 456 7890 a.n. Sari", "No. Rek BCA [account] a.n. Sari"),
        ("Alamat: Jl. Braga No. 12A RT 03/RW 05, Bandung", "Alamat: [address], Bandung"),
        ("Terima kasih @kopi.senja dan @bima@mastodon.example!", "Terima kasih @user dan @user!"),
        ("Buka 07.00-21.00, Rp 25.000, tahun 2025-2026, 17-08-1945", None),
        ("Skor 3-1, pesanan 1234567, RT 03/RW 05, 100.000.000 orang", None),
        ("jalan-jalan ke gang kecil", None),
        ("", None),
    ],
)
def test_what_is_found(text, made):
    cleaned, spans = personal.without(text, ALL)
    assert cleaned == (text if made is None else made)
    assert all(0 <= s.start < s.end <= len(text) for s in spans)


def test_only_what_was_asked_for_is_replaced():
    assert personal.without("0812-3456-7890 @sari", frozenset({"handle"}))[0] == "0812-3456-7890 @user"
