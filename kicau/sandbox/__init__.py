"""Runs every network's sandbox as one local internet, for the demo, for tests and for other clients."""
