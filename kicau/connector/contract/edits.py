"""Changes of published posts: readers see them once, and a broken change is looked up first."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

from kicau.connector import errors
from kicau.connector.capabilities import Ability
from kicau.connector.contract.case import ContractCase
from kicau.connector.contract.malformed_responses import REJECTED_LOOKUP_RESPONSES
from kicau.connector.contract.session import ContractSession
from kicau.connector.roles.edits import (
    EditRole,
    PartRevision,
    RemoteContentState,
    apply_revision,
    check_editable,
    draft_from_rendered,
)
from kicau.connector.sandbox.server import OrderedFault, Sandbox


class EditContract(ContractCase):
    async def test_a_change_is_what_readers_see(self, session: ContractSession, sandbox: Sandbox) -> None:
        """What is published is changed once its network allows that, and as the preview shows it; else it says so."""
        if not isinstance(self.connector, EditRole):
            assert Ability.EDIT not in self.connector.baseline.abilities
            post = self.connector.render(next(iter(self.drafts.values())), self.connector.baseline)
            told = check_editable(post, post, self.connector.baseline, self.connector.label)
            assert [problem.code for problem in told] == ["no-edit"]
            return
        revision, others = await self.revision(session)
        again = self.connector.render(draft_from_rendered(self.connector, revision.before), self.connector.baseline)
        assert again.parts == revision.before.parts, "what is published is rendered again as it is"
        assert Ability.EDIT in self.connector.baseline.abilities
        await self._reads(session, revision, RemoteContentState.BEFORE)
        await apply_revision(self.connector, session, revision, self.connector.label)
        assert self.visible(sandbox) == [revision.after.parts[0].text, *others]
        if not await self._reads(session, revision, RemoteContentState.AFTER):
            return
        before = len(sandbox.requests)
        assert await apply_revision(self.connector, session, replace(revision, doubt=True), self.connector.label) == {}
        assert all(one["method"] == "GET" for one in list(sandbox.requests)[before:]), "nothing is sent twice"
        other = replace(revision, before=revision.before, after=self.saying(revision.before, "Something else"))
        with pytest.raises(errors.Rejected, match="Someone edited this published post directly on"):
            await apply_revision(self.connector, session, other, self.connector.label)

    async def test_a_broken_change_is_looked_up_before_it_is_repeated(
        self, session: ContractSession, sandbox: Sandbox
    ) -> None:
        if not isinstance(self.connector, EditRole):
            return
        revision, others = await self.revision(session)
        for effect, nth in product(("drop", "drop-after", "status-after", "truncate"), range(4)):
            wanted = self.saying(revision.before, f"{effect} {nth}")
            revision = replace(revision, after=wanted, doubt=False)
            sandbox.faults[:] = [OrderedFault(effect=effect, skip=nth, status=502)]
            for _ in range(6):
                try:
                    await apply_revision(self.connector, session, revision, self.connector.label)
                    break
                except errors.Uncertain:  # after a second one, a person has looked
                    revision = replace(revision, doubt=not revision.doubt)
                except errors.Unavailable:
                    continue
            assert self.visible(sandbox) == [wanted.parts[0].text, *others], (effect, nth)
            revision = replace(revision, before=wanted)

    async def test_a_refused_look_leaves_the_doubt_about_a_change(
        self, session: ContractSession, sandbox: Sandbox
    ) -> None:
        if not isinstance(self.connector, EditRole):
            return
        revision, others = await self.revision(session)
        await self.connector.revise(session, revision)  # and its answer is lost
        doubtful = replace(revision, doubt=True)
        for status, body in (*self.refused_look_ups, *REJECTED_LOOKUP_RESPONSES):
            sandbox.faults[:] = [OrderedFault(effect="status", status=status, text=body, times=-1)]
            with pytest.raises(errors.ConnectorError) as told:
                await apply_revision(self.connector, session, doubtful, self.connector.label)
            assert not isinstance(told.value, errors.Rejected), (status, body)
        sandbox.faults.clear()
        assert self.visible(sandbox) == [revision.after.parts[0].text, *others]

    async def _reads(self, session: ContractSession, revision: PartRevision, wanted: RemoteContentState) -> bool:
        """Whether the network can tell; then it tells what is wanted."""
        assert isinstance(self.connector, EditRole)
        try:
            assert await self.connector.reads(session, revision) is wanted
        except errors.Uncertain:
            assert not self.connector.can_verify_posts
            return False
        return True
