"""All of an instance in one file while it runs, and back from it: checked, sealed on request, and nothing published twice."""
