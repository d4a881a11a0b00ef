"""Training sets of what is permitted and nothing else: made, described, signed, and taken back from."""
