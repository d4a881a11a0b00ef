"""What a password must be, and what is told of it while it is typed."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from kicau.workspaces.models import Person

LEAST_VARIETY = 6  # different characters: "aaaaaaaaaa" and "1212121212" are long and worth nothing
LONG = 16


class Varied:
    """Django's validator that wants different characters, not only many."""

    def validate(self, password: str, user: object = None) -> None:
        if len(set(password)) < LEAST_VARIETY or password.casefold() in _runs(password):
            raise ValidationError(_("This password is one pattern repeated; mix other words or characters in."))

    def get_help_text(self) -> str:
        return _("Not one pattern repeated.")


def _runs(password: str) -> set[str]:
    """What a password of that length would be as a mere row of neighbouring characters."""
    first = ord(password[0]) if password else 0
    return {"".join(chr(max(0, first + step * n)) for n in range(len(password))).casefold() for step in (1, -1)}


@dataclass(frozen=True, slots=True)
class Judged:
    good: bool
    sentence: str


def judge(password: str, *, email: str = "", name: str = "") -> Judged:
    """What is wrong with a password, or that it is good, in the reader's language."""
    try:
        validate_password(password, Person(email=email, name=name))
    except ValidationError as exc:
        return Judged(False, " ".join(exc.messages))
    if len(password) < LONG:
        return Judged(True, _("Good enough. Some more words make it strong."))
    return Judged(True, _("Strong."))
