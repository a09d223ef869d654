"""How logs look: one JSON object a line on standard error, or text for people.

Records of the standard library go the same way. What may be in them is the loggers' business:
never content, never a key. Libraries, which know no such rule, are heard from warnings on.
"""

import logging
import sys

import structlog

from gaveld.bootstrap.settings import LogSettings


def configure_logs(settings: LogSettings) -> None:
    """Set up structlog and the standard library's root logger. Idempotent."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: structlog.typing.Processor = structlog.processors.JSONRenderer()
    if settings.format == "console":
        renderer = structlog.dev.ConsoleRenderer()
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    level = logging.getLevelNamesMapping()[settings.level.upper()]
    # A driver's debug lines quote what is written, an HTTP client's whom it calls with what.
    root.setLevel(max(level, logging.WARNING))
    logging.getLogger("gaveld").setLevel(level)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
