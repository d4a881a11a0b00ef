"""Notifications and how somebody receives them."""
