"""Measurements that print ratios and percentiles of one run. Scripts, not tests."""
