"""Kills processes at random while work goes on, and proves that nothing was lost or done twice."""
