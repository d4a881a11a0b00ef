"""Due work on PostgreSQL: claimed in bulk under leases, stepped in one event loop, settled in bulk.

Knows nothing of what the work is; subjects above give it a `Work`.
"""
