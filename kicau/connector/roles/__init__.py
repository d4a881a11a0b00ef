"""Optional roles of a network: engagement, account search, edits, preferences and webhooks."""
