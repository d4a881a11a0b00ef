"""Copies of pictures that a network accepts: what a copy changes, and why."""

from __future__ import annotations

from kicau.connector.capabilities import MediaRule
from kicau.connector.checks.formats import short_mime_name
from kicau.connector.content import Media, Problem, Recipe

CONVERTIBLE_TYPES = frozenset(
    {"image/jpeg", "image/png", "image/webp", "image/gif", "image/bmp", "image/tiff", "image/heic", "image/avif"}
)

CONVERSION_REASONS = {  # by the code of the problem that a copy solves
    "wrong-type": "format",
    "too-large": "file size",
    "too-wide": "width or height",
    "too-many-pixels": "number of pixels",
    "wrong-aspect": "ratio of width to height",
}


def complete_recipe(recipe: Recipe, rule: MediaRule) -> Recipe:
    return Recipe(
        mime=recipe.mime,
        max_width=recipe.max_width or rule.max_width,
        max_height=recipe.max_height or rule.max_height,
        max_size=recipe.max_size or rule.max_size,
        min_aspect=recipe.min_aspect or rule.min_aspect,
        max_aspect=recipe.max_aspect or rule.max_aspect,
        background=recipe.background,
    )


def conversion_notice(network: str, field: str, one: Media, made: Recipe, why: list[Problem]) -> Problem:
    return Problem(
        code="will-convert",
        message="{network} does not accept {name} because of its {reasons}. Kicau will publish a copy in the format {mime}, and your own file stays unchanged.",
        params={
            "network": network,
            "name": one.name or one.ref,
            "reasons": " and ".join(map(_conversion_reason, why)),
            "mime": short_mime_name(made.mime),
        },
        field=field,
        fix="convert",
    )


def _conversion_reason(problem: Problem) -> str:
    """What a copy changes, with the file's own value in a form that every language reads: "file size (9 MB > 8 MB)"."""
    told = problem.params
    match problem.code:
        case "wrong-type":
            value = str(told["mime"])
        case "too-wide":
            value = f"{told['aw']}×{told['ah']} > {told['w']}×{told['h']}".replace("any", "∞")
        case "wrong-aspect":
            low, actual = float(told["low"]), float(told["actual"])
            value = f"{actual} < {low}" if actual < low else f"{actual} > {told['high']}"
        case _:
            value = f"{told['actual']} > {told['limit']}"
    return f"{CONVERSION_REASONS[problem.code]} ({value})"


def without_fix(problem: Problem) -> Problem:
    return Problem(
        code=problem.code,
        message=problem.message,
        params=problem.params,
        field=problem.field,
        limit=problem.limit,
        actual=problem.actual,
    )
