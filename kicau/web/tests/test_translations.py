"""Both languages are complete, and what is compiled is what is written."""

from __future__ import annotations

import ast
import re
from functools import cache
from gettext import GNUTranslations

import pytest

from kicau.web import translations

wanted = cache(translations.texts_by_catalog)
PLACE = re.compile(r"%\(\w+\)s|\{\w*(?:![rs])?\}")


@pytest.mark.parametrize("book", translations.catalogs(), ids=lambda book: str(book.relative_to(translations.ROOT)))
def test_every_text_is_there_in_indonesian(book):
    lacking = translations.missing_translations(wanted()[book], translations.read_catalog(book))
    assert not lacking, f"Translate these in {book}, then run: python -m kicau.web.translations\n" + "\n".join(
        key[1] for key in lacking
    )


@pytest.mark.parametrize("book", translations.catalogs(), ids=lambda book: str(book.relative_to(translations.ROOT)))
def test_every_translation_fills_in_what_the_english_does(book):
    for (_context, english, _plural), said in translations.read_catalog(book).items():
        for text in said:
            assert sorted(PLACE.findall(text)) == sorted(PLACE.findall(english)), english


@pytest.mark.parametrize("book", translations.catalogs(), ids=lambda book: str(book.relative_to(translations.ROOT)))
def test_what_is_compiled_is_what_is_written(book):
    with book.with_suffix(".mo").open("rb") as file:
        compiled = GNUTranslations(file)
    for (context, english, plural), said in translations.read_catalog(book).items():
        if plural:
            told = compiled.npgettext(context, english, plural, 5) if context else compiled.ngettext(english, plural, 5)
        else:
            told = compiled.pgettext(context, english) if context else compiled.gettext(english)
        assert told == said[0], "Run: python -m kicau.web.translations"


def test_plurals_and_contexts_are_found_in_templates():
    source = '{% load i18n %}{% translate \'One\' %}{% blocktranslate count n=x %}{{ n }} bird{% plural %}{{ n }} birds{% endblocktranslate %}{% translate "May" context "month" %}'
    assert set(translations.texts_in_template(source)) == {
        ("", "One", ""),
        ("", "%(n)s bird", "%(n)s birds"),
        ("month", "May", ""),
    }


def test_sentences_of_a_tables_rows_of_attempts_and_of_what_a_server_says_are_found():
    source = 'wrong("text", "empty", "It is empty.")\nAttempt(sentence="There is room.")\nend(job, sentence="It failed.")\nKNOWN = ((r"x y", "code", "{network} took it not."),)'
    assert {text for _, text, _ in translations.texts_in_python(source)} == {
        "It is empty.",
        "There is room.",
        "It failed.",
        "{network} took it not.",
    }


REFUSALS = ("Conflict", "NotAllowed", "KnownRejection")
SPEAK_ENGLISH = (*translations.PROGRAM_ROOMS, "sandbox")


def _untold(source: str) -> list[int]:
    """Lines that say something to people which no book can hold: filled in by hand, or a note that is no `AttemptNote`."""

    def is_filled(node: ast.expr) -> bool:
        return isinstance(node, ast.JoinedStr | ast.BinOp)

    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            said = [k.value for k in node.keywords if k.arg == "message"] if name in (*REFUSALS, "Problem") else []
            said += node.args[:1] if name in REFUSALS else []
            notes = [k.value for k in node.keywords if k.arg == "note"] if name in ("PendingStep", "UploadStep") else []
            plain = any(isinstance(one, ast.Constant) and one.value for one in notes)
            found += [node.lineno] if plain or any(map(is_filled, (*said, *notes))) else []
    return found


def test_every_sentence_can_be_told_in_another_language():
    assert _untold(
        'raise Conflict(f"{a} is gone")\nPendingStep(progress=p, note="waiting")\nConflict("It is gone.")'
    ) == [
        1,
        2,
    ]
    untold = [
        f"{path.relative_to(translations.ROOT)}:{line}"
        for path in translations.ROOT.rglob("*.py")
        if not set(path.relative_to(translations.ROOT).parts) & {"tests", *SPEAK_ENGLISH}
        and not path.stem.startswith("sandbox")
        for line in _untold(path.read_text("utf-8"))
    ]
    assert not untold, (
        "Wrap these in Sentence (in a network: AttemptNote), so that each reader has them in their language"
    )
