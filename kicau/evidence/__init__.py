"""What others can check without us: a log that only grows, signed checkpoints of it, and bundles with a verifier of one file."""
