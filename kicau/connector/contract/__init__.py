"""The suite that every connector passes against its own sandbox, over real HTTP.

Subclass `ConnectorContract` in the network's `tests/test_contract.py`, naming a connector, its sandbox's class and
drafts that it can publish. `ContractCase` lists what can be named. `open_test_session`, `ContractSession` and
`run_to_end` serve a network's own tests too.
"""

from __future__ import annotations

from kicau.connector.contract.credentials import CredentialContract
from kicau.connector.contract.edits import EditContract
from kicau.connector.contract.lookups import LookupContract
from kicau.connector.contract.publishing import PublishingContract
from kicau.connector.contract.rendering import RenderingContract
from kicau.connector.contract.session import (
    CALLBACK_URL,
    CONTRACT_USER_AGENT,
    ContractSession,
    WorkerKilled,
    consent_at_sandbox,
    look_up_restored,
    open_test_session,
    run_to_end,
    select_identity,
    sign_in_at_sandbox,
)
from kicau.connector.contract.webhooks import WebhookContract

__all__ = [
    "CALLBACK_URL",
    "CONTRACT_USER_AGENT",
    "ConnectorContract",
    "ContractSession",
    "WorkerKilled",
    "consent_at_sandbox",
    "look_up_restored",
    "open_test_session",
    "run_to_end",
    "select_identity",
    "sign_in_at_sandbox",
]


class ConnectorContract(
    PublishingContract, LookupContract, EditContract, WebhookContract, CredentialContract, RenderingContract
):
    """What the engine relies on, for every connector."""
