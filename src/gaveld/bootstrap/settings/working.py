"""Settings of policies that callers change, and of work that is done later."""

from gaveld.bootstrap.settings.section import Section


class WorkSettings(Section):
    """Policies applied over the API, content that is decided later, callbacks and review queues."""

    enabled: bool = True
    """Whether the services that need the storage for these are served."""
