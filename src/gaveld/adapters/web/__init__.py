"""Reaches hosts that callers name, to fetch files from and to send callbacks to.

All of it goes through one ``guard``, which no address, name or redirect leads to a host that is not
public, or named as one of the operator's own.
"""
