"""A worker with the times of a small run: the same process as kicau.config.worker, with shorter time-outs and leases.

python -m tests.chaos.worker TIMEOUT LOOKUP_DELAY LEASE MAX_RETRY_DELAY_SECONDS
"""

from __future__ import annotations

import os
import sys
from datetime import timedelta

# First, while nothing else is imported: most that use the time-out take it by name.
from kicau.connector.transport import http


def shorten(timeout: float, look_after: float, lease: float, longest_wait: float) -> None:
    """Set every place that holds one of these times; Django is set up already."""
    from kicau.engine import dispatcher
    from kicau.publishing.delivery import delivery_worker, outcomes

    outcomes.LOOKUP_DELAY = timedelta(seconds=look_after)
    outcomes.MAX_RETRY_DELAY_SECONDS = longest_wait
    dispatcher.CLAIM_LEASE = delivery_worker.CLAIM_LEASE = timedelta(seconds=lease)
    dispatcher.RENEW_INTERVAL_SECONDS = lease / 3
    held = {
        name: module.NETWORK_TIMEOUT_SECONDS
        for name, module in sys.modules.items()
        if name.startswith("kicau.") and hasattr(module, "NETWORK_TIMEOUT_SECONDS")
    }
    assert set(held.values()) == {timeout}, held


def main() -> None:
    timeout, look_after, lease, longest_wait = map(float, sys.argv[1:])
    http.NETWORK_TIMEOUT_SECONDS = timeout
    http.HttpClient.call.__kwdefaults__["timeout"] = timeout
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kicau.config.settings")
    import django

    django.setup()
    from kicau.connector import registry

    registry.installed_connectors()
    shorten(timeout, look_after, lease, longest_wait)
    from kicau.config import worker

    worker.main()


if __name__ == "__main__":
    main()
