"""Renders Gavel's probabilities, 0 to 1, on the scales of vendors' APIs."""


def percent(probability: float) -> int:
    """Return a probability as a whole number, 0 to 100."""
    return round(100 * probability)
