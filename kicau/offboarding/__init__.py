"""Leaving a network, or a channel, without losing anything: by choice, by a date, or because it shut its door; and back.

Queues are frozen, exported, given new targets and restored; every step is reversible, idempotent and safe to break off.
"""
