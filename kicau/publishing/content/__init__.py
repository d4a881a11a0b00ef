"""The content of posts: drafts with their channel variants, autosave, mentions, contacts and snippets."""
