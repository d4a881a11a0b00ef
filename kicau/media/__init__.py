"""Originals, renditions, alt text and probing: what a file is, by its content."""
