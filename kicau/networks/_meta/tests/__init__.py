"""Tests of what Facebook and Instagram share, and Meta's own description of its API to hold requests against."""
