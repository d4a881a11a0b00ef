"""The mail server of the notices' tests, and our own web server over real HTTP."""

from kicau.config.tests.test_told import here
from kicau.notifications.tests.conftest import sink

__all__ = ["here", "sink"]
