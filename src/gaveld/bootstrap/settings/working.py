"""Settings of policies that callers change, and of work that is done later."""

import re
from ipaddress import ip_address
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from gaveld.bootstrap.settings.section import ReadableFile, Section

_HOST: Final = re.compile(r"[\w-]+(\.[\w-]+)*\.?")


class WorkSettings(Section):
    """Policies applied over the API, content that is decided later, callbacks and review queues."""

    enabled: bool = True
    """Whether the services that need the storage for these are served."""
    workers: Annotated[int, Field(ge=0, le=1_000)] = 4
    """How many jobs this process works on at once; 0 works on none, and others must."""
    attempts: Annotated[int, Field(ge=1, le=100)] = 5
    """How often a job is tried before it is dead."""
    retry_seconds: Annotated[float, Field(gt=0, le=3_600)] = 2.0
    """How long the first pause between attempts is; each is twice the one before."""
    max_retry_seconds: Annotated[float, Field(gt=0, le=86_400)] = 300.0
    """How long a pause may become."""
    lease_seconds: Annotated[float, Field(ge=1, le=3_600)] = 60.0
    """After how long of a worker's silence another takes its jobs."""
    judge_seconds: Annotated[float, Field(gt=0, le=3_600)] = 120.0
    """How long a worker judges a piece of content; what is not judged by then costs coverage."""
    max_job_seconds: Annotated[float, Field(gt=0, le=86_400)] = 900.0
    """How long one attempt may take."""
    poll_seconds: Annotated[float, Field(ge=0.05, le=60)] = 0.5
    """How often workers look into the storage that nobody told of work."""
    sweep_seconds: Annotated[float, Field(ge=0.1, le=3_600)] = 15.0
    """How often jobs are counted, lost ones brought up again, and old ones erased."""
    keep_answers_seconds: Annotated[float, Field(ge=0, le=31_536_000)] = 3_600.0
    """How long the words of an answer can be fetched where no policy keeps the content."""
    keep_jobs_days: Annotated[float, Field(ge=8, le=3_650)] = 30.0
    """How long operations can be fetched, and repeats of them be told; no upload outlives it."""


class SecretsSettings(Section):
    """Secrets of policies and callbacks are sealed before they are stored."""

    key_file: ReadableFile | None = None
    """A file of keys, one a line; the first seals, and all open. None makes one beside SQLite's."""


def _host_names(hosts: tuple[str, ...]) -> tuple[str, ...]:
    for host in hosts:
        if not _is_host(host):
            raise ValueError(f"{host!r}: a host's name or address, without scheme, port and path")
    return tuple(host.lower().rstrip(".") for host in hosts)


def _is_host(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return _HOST.fullmatch(host) is not None
    return True


class CallbacksSettings(Section):
    """Callbacks are sent from here, signed, until they arrive or are given up."""

    max_at_once: Annotated[int, Field(ge=0, le=10_000)] = 64
    """How many this process sends at a time; 0 sends none from here, and others must."""
    max_per_host: Annotated[int, Field(ge=1, le=1_000)] = 8
    """How many of them from one project to one host."""
    timeout_seconds: Annotated[float, Field(gt=0, le=60)] = 15.0
    """How long one attempt may take, from looking the name up to the answer's status."""
    poll_seconds: Annotated[float, Field(ge=0.05, le=60)] = 1.0
    """How often the storage is asked for what is due; what this process adds is sent at once."""
    internal_hosts: Annotated[tuple[str, ...], AfterValidator(_host_names)] = ()
    """Hosts that are sent callbacks although their addresses are not public."""
    ca_file: ReadableFile | None = None
    """Who signs receivers' certificates (PEM), beside those that the system trusts."""
    keep_days: Annotated[float, Field(ge=4, le=3_650)] = 14.0
    """How long delivered and dead callbacks can be listed, and dead ones sent again."""
