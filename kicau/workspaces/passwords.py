"""What a password must be, and what is told of it while it is typed."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from django.contrib.auth.password_validation import CommonPasswordValidator, validate_password
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from kicau.workspaces.models import Person

MIN_DIFFERENT_CHARACTERS = 6  # different characters: "aaaaaaaaaa" and "1212121212" are long and worth nothing
LONG_PASSWORD_LENGTH = 16
MIN_STEM_LENGTH = 4  # letters: with fewer left, there is no word under the digits
MIN_OWN_WORD_LENGTH = 3  # letters of a word of one's name or address
PRODUCT_NAME = "kicau"
LOOK_ALIKE_CHARACTERS = str.maketrans("0435@$789+", "oaesastbgt")
SURROUNDING_NON_LETTERS_PATTERN = re.compile(r"^[\W\d_]+|[\W\d_]+$")
COMMON_PASSWORD_VALIDATOR = CommonPasswordValidator()  # the 20,000 most used, in lower case


class VarietyValidator:
    """Django's validator that wants different characters, not only many."""

    def validate(self, password: str, user: object = None) -> None:
        if len(set(password)) < MIN_DIFFERENT_CHARACTERS or password.casefold() in _keyboard_runs(password):
            raise ValidationError(
                _("This password repeats the same characters or words. Add other words or characters.")
            )

    def get_help_text(self) -> str:
        return _("Do not repeat the same characters or words in your password.")


class StemValidator:
    """Django's validator that looks at the word under digits, signs and letters that stand for others.

    "P@ssw0rd1234" is "password" to every program that guesses.
    """

    def validate(self, password: str, user: object = None) -> None:
        own = _own_words(user)
        if any(_is_weak(stem, own) for stem in stems(password)):
            raise ValidationError(
                _(
                    "This password is easy to guess. Without its digits and symbols, it is only a common password, your name, your e-mail address or “Kicau”. Add other words."
                )
            )

    def get_help_text(self) -> str:
        return _("Do not use a common password with only digits and symbols added to it.")


def stems(password: str) -> set[str]:
    """The letters that remain of a password: without what stands around them, and with its look-alikes read as letters."""
    plain = unicodedata.normalize("NFKC", password).casefold()
    core = SURROUNDING_NON_LETTERS_PATTERN.sub("", plain)
    found = {only_letters(plain), only_letters(core)}
    for one in "il":  # what "1", "!" and "|" stand for
        found |= {
            only_letters(text.translate(LOOK_ALIKE_CHARACTERS | {ord(c): one for c in "1!|"})) for text in (plain, core)
        }
    return {whole[: (whole + whole).find(whole, 1)] for whole in found if whole}  # "kopikopi" is "kopi" twice


def only_letters(text: str) -> str:
    return "".join(c for c in text if c.isalpha())


def _is_weak(stem: str, own: set[str]) -> bool:
    if len(stem) >= MIN_STEM_LENGTH and stem in COMMON_PASSWORD_VALIDATOR.passwords:
        return True
    rest = stem
    for word in sorted(own, key=len, reverse=True):
        rest = rest.replace(word, "")
    return rest != stem and len(rest) < MIN_STEM_LENGTH


def _own_words(user: object) -> set[str]:
    """The words of somebody's name and address, and of the product, that are long enough to be looked for."""
    text = f"{getattr(user, 'name', '')} {getattr(user, 'email', '')} {PRODUCT_NAME}".casefold()
    words = {word for word in re.split(r"[\W\d_]+", text) if len(word) >= MIN_OWN_WORD_LENGTH}
    return words | {only_letters(text.partition("@")[0].rpartition(" ")[2])} - {""}


def _keyboard_runs(password: str) -> set[str]:
    """What a password of that length would be as a mere row of neighbouring characters."""
    first = ord(password[0]) if password else 0
    return {"".join(chr(max(0, first + step * n)) for n in range(len(password))).casefold() for step in (1, -1)}


@dataclass(frozen=True, slots=True)
class PasswordCheck:
    good: bool
    sentence: str


def check_password(password: str, *, email: str = "", name: str = "") -> PasswordCheck:
    """What is wrong with a password, or that it is good, in the reader's language."""
    try:
        validate_password(password, Person(email=email, name=name))
    except ValidationError as exc:
        return PasswordCheck(False, " ".join(exc.messages))
    if len(password) < LONG_PASSWORD_LENGTH:
        return PasswordCheck(True, _("This password is good enough. To make it strong, add a few words."))
    return PasswordCheck(True, _("This password is strong."))
