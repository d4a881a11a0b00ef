"""Where everything is plugged together: settings, addresses, and what the floors register with each other."""
