"""Settings of a workspace: channels, team, preferences and the activity log."""
