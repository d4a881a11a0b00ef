"""What follows from events here: what accounts and workspaces say about their words counts for every item."""

from __future__ import annotations

from collections.abc import Sequence

from kicau.archive import account_declarations, record_statements
from kicau.events.catalogue import AccountPreferencesRead, PolicyChanged
from kicau.events.dispatch import listens


@listens(AccountPreferencesRead)
def record_declarations(events: Sequence[AccountPreferencesRead]) -> None:
    for event in events:
        account_declarations.record_account_declaration(event.actor, event.channel, event.preferences)


@listens(PolicyChanged)
def change_permissions(events: Sequence[PolicyChanged]) -> None:
    record_statements.notify_permission_change([event.workspace for event in events], None)
