"""Trains the linear text model: ``python -m training.linear --data DIR``."""
