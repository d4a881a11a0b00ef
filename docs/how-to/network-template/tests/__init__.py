"""Newnet, tried against its sandbox."""
