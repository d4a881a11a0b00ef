"""Rendering: pure, total, stored as it is sent, and each number with its source."""

from __future__ import annotations

import msgspec
import pytest

from kicau.connector.content import Draft, Rendered
from kicau.connector.contract.case import ContractCase
from kicau.connector.contract.session import ContractSession
from kicau.connector.serialization import from_json, to_compact_json


class RenderingContract(ContractCase):
    async def test_what_is_kept_is_what_was_rendered(self, session: ContractSession, draft: Draft) -> None:
        post = (await self.delivery(session, draft)).post
        assert from_json(Rendered, msgspec.json.decode(msgspec.json.encode(to_compact_json(post)))) == post

    async def test_render_is_pure(self, draft: Draft) -> None:
        can = self.connector.baseline
        assert self.connector.render(draft, can) == self.connector.render(draft, can)

    async def test_a_bad_draft_is_told_before_sending(self, bad: tuple[str, Draft]) -> None:
        code, draft = bad
        rendered = self.connector.render(draft, self.connector.baseline)
        told = {p.code: p for p in rendered.problems}
        assert code in told, list(told)
        sentence = told[code].sentence
        assert self.connector.label in sentence or "{" not in sentence
        assert told[code].field

    @pytest.mark.parametrize(
        "text", ["", " ", "\u0000", "\ud800", "a" * 200_000, "@", "#", "https://", "👩‍👩‍👧‍👦" * 301, "\u202e\u0301"]
    )
    async def test_render_is_total(self, text: str) -> None:
        from kicau.connector.content import Part

        rendered = self.connector.render(Draft(parts=(Part(text=text),)), self.connector.baseline)
        assert isinstance(rendered, Rendered)

    async def test_every_number_has_a_source(self) -> None:
        facts = self.connector.baseline.facts
        assert facts
        assert all(fact.source for fact in facts.values())
