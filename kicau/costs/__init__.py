"""What it costs: every call to a network is a charge, with its meter, units and price."""
