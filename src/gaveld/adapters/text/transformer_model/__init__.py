"""The transformer that reads whole sentences, the engine that runs it and the batcher before it.

Training writes the folder that ``manifest.py`` describes. The linear model is beside this package.
"""

from gaveld.adapters.text.transformer_model.classifier import TransformerTextClassifier
from gaveld.adapters.text.transformer_model.engine import OnnxRuntimeEngine
from gaveld.adapters.text.transformer_model.engine_choice import EngineNotInstalled, choose_engine
from gaveld.adapters.text.transformer_model.manifest import SHIPPED_FOLDER, Manifest

__all__ = [
    "SHIPPED_FOLDER",
    "EngineNotInstalled",
    "Manifest",
    "OnnxRuntimeEngine",
    "TransformerTextClassifier",
    "choose_engine",
]
