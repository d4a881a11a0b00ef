"""The seam between Kicau and the networks: plain values, protocols and one door to the outside.

Knows no Django and no network; everything above and every network is built on it.
"""
