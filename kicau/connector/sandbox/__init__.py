"""What every network's sandbox is built on, and its settings."""
