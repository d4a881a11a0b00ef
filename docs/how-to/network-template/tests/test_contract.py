"""The connector contract: what the engine relies on, for each kind of post that Newnet takes."""

from __future__ import annotations

from kicau.networks.newnet.connector import connector
from kicau.networks.newnet.sandbox import Server

from kicau.connector.content import Draft, Part, Poll
from kicau.connector.contract import ConnectorContract


class TestNewnet(ConnectorContract):
    connector = connector
    server = Server
    drafts = {
        "thread": Draft(parts=(Part(text="satu"), Part(text="dua"), Part(text="tiga"))),
        "text": Draft(parts=(Part(text="Selamat pagi ☕🏽"),)),
    }
    bad_drafts = {
        "too-long": Draft(parts=(Part(text="a" * 101),)),
        "too-many-parts": Draft(parts=tuple(Part(text=f"{n}") for n in range(11))),
        "no-polls": Draft(parts=(Part(text="?"),), poll=Poll(options=("a", "b"))),
        "no-first-comment": Draft(parts=(Part(text="a"),), first_comment="b"),
        "unknown-option": Draft(parts=(Part(text="a"),), options={"colour": "red"}),
        "bad-option": Draft(parts=(Part(text="a"),), options={"tone": "shrill"}),
    }
