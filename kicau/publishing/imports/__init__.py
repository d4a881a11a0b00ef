"""Bulk import: a table of posts is read, checked row by row, and imported as a whole."""
