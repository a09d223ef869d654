"""Other servers of the same network, each in its own environment; ``harness.py`` runs them."""
