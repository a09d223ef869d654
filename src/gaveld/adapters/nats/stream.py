"""The stream that words of work lie in until they are acknowledged, and those who take them.

Made where it is missing and set right where it differs, so that a NATS that lost its disk is
ready again by itself.
"""

from dataclasses import dataclass
from typing import Final

from nats.js import JetStreamContext
from nats.js.api import (
    AckPolicy,
    ConsumerConfig,
    RetentionPolicy,
    StorageType,
    StreamConfig,
)
from nats.js.errors import NotFoundError

CONSUMER: Final = "workers"
"""The one durable consumer, which all workers share; autoscalers watch its pending count."""
DUPLICATE_SECONDS: Final = 60.0
"""A word under an id that was sent within this time is dropped."""
MAX_DELIVERIES: Final = 10
"""So often a word is given out; after that the storage brings its job up again."""
MAX_AGE_SECONDS: Final = 86_400.0
"""Older words are dropped; jobs that wait so long are brought up again by the storage."""


@dataclass(frozen=True, slots=True)
class StreamPlan:
    """What the stream is to be.

    ``subject`` is what words are sent to, ``replicas`` on how many servers of a cluster each lies,
    ``ack_seconds`` how long a worker may be silent before its word goes to another.
    """

    name: str
    subject: str
    replicas: int
    ack_seconds: float

    async def prepare(self, stream: JetStreamContext) -> None:
        """Make the stream and its consumer, or set them right. Raises ``nats.errors.Error``."""
        wanted = {
            "subjects": [self.subject],
            "retention": RetentionPolicy.WORK_QUEUE,
            "storage": StorageType.FILE,
            "num_replicas": self.replicas,
            "max_age": MAX_AGE_SECONDS,
            "duplicate_window": DUPLICATE_SECONDS,
        }
        try:
            there = (await stream.stream_info(self.name)).config
        except NotFoundError:
            await stream.add_stream(StreamConfig(name=self.name), **wanted)
        else:
            if any(getattr(there, name) != value for name, value in wanted.items()):
                await stream.update_stream(there, **wanted)
        await stream.add_consumer(
            self.name,
            ConsumerConfig(
                name=CONSUMER,
                durable_name=CONSUMER,
                ack_policy=AckPolicy.EXPLICIT,
                ack_wait=self.ack_seconds,
                max_deliver=MAX_DELIVERIES,
                max_ack_pending=-1,
            ),
        )
