"""People, workspaces, roles and tokens; and the webhooks by which a workspace tells other programs what happened."""
