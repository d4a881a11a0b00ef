"""The contract suite passes for a connector that keeps the contract: a test of the suite as much as of the stranger."""

from __future__ import annotations

from kicau.connector.content import Draft, Link, Part, Poll
from kicau.connector.contract import ConnectorContract
from tests.stranger.connector import connector
from tests.stranger.sandbox import Server


class TestStranger(ConnectorContract):
    connector = connector
    server = Server
    drafts = {
        "thread": Draft(parts=(Part(text="one"), Part(text="two"), Part(text="three"))),
        "one": Draft(parts=(Part(text="halo 👋🏽"),)),
    }
    bad_drafts = {
        "too-long": Draft(parts=(Part(text="a" * 101),)),
        "no-polls": Draft(parts=(Part(text="?"),), poll=Poll(options=("a", "b"))),
        "unknown-option": Draft(parts=(Part(text="a"),), options={"colour": "red"}),
        "bad-option": Draft(parts=(Part(text="a"),), options={"tone": "shrill"}, link=Link(url="https://example.org")),
        "no-first-comment": Draft(parts=(Part(text="a"),), first_comment="b"),
    }
