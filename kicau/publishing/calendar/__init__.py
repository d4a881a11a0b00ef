"""Queries of calendars, lists and post pages: few statements however many posts."""
