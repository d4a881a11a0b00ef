"""A mail server on loopback that keeps what it takes, and can be told to take nothing."""

from __future__ import annotations

from email import message_from_bytes, policy

import pytest
from aiosmtpd.controller import Controller


class Sink:
    def __init__(self):
        self.letters, self.refuses = [], False

    async def handle_DATA(self, server, session, envelope):
        if self.refuses:
            return "451 come back later"
        self.letters.append(message_from_bytes(envelope.original_content, policy=policy.default))
        return "250 taken"


@pytest.fixture
def sink(settings, unused_tcp_port):
    made = Sink()
    controller = Controller(made, hostname="127.0.0.1", port=unused_tcp_port)
    controller.start()
    options = {"host": "127.0.0.1", "port": unused_tcp_port, "timeout": 20}
    settings.MAILERS = {"default": {"BACKEND": "django.core.mail.backends.smtp.EmailBackend", "OPTIONS": options}}
    yield made
    controller.stop()
