"""Pages for leaving a network and returning to it."""
