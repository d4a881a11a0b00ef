"""How connectors reach the internet: HTTP with prices and limits, DNS, and the SSRF guard."""
