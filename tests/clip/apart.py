"""One of two processes: compares gradients with those of one process, then trains.

Started by torchrun with a configuration and a folder, where it writes which pairs it saw.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch

from biomedica_dataset.clip.models.model_config import ModelConfig
from biomedica_dataset.clip.models.open_clip import make_model
from biomedica_dataset.clip.train import train as loop
from biomedica_dataset.clip.train.data import Pairs
from biomedica_dataset.clip.train.gradients import Gradients
from biomedica_dataset.clip.train.processes import Processes
from biomedica_dataset.clip.train.read_config import load_config
from biomedica_dataset.clip.train.train import train

PAIRS = 12


def gradients_of(module):
    return {n: p.grad.clone() for n, p in module.named_parameters() if p.grad is not None}


def compare(name, group):
    """Return the greatest difference of loss and gradients, by the number of micro-batches."""
    import open_clip

    torch.manual_seed(0)
    images, tokens = torch.randn(PAIRS, 3, 32, 32), torch.randint(1, 40_000, (PAIRS, 32))
    module = make_model(ModelConfig(name=name, pretrained=None)).module
    whole = open_clip.ClipLoss()(*module(images, tokens).values())
    whole.backward()
    expected, found = gradients_of(module), {}
    for count in (1, 3):
        module.zero_grad()
        own = PAIRS // group.count
        mine = slice(group.rank * own, (group.rank + 1) * own)
        batches = list(zip(images[mine].chunk(count), tokens[mine].chunk(count), strict=True))
        loss = Gradients(module, "fp32", group).add(batches)
        gradients = gradients_of(module)
        assert gradients.keys() == expected.keys()
        worst = max(float((gradients[n] - expected[n]).abs().max()) for n in expected)
        found[count] = max(worst, abs(loss - float(whole)))
    return found, float(max(g.abs().max() for g in expected.values()))


def main():
    torch.set_num_threads(1)
    config, folder = load_config(sys.argv[1]), Path(sys.argv[2])
    group = Processes()
    found, scale = compare(config.model.name, group)
    loop.Processes = lambda: group  # a second group would meet at the addresses of the first
    seen = []
    real = Pairs._read

    def told(self, start):
        for row in real(self, start):
            seen.append([row.epoch, row.key])
            yield row

    Pairs._read = told
    train(config)
    said = {"difference": found, "greatest": scale, "seen": seen}
    (folder / f"rank{group.rank}.json").write_text(json.dumps(said))


if __name__ == "__main__":
    main()
