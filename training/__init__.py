"""How Gavel's shipped text models and lists are made. The server never imports this package."""
