"""A training in a process of its own: `python training_script.py DATA STORE`, alone or among others.

Prints how many pictures were shown after each step, then the digests of what the process ends with.
"""

import sys
from pathlib import Path

from simulacra.stylegan.networks import Description, digest
from simulacra.stylegan.training import train as module
from simulacra.stylegan.training.calibration import Machine
from simulacra.stylegan.training.processes import join
from simulacra.stylegan.training.recipe import Recipe
from simulacra.stylegan.training.train import Pace, train
from simulacra.stylegan.training.trainer import Trainer


class Printing:
    def begin(self, stage: str, total: int, done: int) -> None:
        print("began at", done, flush=True)

    def advance(self, done: int) -> None:
        print(done, flush=True)

    def end(self, outcome: str) -> None:
        pass

    def tell(self, sentence: str) -> None:
        pass


def main(data: str, store: str) -> None:
    processes, device = join()
    module.calibrate = lambda *given: (Machine(1, "channels-last", "fp32"), 1.0)  # type: ignore[assignment]
    module.memory_needed = lambda *given: 1  # type: ignore[assignment]
    trainers: list[Trainer] = []
    build = Trainer.__init__
    Trainer.__init__ = lambda self, *given: (trainers.append(self), build(self, *given))[1]  # type: ignore
    description = Description.stylegan1(resolution=8, channel_base=32, channel_max=4, z_dim=6, mapping_depth=1)
    fields = {"description": description, "kimg": 0.048, "batch": {4: 4}, "rate": {4: 0.01}, "augment": ["shift"]}
    recipe = Recipe.from_json({**fields, "grow_from": 4, "stable_kimg": 0.016, "fade_kimg": 0.016})
    pace = Pace(tick_kimg=0.012, snapshot_kimg=0.024, checkpoint_seconds=0.0)
    train(Path(data), recipe, store=Path(store), pace=pace, processes=processes, device=device, watcher=Printing())
    state = trainers[0].state
    print(digest(state.generator), digest(state.discriminator), digest(state.average), state.position, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
