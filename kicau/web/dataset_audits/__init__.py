"""Pages of dataset audits and canaries."""
