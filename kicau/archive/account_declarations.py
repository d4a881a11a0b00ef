"""What an account declares on its own network becomes a statement: as it was read, with its source, bytes and time.

One that says the same again is not kept twice; one that says otherwise, or nothing any more, ends the one before.
"""

from __future__ import annotations

import hashlib
import json

from django.db import transaction

from kicau.archive import record_statements
from kicau.channels.models import Channel
from kicau.connector.roles.preferences import AccountPreferences
from kicau.rights import statements
from kicau.rights.models import Layer, Party, Statement, Subject
from kicau.rights.statements import NewStatement
from kicau.vocabularies.known import VOCABULARIES
from kicau.workspaces.actors import Actor, Permission


@transaction.atomic
def record_account_declaration(actor: Actor, channel: Channel, told: AccountPreferences) -> Statement | None:
    """The statement that holds now; None where the account says nothing that holds for every reader, or where `actor`
    may not decide for the whole workspace, and then nothing is kept."""
    vocabulary = VOCABULARIES.get(told.vocabulary)
    if vocabulary is None or not actor.may(Permission.SETTINGS):
        return None
    author = f"{channel.network}:{told.account}"
    raw = json.dumps(told.raw, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode() if told.raw else b""
    before = list(
        Statement.objects.filter(
            workspace_id=actor.workspace.id,
            subject=Subject.AUTHOR,
            key=author,
            layer=Layer.AUTHOR,
            parser=_parser_name(told),
            valid_until=None,
        )
    )
    same = next((one for one in before if raw and one.raw_sha256 == hashlib.sha256(raw).hexdigest()), None)
    says = _stated_values(told, raw)
    if same is not None:
        return same
    statements.end_statements(actor.workspace.id, [one.id for one in before])
    for one in before:
        actor.record("rights.ended", one.id, layer=one.layer)
    if says:
        return record_statements.add_statements(actor, [_build_statement(author, told, raw, says)])[0]
    if before:
        record_statements.notify_permission_change([actor.workspace], None)
    return None


def _parser_name(told: AccountPreferences) -> str:
    return f"kicau.vocabularies {told.vocabulary}"


def _stated_values(told: AccountPreferences, raw: bytes) -> dict[str, str]:
    """Of what speaks to every reader and of all that the account wrote; in our own uses."""
    found = VOCABULARIES[told.vocabulary].hear(raw.decode()).declarations if raw else ()
    return {use: value for one in found if not one.agent and not one.scope for use, value in one.says.items()}


def _build_statement(author: str, told: AccountPreferences, raw: bytes, says: dict[str, str]) -> NewStatement:
    return NewStatement(
        layer=Layer.AUTHOR,
        party=Party.AUTHOR,
        subject=Subject.AUTHOR,
        key=author,
        says=says,
        party_name=told.account,
        source=told.source,
        raw=raw,
        parser=_parser_name(told),
        valid_from=told.at,
    )
