"""Pages of the archive: find items, read one, import archives, export everything."""
