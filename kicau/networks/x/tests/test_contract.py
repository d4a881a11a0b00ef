"""The suite that every connector passes, with every request held against X's own description."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path

from kicau.connector.content import Draft, Media, MediaKind, Part, Poll
from kicau.connector.contract import ConnectorContract
from kicau.networks.x.connector import connector
from kicau.networks.x.sandbox import Server
from kicau.networks.x.tests import cast, spec

LONG_VIDEO = replace(cast.media("pour"), duration_ms=3 * 3_600_000)


def server(**how: object) -> Server:
    """Processing takes next to no time here."""
    made = Server(**how)  # type: ignore[arg-type]
    made.processing_seconds = 0.02
    return made


def one(text: str = "Pagi", *media: Media, **more: object) -> Draft:
    return Draft(parts=(Part(text=text, media=media),), **more)  # type: ignore[arg-type]


class TestX(ConnectorContract):
    refused_look_ups = (
        (
            400,
            '{"title": "Invalid Request", "detail": "One or more parameters to your request was invalid.", "type": "https://api.twitter.com/2/problems/invalid-request"}',
        ),
        (403, '{"title": "Forbidden", "detail": "Forbidden", "type": "about:blank", "status": 403}'),
        (
            404,
            '{"title": "Not Found Error", "detail": "Could not find user", "type": "https://api.twitter.com/2/problems/resource-not-found"}',
        ),
    )
    called = "kopisenja"
    other, calling, threads_answers = "1790000000000000002", "@kopisenja", False  # X lets only the summoned answer
    connector = connector
    server = staticmethod(server)
    drafts = cast.drafts()
    files = cast.files()
    validators = (spec.validate,)
    bad_drafts = {
        "too-long": one("a" * 281),
        "empty": one(""),
        "bad-character": one("Pagi\ufeff"),
        "too-many-cashtags": one("$TSLA and $AAPL"),
        "too-many-media": one("Pagi", *(cast.media(ref) for ref in ("red", "green", "blue", "grey", "red"))),
        "mixed-media": one("Pagi", cast.media("red"), cast.media("pour")),
        "wrong-kind": one("Pagi", Media(ref="d", kind=MediaKind.DOCUMENT, mime="application/pdf", size=9)),
        "too-long-video": one("Pagi", LONG_VIDEO),
        "too-short-video": one("Pagi", replace(LONG_VIDEO, duration_ms=400)),
        "wrong-fps": one("Pagi", replace(cast.media("pour"), fps=120.0)),
        "wrong-aspect": one("Pagi", replace(cast.media("pour"), width=1280, height=400)),
        "wrong-codec": one("Pagi", replace(cast.media("pour"), audio_codec="opus")),
        "wrong-type": one("Pagi", replace(cast.media("pour"), mime="video/x-matroska")),
        "too-large": one("Pagi", replace(cast.media("steam"), size=15_000_001)),
        "too-many-frames": one("Pagi", replace(cast.media("steam"), frames=351)),
        "too-many-pixels": one("Pagi", replace(cast.media("steam"), width=1280, height=1080, frames=300)),
        "alt-too-long": one("Pagi", cast.media("red", "x" * 1001)),
        "poll-with-media": one("Pagi", cast.media("red"), poll=Poll(options=("a", "b"))),
        "poll-too-few": one("Pagi", poll=Poll(options=("a",))),
        "poll-too-many": one("Pagi", poll=Poll(options=("a", "b", "c", "d", "e"))),
        "poll-option-too-long": one("Pagi", poll=Poll(options=("a", "b" * 26))),
        "poll-option-empty": one("Pagi", poll=Poll(options=("a", ""))),
        "poll-duration": one("Pagi", poll=Poll(options=("a", "b"), minutes=4)),
        "no-first-comment": one(first_comment="Tautan di komentar"),
        "unknown-option": one(options={"quote": "20"}),
        "bad-option": one(options={"replies": "nobody"}),
        "bad-reference": one(reply_to="not a post"),
    }


def test_the_product_imports_no_test_data() -> None:
    folder = Path(__file__).parents[1]
    sources = [path for path in folder.rglob("*.py") if "tests" not in path.relative_to(folder).parts]
    trees = {path: ast.parse(path.read_text("utf-8")) for path in sources}
    froms = {
        (p, node.module) for p, tree in trees.items() for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)
    }
    assert len(sources) > 10
    assert [pair for pair in froms if ".tests" in f".{pair[1]}"] == []
