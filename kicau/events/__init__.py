"""What happened, as frozen values: each act emits its events inside its own transaction, and the rooms that have to know
listen. Nobody calls a room above."""
