"""Building the wheel: with a list of everything that it needs, and a look at what is known to be vulnerable of that."""
