"""Pages about money: this month's costs, price lists and exchange rates."""
