"""Runs public test sets that the reader downloaded, and prints our figures beside published ones.

Nothing here trains or tunes anything, and no set comes with Gavel.
"""
