"""Approval: reviews by editors, and review links for clients."""
