"""Texts to measure with: ordinary and harmful, short and long, plain and disguised; all ours."""

from typing import Final

SHORT: Final = (
    "good morning everyone, did the parcel arrive?",
    "You are a complete idiot and nobody wants you here",
    "I will find you and you will be sorry",
    "call me on +1 202 555 0147 or write to anna@example.com",
    "what a l0ser, go back to sch00l",
    "see http://192.0.2.7/login for your prize",
    "the new phone is great, battery lasts two days",
    "S H U T   U P already",
    "can somebody explain how to kill a process on linux?",
    "Ce restaurant est vraiment excellent, merci beaucoup",
)
LONG: Final = tuple(
    " ".join(SHORT[(start + step) % len(SHORT)] for step in range(40)) for start in range(4)
)
"""About 2,000 characters each."""
