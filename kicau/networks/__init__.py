"""One folder for each network; nothing else in Kicau imports them.

They arrive by the entry points of the group `kicau.networks`, as a stranger's package would.
"""
