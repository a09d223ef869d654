# mypy: disable-error-code="import-not-found", disallow-untyped-decorators=False
"""The network behind BentoML: ``bentoml serve bentoml_service:TextClassifier``."""

import bentoml

from bench.peers.network import BATCH, WAIT_SECONDS, WORKERS, Network


@bentoml.service(workers=WORKERS, traffic={"timeout": 30})
class TextClassifier:
    """Takes ``{"texts": […]}`` and answers with label scores; BentoML makes the batches."""

    def __init__(self) -> None:
        """Load the network, once in each worker."""
        self._network = Network()

    @bentoml.api(batchable=BATCH > 1, max_batch_size=BATCH, max_latency_ms=int(WAIT_SECONDS * 1000))
    def classify(self, texts: list[str]) -> list[dict[str, float]]:
        """Return the scores of a batch."""
        return self._network.named(texts)
