"""Pages of channels: the list, connecting, one channel."""
