"""Chaos: real workers, a real database and all networks' sandboxes, with everything breaking; then post by post what came of it.

`python -m tests.chaos --seed 7` runs the small version, which is also a test.
"""
