"""Detectors that look at pictures, and the decoding that they share. Imports nothing itself."""
