"""What a password must not be, under whatever is put around it."""

from __future__ import annotations

import pytest

from kicau.base.errors import ValidationFailed
from kicau.workspaces import actions, passwords

COMMON = [
    "Password123!",
    "P@ssw0rd1234",
    "letmein2024!",
    "2024!letmein",
    "--Qwerty!!2026--",
    "dr4g0n-4821-7735",
    "ｐａｓｓｗｏｒｄ１２３",
    "password-password-7",
    "1loveyou!2026",
    "!loveyou!2026",
]
OWN = ["Kicau2026!!!", "k1cau-k1cau-1", "Sari.Wulandari.1990", "S4ri-Wul4ndari-9", "kopisenja2026!", "sariw-1234567"]
GOOD = [
    "hujan-di-bandung-41",
    "kopi-braga7",
    "correct horse battery staple",
    "passwords are a bad idea 9",
    "teh tarik dan sari kelapa",
    "Wq7!fX2#mRz9",
    "密码真的很难记住啊朋友们",
]


@pytest.mark.parametrize("password", COMMON + OWN)
def test_a_common_word_or_ones_own_is_weak_whatever_stands_around_it(password):
    judged = passwords.check_password(password, email="sariw@kopisenja.example", name="Sari Wulandari")
    assert not judged.good


@pytest.mark.parametrize("password", GOOD)
def test_other_words_make_a_good_one(password):
    assert passwords.check_password(password, email="sariw@kopisenja.example", name="Sari Wulandari").good


@pytest.mark.parametrize("password", COMMON[:3])
def test_no_account_is_made_with_one(password, db):
    with pytest.raises(ValidationFailed):
        actions.add_person("budi@kopisenja.example", "Budi", password)
