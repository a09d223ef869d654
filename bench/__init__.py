"""Benchmarks. Each prints ratios of figures measured in the same run, never a bare number alone."""
