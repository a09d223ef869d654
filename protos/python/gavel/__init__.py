"""Gavel's client package: the generated contract in `gavel.v1`, and the call settings it wants."""
