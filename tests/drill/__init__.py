"""The drill of April 2023: a network gives six days' notice. `python -m tests.drill` runs it at its full size."""
