"""Texts that benchmarks search and import: archives that are made, and pieces of corpora."""
