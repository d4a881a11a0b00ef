"""Addresses that anybody may open: signed media, robots.txt, and the witness of evidence logs."""
