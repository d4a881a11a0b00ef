"""Holds every request of the Instagram connector against Meta's description (`_meta/tests/spec`)."""

from kicau.networks._meta.tests.spec import INSTAGRAM, Checker

validate = Checker(INSTAGRAM)
