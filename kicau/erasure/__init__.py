"""Close, export and erase accounts; delete workspaces; delete other people's answers after a set time."""
