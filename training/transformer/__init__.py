"""Trains the text transformer: ``python -m training.transformer --data DIR --out DIR``."""
