"""Learns the head for topics and mood on a finished run, calibrates it and measures it.

``python -m training.transformer.topics --data DIR --run DIR --out DIR`` writes ``topics.pt`` and
``topics.json``, which ``training.transformer.finish`` takes up. The run's weights stay as they are.
"""

import argparse
import json
from pathlib import Path

import torch

from training.transformer.learn import averaged_model
from training.transformer.settings import CONFIG, read_settings
from training.transformer.topics.head import encoder_digest
from training.transformer.topics.material import gather
from training.transformer.topics.saved import FACTS, HEAD
from training.transformer.topics.teach import teach


def main() -> None:
    """Read the arguments, learn, and write the head with its facts."""
    parser = argparse.ArgumentParser(prog="training.transformer.topics", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the parquet tables")
    parser.add_argument("--run", type=Path, required=True, help="folder of the last round")
    parser.add_argument("--out", type=Path, required=True, help="folder of the head")
    parser.add_argument("--config", type=Path, default=CONFIG)
    arguments = parser.parse_args()
    settings = read_settings(arguments.config)
    torch.set_num_threads(settings.training.threads)
    model, step = averaged_model(arguments.run, settings)
    head, facts = teach(gather(arguments.data, model, settings), settings.seed)
    arguments.out.mkdir(parents=True, exist_ok=True)
    torch.save(head.state_dict(), arguments.out / HEAD)
    facts = {**facts, "encoder": encoder_digest(model), "step": step}
    (arguments.out / FACTS).write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
