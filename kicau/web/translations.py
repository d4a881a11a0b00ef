"""The Indonesian words: gathers what is to be translated, tells what is missing, compiles. Run after changing a text:

    python -m kicau.web.translations
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Iterator
from io import StringIO
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent  # the package
BOOK = ROOT / "locale" / "id" / "LC_MESSAGES" / "django.po"
CALLS = {"gettext": (0,), "gettext_lazy": (0,), "_": (0,), "ngettext": (0, 1), "pgettext_lazy": (1,), "pgettext": (1,)}

type Key = tuple[str, str, str]  # context, singular, plural ("" where there is none)


def wanted() -> dict[Key, str]:
    """Every text with a file that says it."""
    found: dict[Key, str] = {}
    for path in sorted(ROOT.rglob("*.html")):
        if "templates" in path.parts:
            for key in in_template(path.read_text("utf-8")):
                found.setdefault(key, str(path.relative_to(ROOT)))
    for path in sorted(ROOT.rglob("*.py")):
        if "tests" not in path.parts:
            for key in in_python(path.read_text("utf-8")):
                found.setdefault(key, str(path.relative_to(ROOT)))
    return found


def in_template(source: str) -> Iterator[Key]:
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


def in_python(source: str) -> Iterator[Key]:
    """Calls of gettext, and the sentences of problems: `message=` and the second argument of `unacceptable`."""
    tree = ast.parse(source)
    named = {
        target.id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        for target in node.targets
        if isinstance(target, ast.Name)
    }

    def text(node: ast.expr) -> str:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return node.value
        if isinstance(node, ast.Name):
            return named.get(node.id, "")
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            left, right = text(node.left), text(node.right)
            return left + right if left and right else ""
        return ""

    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr if isinstance(node.func, ast.Attribute) else ""
        if name in CALLS and all(len(node.args) > n for n in CALLS[name]):
            values = [text(node.args[n]) for n in CALLS[name]]
            if all(values):
                context = text(node.args[0]) if name.startswith("p") else ""
                yield context, values[0], values[1] if len(values) > 1 else ""
        elif name == "unacceptable" and len(node.args) > 1 and text(node.args[1]):
            yield "", text(node.args[1]), ""
        elif name == "Unusable" and len(node.args) > 1 and text(node.args[1]):
            yield "", text(node.args[1]), ""
        elif name in ("Problem", "problem", "replace"):
            for keyword in node.keywords:
                if keyword.arg == "message" and text(keyword.value):
                    yield "", text(keyword.value), ""


def read() -> dict[Key, list[str]]:
    """The book as it stands."""
    from babel.messages.pofile import read_po

    if not BOOK.exists():
        return {}
    with BOOK.open("rb") as file:
        catalogue = read_po(file, locale="id")
    found: dict[Key, list[str]] = {}
    for message in catalogue:
        if not message.id:
            continue
        singular, plural = message.id if isinstance(message.id, tuple) else (message.id, "")
        said = message.string if isinstance(message.string, tuple) else (message.string,)
        found[message.context or "", singular, plural] = [s or "" for s in said]
    return found


def write(texts: Iterable[Key], known: dict[Key, list[str]], places: dict[Key, str]) -> None:
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    out = StringIO()
    out.write('msgid ""\nmsgstr ""\n"Language: id\\n"\n"MIME-Version: 1.0\\n"\n"Content-Type: text/plain; charset=utf-8\\n"\n"Content-Transfer-Encoding: 8bit\\n"\n"Plural-Forms: nplurals=1; plural=0;\\n"\n')
    for context, singular, plural in sorted(texts, key=lambda key: (places[key], key[1])):
        said = known.get((context, singular, plural), [""])
        out.write(f"\n#: {places[context, singular, plural]}\n")
        if context:
            out.write(f"msgctxt {_quoted(context)}\n")
        out.write(f"msgid {_quoted(singular)}\n")
        if plural:
            out.write(f"msgid_plural {_quoted(plural)}\nmsgstr[0] {_quoted(said[0])}\n")
        else:
            out.write(f"msgstr {_quoted(said[0])}\n")
    BOOK.parent.mkdir(parents=True, exist_ok=True)
    BOOK.write_text(out.getvalue(), "utf-8")
    with BOOK.open("rb") as file, BOOK.with_suffix(".mo").open("wb") as compiled:
        write_mo(compiled, read_po(file, locale="id"))


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def missing(texts: Iterable[Key], known: dict[Key, list[str]]) -> list[Key]:
    return [key for key in texts if not all(known.get(key) or [""])]


def main() -> int:
    import os

    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kicau.config.settings")
    django.setup()
    texts, known = wanted(), read()
    write(texts, known, texts)
    without = missing(texts, known)
    for context, singular, _plural in without:
        print(f"not translated: {f'({context}) ' if context else ''}{singular}")
    print(f"{len(texts)} texts, {len(without)} without Indonesian; written to {BOOK.relative_to(ROOT.parent)}")
    return 1 if without else 0


if __name__ == "__main__":
    sys.exit(main())
