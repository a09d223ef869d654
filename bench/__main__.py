"""``make bench``: runs every benchmark, or those that are named: ``python -m bench overhead``."""

import sys

from rich.console import Console

from bench import (
    backtests,
    cascade,
    engine,
    images,
    jobs,
    overhead,
    overload,
    panel,
    rest,
    rules,
    streams,
    text_path,
    video,
)

BENCHMARKS = {
    "backtests": backtests.main,
    "overhead": overhead.main,
    "text_path": text_path.main,
    "overload": overload.main,
    "engine": engine.main,
    "cascade": cascade.main,
    "panel": panel.main,
    "images": images.main,
    "jobs": jobs.main,
    "streams": streams.main,
    "rest": rest.main,
    "rules": rules.main,
    "video": video.main,
}


def main() -> None:
    """Run them one after another."""
    console = Console(width=110)
    unknown = set(sys.argv[1:]) - set(BENCHMARKS)
    if unknown:
        sys.exit(f"unknown benchmark {min(unknown)!r}; known are {', '.join(BENCHMARKS)}")
    for name in sys.argv[1:] or BENCHMARKS:
        console.rule(f"[bold]{name}")
        BENCHMARKS[name](console)


main()
