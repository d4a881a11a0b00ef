"""The calendar, bulk changes, and the import of many posts."""
