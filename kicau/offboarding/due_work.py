"""What workers do by themselves, every second or so: dates that have come, and what was being sent as a door closed."""

from __future__ import annotations

from kicau.offboarding import actions


def run_due_work() -> int:
    """Returns how much there was to do. Safe in many workers at once."""
    done = sum(actions.start_if_due(row) for row in actions.due_offboardings())
    return done + sum(actions.freeze_leftovers(row, ids) for row, ids in actions.unfrozen_leftovers())
