"""The Indonesian words: gathers what is to be translated, tells what is missing, compiles. Run after changing a text:

    python -m kicau.web.translations

The core has one book; a network brings its own in its folder (make `locale/` there), else it speaks English only.
"""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from io import StringIO
from pathlib import Path

from kicau.base.message_catalogs import compile_catalog

ROOT = Path(__file__).resolve().parent.parent  # the package
CATALOG_PATH = Path("locale") / "id" / "LC_MESSAGES" / "django.po"  # within the package, or a network's folder
PROGRAM_ROOMS = (
    "api",
    "base",
    "cli",
    "demo",
    "config",
    "sandbox",
)  # speak English: they are read by programs and operators
TRANSLATION_CALLS = {
    "gettext": (0,),
    "gettext_lazy": (0,),
    "_": (0,),
    "_lazy": (0,),
    "Sentence": (0,),
    "AttemptNote": (0,),
    "ngettext": (0, 1),
    "pgettext_lazy": (1,),
    "pgettext": (1,),
}

type Key = tuple[str, str, str]  # context, singular, plural ("" where there is none)


def catalogs() -> list[Path]:
    """The core's book, and those of the networks that have one."""
    return [
        ROOT / CATALOG_PATH,
        *sorted(folder / CATALOG_PATH for folder in (ROOT / "networks").iterdir() if (folder / "locale").is_dir()),
    ]


def texts_by_catalog() -> dict[Path, dict[Key, str]]:
    """By book, every text with a file that says it."""
    found: dict[Path, dict[Key, str]] = {ROOT / CATALOG_PATH: {}}
    for path in sorted([*ROOT.rglob("*.html"), *ROOT.rglob("*.py")]):
        if not _is_user_facing(path) or (path.suffix == ".html" and "templates" not in path.parts):
            continue
        book = found.setdefault(_catalog_of(path), {})
        source = path.read_text("utf-8")
        for key in texts_in_template(source) if path.suffix == ".html" else texts_in_python(source):
            book.setdefault(key, str(path.relative_to(ROOT)))
    for path in sorted((ROOT / "networks").glob("*/terms.toml")):  # what a network's terms say, in a sentence
        for row in tomllib.loads(path.read_text("utf-8"))["terms"]:
            found.setdefault(_catalog_of(path), {}).setdefault(("", row["summary"], ""), str(path.relative_to(ROOT)))
    for path in sorted((ROOT / "networks").glob("*/prices.toml")):  # what is remarked of a price list
        for row in tomllib.loads(path.read_text("utf-8"))["list"]:
            if row.get("note"):
                found.setdefault(_catalog_of(path), {}).setdefault(("", row["note"], ""), str(path.relative_to(ROOT)))
    return {book: texts for book, texts in found.items() if texts and book.parents[2].is_dir()}


def _catalog_of(path: Path) -> Path:
    parts = path.relative_to(ROOT).parts
    home = ROOT / "networks" / parts[1] if parts[0] == "networks" and len(parts) > 2 else ROOT
    return home / CATALOG_PATH


def _is_user_facing(path: Path) -> bool:
    parts = path.relative_to(ROOT).parts
    return "tests" not in parts and parts[0] not in PROGRAM_ROOMS


def texts_in_template(source: str) -> Iterator[Key]:
    """By way of Django's own conversion of templates to calls."""
    from django.utils.translation.template import templatize

    code = templatize(source)
    string = r"""u?('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
    for match in re.finditer(rf"""\b(n?p?gettext|_)\(\s*{string}(?:\s*,\s*{string})?""", code):
        name, first, second = match.groups()
        values = [ast.literal_eval(s) for s in (first, second) if s]
        if name == "ngettext":
            yield "", values[0], values[1]
        elif name == "pgettext":
            yield values[0], values[1], ""
        else:
            yield "", values[0], ""


def texts_in_python(source: str) -> Iterator[Key]:
    """Calls of gettext, and the sentences of problems: `message=` and the second argument of `validation_failed`."""
    tree = ast.parse(source)
    named: dict[str, list[str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    named.setdefault(target.id, []).extend(_texts(node.value, {}))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield from _texts_of_call(node, named)
        elif isinstance(node, ast.Tuple):  # a network's table of what its server says, and what we make of it
            told = [text for one in node.elts if isinstance(one, ast.Constant) for text in _texts(one, {})]
            yield from (("", text, "") for text in told if " " in text and "{network}" in text)


def _texts_of_call(call: ast.Call, named: dict[str, list[str]]) -> Iterator[Key]:
    name = (
        call.func.id
        if isinstance(call.func, ast.Name)
        else call.func.attr
        if isinstance(call.func, ast.Attribute)
        else ""
    )
    if name in TRANSLATION_CALLS and all(len(call.args) > n for n in TRANSLATION_CALLS[name]):
        values = [next(iter(_texts(call.args[n], named)), "") for n in TRANSLATION_CALLS[name]]
        if all(values):
            context = next(iter(_texts(call.args[0], named)), "") if name.startswith("p") else ""
            yield context, values[0], values[1] if len(values) > 1 else ""
    sentence: ast.expr | None = None
    if name in ("validation_failed", "UnusableFile", "skip_entry") and len(call.args) > 1:
        sentence = call.args[1]
    elif name == "wrong" and len(call.args) > 2:  # of a row of a table
        sentence = call.args[2]
    elif said := next((k.value for k in call.keywords if k.arg == "sentence"), None):  # whatever is called
        sentence = said
    elif name in ("Conflict", "NotAllowed") and call.args:
        sentence = call.args[0]
    elif name in ("Problem", "budget_problem", "replace", "KnownRejection"):
        sentence = next((k.value for k in call.keywords if k.arg == "message"), None)
    elif name == "Option":
        for text in _texts_of_option(call, named):
            yield "", text, ""
    elif name == "AppGuide":
        for text in _texts_of_app_guide(call):
            yield "", text, ""
    elif call.args and (
        sentences := [a for a in call.args if any(" " in t and "{network}" in t for t in _texts(a, named))]
    ):
        sentence = sentences[0]  # a network's own short way of naming a problem
    if sentence is not None:
        for text in _texts(sentence, named):
            yield "", text, ""


def _texts_of_option(call: ast.Call, named: dict[str, list[str]]) -> Iterator[str]:
    """Label, help and the words of the choices."""
    for keyword in call.keywords:
        if keyword.arg in ("label", "help"):
            yield from _texts(keyword.value, named)
        elif keyword.arg == "choices":
            for pair in ast.walk(keyword.value):
                if isinstance(pair, ast.Tuple) and len(pair.elts) == 2 and isinstance(pair.elts[1], ast.Constant):
                    yield from _texts(pair.elts[1], named)


def _texts_of_app_guide(call: ast.Call) -> Iterator[str]:
    """Its steps, what works when, and the names of the tiers."""
    for keyword in call.keywords:
        if keyword.arg in ("before_review", "after_review"):
            yield from _texts(keyword.value, {})
        elif isinstance(keyword.value, ast.Tuple) and keyword.arg in ("steps", "tiers"):
            for one in keyword.value.elts:
                yield from _texts(one.elts[1] if isinstance(one, ast.Tuple) else one, {})


def _texts(node: ast.expr, named: dict[str, list[str]]) -> list[str]:
    """What an expression may say, where that can be read off."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value] if node.value else []
    if isinstance(node, ast.Name):
        return [text for text in named.get(node.id, []) if text]
    if isinstance(node, ast.IfExp):
        return _texts(node.body, named) + _texts(node.orelse, named)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return [left + right for left in _texts(node.left, named) for right in _texts(node.right, named)]
    return []


def read_catalog(book: Path) -> dict[Key, list[str]]:
    """A book as it stands."""
    from babel.messages.pofile import read_po

    if not book.exists():
        return {}
    with book.open("rb") as file:
        catalogue = read_po(file, locale="id")
    found: dict[Key, list[str]] = {}
    for message in catalogue:
        if not message.id:
            continue
        singular, plural = message.id if isinstance(message.id, tuple) else (message.id, "")
        said = message.string if isinstance(message.string, tuple) else (message.string,)
        found[message.context or "", str(singular), str(plural)] = [str(s or "") for s in said]
    return found


def write_catalog(book: Path, places: dict[Key, str], known: dict[Key, list[str]]) -> None:
    """The book with exactly these texts, and its compiled form beside it."""
    out = StringIO()
    out.write(
        'msgid ""\nmsgstr ""\n"Language: id\\n"\n"MIME-Version: 1.0\\n"\n"Content-Type: text/plain; charset=utf-8\\n"\n"Content-Transfer-Encoding: 8bit\\n"\n"Plural-Forms: nplurals=1; plural=0;\\n"\n'
    )
    for context, singular, plural in sorted(places, key=lambda key: (places[key], key[1])):
        said = known.get((context, singular, plural), [""])
        out.write(f"\n#: {places[context, singular, plural]}\n")
        if context:
            out.write(f"msgctxt {_quoted(context)}\n")
        out.write(f"msgid {_quoted(singular)}\n")
        if plural:
            out.write(f"msgid_plural {_quoted(plural)}\nmsgstr[0] {_quoted(said[0])}\n")
        else:
            out.write(f"msgstr {_quoted(said[0])}\n")
    book.parent.mkdir(parents=True, exist_ok=True)
    book.write_text(out.getvalue(), "utf-8")
    compile_catalog(book)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def missing_translations(texts: Iterable[Key], known: dict[Key, list[str]]) -> list[Key]:
    return [key for key in texts if not all(known.get(key) or [""])]


def main() -> int:
    import os

    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kicau.config.settings")
    django.setup()
    lacking = 0
    for book, texts in texts_by_catalog().items():
        known = read_catalog(book)
        write_catalog(book, texts, known)
        without = missing_translations(texts, known)
        lacking += len(without)
        for context, singular, _plural in without:
            print(f"not translated: {f'({context}) ' if context else ''}{singular}")
        print(f"{book.relative_to(ROOT.parent)}: {len(texts)} texts, {len(without)} without Indonesian")
    return 1 if lacking else 0


if __name__ == "__main__":
    sys.exit(main())
