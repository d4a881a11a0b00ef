"""Commands for whoever runs the server: start, demo, sandbox, doctor, backup, keys, networks' apps and people.

They work on this machine, with its data folder; commands for a workspace stand one folder above.
"""
