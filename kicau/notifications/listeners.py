"""What follows from events here: whoever signs in hears of each change to how they do."""

from __future__ import annotations

from collections.abc import Sequence

from kicau.events.catalogue import SignInChanged
from kicau.events.dispatch import listens
from kicau.notifications import account_emails


@listens(SignInChanged)
def queue_emails(events: Sequence[SignInChanged]) -> None:
    for event in events:
        account_emails.queue_security_email(event.person, event.change, event.name)
