"""What every floor stands on: clock, ids, sealed fields, money and the errors that people read. A closed list."""
