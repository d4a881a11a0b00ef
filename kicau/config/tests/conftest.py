"""The mail server of the notices' tests."""

from kicau.notices.tests.conftest import sink

__all__ = ["sink"]
