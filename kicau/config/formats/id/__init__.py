"""Indonesian: 27 Nov 2026, 09.05."""
