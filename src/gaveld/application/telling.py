"""Tells telemetry what a verdict came to, and which required checks it had to do without."""

from typing import Final

from gaveld.application.ports import Telemetry
from gaveld.domain.verdicts import Verdict

NOBODY: Final = "none"
"""Stands for the classifier of a required category that no known classifier covers."""


def tell_verdict(telemetry: Telemetry, verdict: Verdict) -> None:
    """Count a verdict, its causes, and every required check that was not made."""
    telemetry.verdict_given(verdict.action, [cause.category_id for cause in verdict.causes])
    bypassed = {
        (name, entry.status)
        for entry in verdict.coverage.unchecked
        if entry.required
        for name in entry.classifiers or (NOBODY,)
    }
    for name, status in sorted(bypassed):
        telemetry.check_bypassed(name, status, verdict.action)
