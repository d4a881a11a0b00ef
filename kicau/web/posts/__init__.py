"""Pages of one post: its channels, edits, approval, and publishing again."""
