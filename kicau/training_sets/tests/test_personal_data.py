"""Personal data as people in Indonesia write it is found; other numbers are left alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from kicau.training_sets import personal_data
from kicau.training_sets.options import DEFAULT_KINDS, REPLACEMENT_LABELS, SetOptions
from kicau.training_sets.tests import personal_recall

ALL = frozenset(REPLACEMENT_LABELS)
DATASETS = Path(__file__).resolve().parents[3] / "docs" / "how-to" / "build-training-sets.md"


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
        ("Skor 3-1, pesanan 1234567, 100.000.000 orang", None),
        ("Kerja bakti RT 03/RW 05", "Kerja bakti [address]"),
        ("jalan-jalan ke gang kecil", None),
        ("", None),
    ],
)
def test_what_is_found(text, made):
    cleaned, spans = personal_data.redact(text, ALL)
    assert cleaned == (text if made is None else made)
    assert all(0 <= s.start < s.end <= len(text) for s in spans)


def test_only_what_was_asked_for_is_replaced():
    assert personal_data.redact("0812-3456-7890 @sari", frozenset({"handle"}))[0] == "0812-3456-7890 @user"


def test_each_kind_is_found_in_handmade_sentences_and_nothing_else():
    result = personal_recall.measure()
    assert (result.total.total(), len(set(personal_recall.impersonal())) >= 300) == (300, True)
    recall = {kind: result.found[kind] / result.total[kind] for kind in REPLACEMENT_LABELS}
    assert min(recall.values()) >= 0.9, [one for one in result.missed if recall[one.kind] < 0.9]
    assert result.precision >= 0.98, result.wrong


def test_the_docs_publish_what_is_measured():
    result = personal_recall.measure()
    published = DATASETS.read_text("utf-8")
    assert personal_recall.table(result) in published
    assert f"{len(result.wrong)} wrong of {result.right + len(result.wrong)}" in published


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("Tanggal 08-12-2026 10.00, buka 08.00-15.00", None),
        ("Bank Mandiri 17-08-2025 10.00 dan BRI 2024 2025 2026", None),
        ("0800-1-500-888 bebas pulsa", None),
        ("Nilai 2,0812345678 dibulatkan", None),
        ("BRI untung Rp12.345.678.901.234", None),
        ("Blok M 2 jam, Jalan Sudirman 3 km macet", None),
        ("order no. 0812345678901 resi JP1234567890", None),
        ("Jl. Cemara I/14 Malang", "[address] Malang"),
        ("jalan melati 8 depok", "[address] depok"),
        ("0️⃣8️⃣1️⃣2️⃣3️⃣4️⃣5️⃣6️⃣7️⃣8️⃣9️⃣0️⃣", "[phone]️⃣"),
        ("C1234567 (paspor), 1234567890 (BCA)", "[passport] (paspor), [account] (BCA)"),
        ("nopas C2236067, pasport B2449489", "nopas [passport], pasport [passport]"),
        ("Jl. Merpati Putih II/5 rumah cat biru", "[address] rumah cat biru"),
        ("pabrik di Kawasan Industri Jababeka Blok V No. 2", "pabrik di [address]"),
        ("Apartemen Kalibata City Tower Jasmine lt 12 no 12AF sewa", "[address] sewa"),
        ("rumah mertua jalan nangka no. 6 rt 05 rw 02", "rumah mertua [address]"),
        ("hubungi0813 2233 4455, hub0813-2233-4455", "hubungi[phone], hub[phone]"),
        ("lia di kopi titik co titik id, tono di gmail dot com", "[email], [email]"),
        ("Belajar di rumah dot com booming", None),
        ("Uni Eropa dan Uni Soviet, Teh Botol Sosro, Teh Kotak, Mr Bean, Ms Word", None),
    ],
)
def test_dates_amounts_and_things_are_no_numbers_of_people(text, made):
    cleaned, _spans = personal_data.redact(text, ALL)
    assert cleaned == (text if made is None else made)


def test_names_behind_a_title_are_an_option():
    text = "Bu Sari dan Pak Dr. Budi Santoso ke Ibu Kota, Pak Camat hadir"
    assert personal_data.redact(text, frozenset(SetOptions().personal))[0] == text
    assert set(REPLACEMENT_LABELS) - set(DEFAULT_KINDS) == {"name"}
    assert personal_data.redact(text, ALL)[0] == "Bu [name] dan Pak Dr. [name] ke Ibu Kota, Pak Camat hadir"
