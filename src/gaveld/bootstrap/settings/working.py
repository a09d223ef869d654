"""Settings of policies that callers change, and of work that is done later."""

from gaveld.bootstrap.settings.section import ReadableFile, Section


class WorkSettings(Section):
    """Policies applied over the API, content that is decided later, callbacks and review queues."""

    enabled: bool = True
    """Whether the services that need the storage for these are served."""


class SecretsSettings(Section):
    """Secrets of policies and callbacks are sealed before they are stored."""

    key_file: ReadableFile | None = None
    """A file of keys, one a line; the first seals, and all open. None makes one beside SQLite's."""
