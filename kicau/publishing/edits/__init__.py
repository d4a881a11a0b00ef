"""Edits of published posts."""
