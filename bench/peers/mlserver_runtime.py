# mypy: disable-error-code="import-not-found", disallow-subclassing-any=False
"""The network behind MLServer, as a runtime that MLServer loads in its own environment.

Run by itself, this turns lines of JSON strings into requests, each after its length
in four bytes, because their protocol buffers come with MLServer.
"""

import json
import struct
import sys

from mlserver import MLModel
from mlserver.codecs import NumpyCodec, StringCodec
from mlserver.grpc.converters import ModelInferRequestConverter
from mlserver.types import InferenceRequest, InferenceResponse

from bench.peers.network import Network


class TextClassifier(MLModel):
    """Takes one tensor of strings and answers with one of scores; MLServer makes the batches."""

    async def load(self) -> bool:
        """Load the network."""
        self._network = Network()
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """Return the scores of a batch."""
        texts = StringCodec.decode_input(payload.inputs[0])
        scores = NumpyCodec.encode_output("scores", self._network.scores(texts))
        return InferenceResponse(model_name=self.name, outputs=[scores])


def _request(text: str) -> bytes:
    request = InferenceRequest(inputs=[StringCodec.encode_input("text", [text])])
    message = ModelInferRequestConverter.from_types(request, model_name="transformer")
    encoded: bytes = message.SerializeToString()
    return encoded


if __name__ == "__main__":
    for line in sys.stdin:
        encoded = _request(json.loads(line))
        sys.stdout.buffer.write(struct.pack(">I", len(encoded)) + encoded)
