"""Pages of importing many posts from a table."""
