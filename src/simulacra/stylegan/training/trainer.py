"""One step of the training: discriminator, generator, averages. Everything random follows from the position."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import cast

import torch
from torch import Tensor, nn

from simulacra.seeds import derive_seed
from simulacra.stylegan.networks import noise as noises
from simulacra.stylegan.networks import styles
from simulacra.stylegan.networks.growth import fade, shrink
from simulacra.stylegan.training import losses
from simulacra.stylegan.training.augment import Augmentation
from simulacra.stylegan.training.feeding import Batch
from simulacra.stylegan.training.processes import Processes
from simulacra.stylegan.training.schedule import REFRESH, Stage, stage
from simulacra.stylegan.training.state import TrainingState, lazy_correction

PATH_SHRINK = 2
"""Path lengths are measured on this fraction of the batch (Karras et al. 2020, appendix B)."""

_LARGEST_GRADIENT = 1e5
"""What an infinite gradient in half precision becomes."""


class Sums:
    """What a few steps gave, to be read once a tick: reading a number makes an accelerator wait."""

    def __init__(self) -> None:
        self._totals: dict[str, Tensor] = {}
        self._counts: dict[str, int] = {}

    def add(self, name: str, total: Tensor, count: int) -> None:
        """Add a total over `count` pictures."""
        before = self._totals.get(name)
        self._totals[name] = total.detach().double() if before is None else before + total.detach()
        self._counts[name] = self._counts.get(name, 0) + count

    def means(self, processes: Processes) -> dict[str, float]:
        """The mean over pictures, and over processes, of everything that was added."""
        if not self._totals:
            return {}
        means = torch.stack([total / self._counts[name] for name, total in self._totals.items()])
        return dict(zip(self._totals, processes.mean(means).tolist(), strict=True))


class Trainer:
    """Moves a state one step on."""

    def __init__(
        self,
        state: TrainingState,
        next_batch: Callable[[int, Stage], Batch],
        seed: int,
        processes: Processes,
        precision: torch.dtype = torch.float32,
    ) -> None:
        """Prepare the steps.

        Args:
            state: what is trained; changed in place.
            next_batch: gives the real pictures of this process at a position and stage.
            seed: of all draws.
            processes: that train together.
            precision: of the convolutions; the rest stays in single precision.
        """
        self.state = state
        self._recipe = state.recipe
        self._next_batch = next_batch
        self._seed = seed
        self._device = state.device
        self._processes = processes
        self._precision = precision
        self._augmentation = Augmentation(self._recipe.augment)
        self._adapts = bool(self._recipe.augment) and self._recipe.augment_share is None
        self.look_again()

    def look_again(self) -> None:
        """Take the stage from the state, which was loaded anew."""
        self._sums = Sums()
        self._stage = stage(self._recipe, self.state.position.scheduled)
        self._share = self._processes.share(self._stage.batch)

    def take_sums(self) -> Sums:
        """What was summed up since this was last asked."""
        taken, self._sums = self._sums, Sums()
        return taken

    @property
    def stage(self) -> Stage:
        """What held for the last step, or will for the first."""
        return self._stage

    def step(self) -> None:
        """One step of the discriminator, one of the generator, then the averages."""
        state, position = self.state, self.state.position
        self._refresh()
        batch = self._next_batch(position.images, self._stage)
        self._discriminator_step(batch)
        self._generator_step(batch)
        position.images += self._stage.batch
        position.steps += 1
        self._average()
        state.average.w_avg.copy_(state.generator.w_avg)  # itself a running average, and not averaged again
        if self._adapts and position.steps % REFRESH == 0:
            self._adapt()

    def _refresh(self) -> None:
        """Look at the schedule every few steps; where the level changes, the optimisers begin anew."""
        position = self.state.position
        if position.steps % REFRESH == 0:
            before, position.scheduled = self._stage, position.images
            self._stage = stage(self._recipe, position.images)
            self._share = self._processes.share(self._stage.batch)
            if self._stage.levels != before.levels:
                self.state.forget_moments()
        recipe = self._recipe
        for optimiser, every, weight in (
            (self.state.generator_optimiser, recipe.path_every, recipe.path_weight),
            (self.state.discriminator_optimiser, recipe.r1_every, recipe.r1_gamma),
        ):
            optimiser.param_groups[0]["lr"] = self._stage.rate * lazy_correction(every, weight)

    def _discriminator_step(self, batch: Batch) -> None:
        recipe, network = self._recipe, self.state.discriminator
        with torch.no_grad(), self._autocast():
            fake = self._made(self._styles("discriminator", batch.labels), "discriminator")
        real = fade(shrink(batch.pictures, self._stage.lod), self._stage.lod)
        fake, real = self._augmented(fake, "fake"), self._augmented(real, "real").detach()
        always = recipe.loss == "logistic" and recipe.r1_gamma > 0 and recipe.r1_every == 1
        real.requires_grad_(always)
        if always:  # R1 goes through the network twice more, with the real ones alone
            fake_logits = self._judged(fake, batch.labels)
            real_logits = self._judged(real, batch.real_labels)
        else:  # larger tensors take less time than twice as many
            labels = None if batch.labels is None else torch.cat([batch.labels, cast(Tensor, batch.real_labels)])
            fake_logits, real_logits = self._judged(torch.cat([fake, real]), labels, parts=2).chunk(2)
        loss = losses.fake_loss(recipe.loss, fake_logits) + losses.real_loss(recipe.loss, real_logits)
        total = loss
        if always:
            total = total + self._r1(real_logits, real)
        elif recipe.loss == "wgan-gp":
            total = total + self._gradient_penalty(real, fake, batch)
        self._learn(network, self.state.discriminator_optimiser, total)
        if recipe.r1_gamma and not always and self.state.position.steps % recipe.r1_every == 0:
            # Lazily, R1 is a step of its own, every so many times as strong (Karras et al. 2020, appendix B).
            real.requires_grad_()
            penalty = self._r1(self._judged(real, batch.real_labels), real)
            self._learn(network, self.state.discriminator_optimiser, penalty * recipe.r1_every)
        self._count(loss, real_logits.detach(), fake_logits.detach())

    def _r1(self, logits: Tensor, real: Tensor) -> Tensor:
        penalty = losses.r1(logits, real) * self._recipe.r1_gamma
        self._sums.add("penalty", penalty * len(real), len(real))
        return penalty

    def _gradient_penalty(self, real: Tensor, fake: Tensor, batch: Batch) -> Tensor:
        weights = torch.rand(len(real), 1, 1, 1, generator=self._random("between")).to(real)
        between = torch.lerp(real, fake, weights).requires_grad_()
        penalty = losses.gradient_penalty(self._judged(between, batch.real_labels), between) * losses.WGAN_LAMBDA
        self._sums.add("penalty", penalty * len(real), len(real))
        return penalty

    def _generator_step(self, batch: Batch) -> None:
        recipe, network = self._recipe, self.state.generator
        with _frozen(self.state.discriminator):
            with self._autocast():
                fake = self._made(self._styles("generator", batch.labels), "generator")
            logits = self._judged(self._augmented(fake, "generator"), batch.labels)
            loss = losses.generator_loss(recipe.loss, logits)
            self._learn(network, self.state.generator_optimiser, loss)
        self._sums.add("generator_loss", loss * len(logits), len(logits))
        if recipe.path_weight and self.state.position.steps % recipe.path_every == 0:
            self._learn(network, self.state.generator_optimiser, self._path_penalty(batch) * recipe.path_every)

    def _path_penalty(self, batch: Batch) -> Tensor:
        """Squared distance of path lengths from their running mean, which moves with them."""
        position = self.state.position
        count = max(1, self._share // PATH_SHRINK)
        ws = self._styles("path", None if batch.labels is None else batch.labels[:count], count)
        with self._autocast():
            pictures = self._made(ws, "path")
        direction = torch.randn(pictures.shape, generator=self._random("path direction")).to(pictures.device)
        lengths = losses.path_lengths(pictures, ws, direction)
        newest = float(self._processes.mean(lengths.detach().mean()))
        position.path_mean += losses.PATH_DECAY * (newest - position.path_mean)
        self._sums.add("path_length", lengths.sum(), count)
        return (lengths - position.path_mean).square().mean() * self._recipe.path_weight

    def _styles(self, purpose: str, labels: Tensor | None, count: int | None = None) -> Tensor:
        """Mapped and mixed latents of one batch, shape (N, layers, w_dim); the running average of w follows them."""
        network, description = self.state.generator, self._recipe.description
        generator = self._random(f"latents of {purpose}")
        shape = (self._share if count is None else count, description.z_dim)
        sources = [network.mapping(torch.randn(shape, generator=generator).to(self._device), labels)]
        network.track(self._processes.mean(sources[0].detach().mean(0))[None])
        crossover = styles.drawn_crossover(
            description, self._stage.lod, self._random(f"mixing of {purpose}", alike=True)
        )
        if crossover is not None:
            sources.append(network.mapping(torch.randn(shape, generator=generator).to(self._device), labels))
        every = [styles.broadcast(w, len(description.layers)) for w in sources]
        return styles.mix(every, [] if crossover is None else [crossover])

    def _made(self, ws: Tensor, purpose: str) -> Tensor:
        noise = noises.fresh(
            self._recipe.description, len(ws), self._random(f"noise of {purpose}", device=self._device)
        )
        return cast(Tensor, self.state.generator.synthesis(ws, noise, self._stage.lod))

    def _augmented(self, pictures: Tensor, purpose: str) -> Tensor:
        pictures = pictures.float().contiguous(memory_format=self.state.memory_format)
        return self._augmentation(pictures, self.state.position.augment, self._random(f"augment {purpose}"))

    def _judged(self, pictures: Tensor, labels: Tensor | None, parts: int = 1) -> Tensor:
        with self._autocast():
            logits: Tensor = self.state.discriminator(pictures, labels, self._stage.lod, parts)
        return logits.float()

    def _learn(self, network: nn.Module, optimiser: torch.optim.Optimizer, loss: Tensor) -> None:
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self._processes.average_gradients(network)
        if self._precision == torch.float16:  # which overflows now and then, at no harm to the steps around
            for parameter in network.parameters():
                if parameter.grad is not None:
                    parameter.grad.nan_to_num_(0.0, _LARGEST_GRADIENT, -_LARGEST_GRADIENT)
        optimiser.step()

    @torch.no_grad()
    def _average(self) -> None:
        """Move the averaged generator towards the newest one."""
        recipe, position = self._recipe, self.state.position
        half_life = 1000 * recipe.ema_kimg
        if recipe.ema_ramp is not None:
            half_life = min(half_life, position.images * recipe.ema_ramp)
        weight = 1 - 0.5 ** (self._stage.batch / half_life)
        torch._foreach_lerp_(list(self.state.average.parameters()), list(self.state.generator.parameters()), weight)

    def _adapt(self) -> None:
        """Raise the probability of transforms while the discriminator is surer of reals than the target, else lower."""
        recipe, position = self._recipe, self.state.position
        seen = float(self._processes.mean(torch.tensor(position.signs / position.signed, device=self._device)))
        moved = REFRESH * self._stage.batch / (1000 * recipe.augment_kimg)
        position.augment = min(1.0, max(0.0, position.augment + (moved if seen > recipe.augment_target else -moved)))
        position.signs, position.signed = 0.0, 0

    def _count(self, loss: Tensor, real: Tensor, fake: Tensor) -> None:
        count, signs = len(real), real.sign().sum()
        for name, total in (
            ("discriminator_loss", loss * count),
            ("real_score", real.sum()),
            ("fake_score", fake.sum()),
            ("real_sign", signs),
        ):
            self._sums.add(name, total, count)
        if self._adapts:
            position = self.state.position
            position.signs, position.signed = position.signs + float(signs), position.signed + count

    def _random(self, purpose: str, *, device: torch.device | str = "cpu", alike: bool = False) -> torch.Generator:
        """The stream of a purpose at this step, in each process its own unless they must draw alike."""
        position = self.state.position
        rank = 0 if alike else self._processes.rank
        seed = derive_seed(self._seed, f"training {purpose}", position.retries, position.steps, rank)
        return torch.Generator(device).manual_seed(seed)

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self._device.type, self._precision, enabled=self._precision != torch.float32)


@contextmanager
def _frozen(network: nn.Module) -> Iterator[None]:
    """No gradients of these weights: only the way through them is wanted."""
    network.requires_grad_(False)
    try:
        yield
    finally:
        network.requires_grad_(True)
