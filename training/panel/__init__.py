"""Fits the embedded panel's operating points on held-back rows and measures the panel on others."""
