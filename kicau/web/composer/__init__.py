"""Writing a post: one sheet that the server draws, previews as one types, keeps and schedules."""
