"""What a backtest found, for people: a table, a picture and a page."""
