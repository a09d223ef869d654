"""Trains the text transformer from a data folder, round by round, and resumes where it stopped."""

import argparse
from functools import partial
from pathlib import Path

import torch

from training.transformer.corpus import Example, read_corpus
from training.transformer.mixture import mix
from training.transformer.rounds import train_round
from training.transformer.settings import CONFIG, Settings, read_settings


def main() -> None:
    """Read the arguments and train round by round; a second call with ``--resume`` goes on."""
    parser = argparse.ArgumentParser(prog="training.transformer", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the parquet tables")
    parser.add_argument("--out", type=Path, required=True, help="folder of the run")
    parser.add_argument("--config", type=Path, default=CONFIG)
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint")
    arguments = parser.parse_args()
    settings = read_settings(arguments.config)
    torch.set_num_threads(settings.training.threads)
    for number in range(len(settings.rounds)):
        shown = partial(show, arguments.data, settings, number)
        if not train_round(arguments.out, settings, number, shown, resume=arguments.resume):
            raise SystemExit("stopped; go on with --resume")


def show(data: Path, settings: Settings, number: int) -> list[Example]:
    """Return what a round, from 0, shows of the whole corpus."""
    return mix(read_corpus(data, settings), settings, number)


if __name__ == "__main__":
    main()
