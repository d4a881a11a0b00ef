"""What workers do by themselves, every second or so: dates that have come, and what was being sent as a door closed."""

from __future__ import annotations

from kicau.offboarding import actions


def look_after() -> int:
    """Returns how much there was to do. Safe in many workers at once."""
    done = sum(actions.come_into_effect(row) for row in actions.due())
    return done + sum(actions.freeze_stragglers(row, ids) for row, ids in actions.stragglers())
