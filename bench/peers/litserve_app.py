# mypy: disable-error-code="import-not-found", disallow-subclassing-any=False
"""The network behind LitServe, run by LitServe's own environment with a port as its argument."""

import sys
from collections.abc import Sequence

import litserve

from bench.peers.network import BATCH, WAIT_SECONDS, WORKERS, Network

Scores = dict[str, float]


class TextClassifier(litserve.LitAPI):
    """Takes ``{"text": …}`` and answers with label scores; LitServe makes the batches."""

    def setup(self, device: str) -> None:
        """Load the network, once in each worker."""
        del device
        self._network = Network()

    def decode_request(self, request: dict[str, str]) -> str:
        """Return the text of one request."""
        return request["text"]

    def predict(self, texts: Sequence[str]) -> list[Scores]:
        """Return the scores of a batch."""
        return self._network.named(texts)

    def encode_response(self, output: Scores) -> Scores:
        """Return one answer as it is."""
        return output


if __name__ == "__main__":
    litserve.LitServer(
        TextClassifier(max_batch_size=BATCH, batch_timeout=WAIT_SECONDS),
        accelerator="cpu",
        devices=1,
        workers_per_device=WORKERS,
        fast_queue=True,
    ).run(
        host="127.0.0.1",
        port=int(sys.argv[1]),
        num_api_servers=1,
        log_level="warning",
        generate_client_file=False,
    )
