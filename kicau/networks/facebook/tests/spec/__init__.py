"""Holds every request of the Facebook connector against Meta's description (`_meta/tests/spec`)."""

from kicau.networks._meta.tests.spec import FACEBOOK, Checker

validate = Checker(FACEBOOK)
