"""Graph's `fields` parameter: "id,attachments.limit(2){target{id}}"."""

from __future__ import annotations

import re

type FieldTree = dict[str, "FieldTree"]

TOKEN_PATTERN = re.compile(r"[\w-]+|\.\w+\([^)]*\)|[{},]")


def parse_fields(text: str) -> FieldTree:
    """The names asked for, each with its own; modifiers such as .limit(2) are read over. Raises ValueError."""
    tokens = TOKEN_PATTERN.findall(text)
    if "".join(tokens) != re.sub(r"\s", "", text):
        raise ValueError(f"cannot read the fields {text!r}")
    root: FieldTree = {}
    stack, last = [root], ""
    for mark in tokens:
        if mark == "{":
            if not last:
                raise ValueError(f"nothing before an opening brace in {text!r}")
            stack.append(stack[-1][last])
            last = ""
        elif mark == "}":
            if len(stack) == 1:
                raise ValueError(f"a closing brace too many in {text!r}")
            stack.pop()
            last = ""
        elif mark == "," or mark.startswith("."):
            continue
        else:
            last = mark
            stack[-1][mark] = {}
    if len(stack) != 1:
        raise ValueError(f"a brace is not closed in {text!r}")
    return root
