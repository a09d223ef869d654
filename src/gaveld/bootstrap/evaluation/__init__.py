"""Measures the running text path against labelled texts: reading, judging, measuring, reporting.

It knows the server by its contract alone, and never writes a text anywhere.
"""
