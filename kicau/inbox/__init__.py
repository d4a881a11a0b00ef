"""The inbox: comments and mentions of a workspace's channels, replies to them, and whether somebody has dealt with them.

The room sync fetches them; this room finds, shows and answers them.
"""
