"""What the sandboxes of Meta's networks share: the Graph API with its batches, sign-in and webhooks."""
