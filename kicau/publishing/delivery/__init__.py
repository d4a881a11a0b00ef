"""Deliveries as they are published: claimed, sent step by step, looked up after a lost answer, and recorded."""
