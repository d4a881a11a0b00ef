"""What the X connector and its sandbox promise."""
