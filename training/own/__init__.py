"""Lines written for Gavel, as grammars, and what expands them. All ours: no outside licence."""
