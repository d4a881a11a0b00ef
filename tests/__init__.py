"""What no single room can test: journeys, chaos, the engine with a stranger's network, and the house's own rules.

`python -m tests` runs every check and every test.
"""
