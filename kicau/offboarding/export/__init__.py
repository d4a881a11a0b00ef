"""All of what is left in one open archive: JSON and CSV with their schema, the media, and pages that open without us."""
