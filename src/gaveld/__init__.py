"""The Gavel server: finds harmful content and says what it found, how sure, and what it skipped.

Layers, outermost first: ``bootstrap`` → ``transport`` and ``adapters`` → ``application`` →
``domain``. The arrows are checked by import-linter (``make lint``).
"""

__version__ = "0.1.0"
