"""Of texts that say the same the first stays."""

from __future__ import annotations

from kicau.training_sets.near_duplicates import find_repeats

LONG = (
    "pagi ini kami membuka kedai lebih awal karena hujan sudah reda dan banyak yang menunggu di depan pintu sejak subuh"
)


def test_repeats_are_told_by_their_first():
    texts = [
        LONG,
        LONG.upper() + " https://kopi.example/1 @sari!!",
        LONG.replace("subuh", "fajar"),
        "hal lain sama sekali tentang roti bakar dan selai kacang buatan sendiri",
        "halo",
        "Halo!",
        "",
        "",
        LONG.replace("kedai", "toko").replace("hujan", "badai").replace("pintu", "pagar").replace("awal", "cepat"),
    ]
    assert find_repeats(texts).tolist() == [-1, 0, 0, -1, -1, 4, -1, -1, -1]
    assert find_repeats([]).tolist() == []
