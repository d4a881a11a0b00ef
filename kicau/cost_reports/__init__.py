"""Reports of costs: the month's forecast, the cost statement, costs by client and by post.

The room costs keeps the ledger and the budgets; this room reads them together with the calendar.
"""
