"""Drafts, their variants for each channel, and deliveries: what goes out where, when, and what became of it."""
