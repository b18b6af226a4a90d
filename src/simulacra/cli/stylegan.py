"""`simulacra stylegan`: pictures, the paper's figures and films from a trained generator, and their making again."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import App, Parameter

from simulacra.errors import UserError

if TYPE_CHECKING:
    from simulacra.stylegan.use import FilmWriter, Maker, Record
    from simulacra.stylegan.use.figure import Figure

app = App(
    name="stylegan", help="Style-based generators: make pictures, draw the paper's figures, make any of them again."
)
app.command("simulacra.cli.stylegan_train:train", name="train", help="Train a generator on a set of pictures.")
app.command("simulacra.cli.stylegan_train:presets", name="presets", help="List the presets of `train`.")
app.command(
    "simulacra.cli.stylegan_train:tensorboard", name="tensorboard", help="Write a training for TensorBoard to show."
)

Network = Annotated[Path | None, Parameter(help="File of a generator; otherwise the one that comes with simulacra.")]
Seeds = Annotated[str, Parameter(help="Whole numbers and ranges, such as 0-99,7.")]
Psi = Annotated[float, Parameter(help="Truncation: 1 for none, 0 for the average picture, below 0 for opposites.")]
Cutoff = Annotated[int | None, Parameter(help="Truncate only so many layers, from the coarsest; otherwise all.")]
Noise = Annotated[
    str, Parameter(help="seed: each picture its own; stored: the network's; none; or a number, one noise seed for all.")
]
Class = Annotated[
    int | None, Parameter(name="--class", help="Class of all pictures; otherwise drawn by seed, if there are classes.")
]
Device = Annotated[str, Parameter(help="Where the network runs: cpu, cuda, or another name that torch knows.")]
Json = Annotated[bool, Parameter(name="--json", negative=(), help="Print the record, machine-readable.")]


@Parameter(name="*")
@dataclass(frozen=True)
class Look:
    """Options of most commands: what is done to the pictures apart from their seeds."""

    psi: Psi = 1.0
    cutoff: Cutoff = None
    noise: Noise = "stored"
    label: Class = None

    def settings(self) -> dict[str, Any]:
        """As figures take them."""
        from simulacra.stylegan.use import choices

        return {"psi": self.psi, "cutoff": self.cutoff, "noise": choices.noise(self.noise), "label": self.label}


@Parameter(name="*")
@dataclass(frozen=True)
class LookBySeed(Look):
    """The same for pictures that are not there to be compared: each has noise of its own."""

    noise: Noise = "seed"


@Parameter(name="*")
@dataclass(frozen=True)
class Making:
    """Options of every command that makes pictures: where, and how it is told."""

    device: Device = "cpu"
    json_: Json = False


_LOOK, _LOOK_BY_SEED, _MAKING = Look(), LookBySeed(), Making()


@app.command
def generate(
    network: Network = None,
    *,
    seeds: Seeds = "0-31",
    out: Path | None = None,
    separate: Annotated[bool, Parameter(negative=())] = False,
    format: Literal["png", "webp"] = "png",
    columns: int = 8,
    look: LookBySeed = _LOOK_BY_SEED,
    making: Making = _MAKING,
) -> None:
    """Make pictures by seed: one alone, or several on a sheet with their seeds beneath. Figure 2 of the paper.

    Parameters
    ----------
    out
        The picture, .png or .webp; with --separate a folder. Otherwise generated.png, or generated.
    separate
        Write each picture as a file of its own, with its alpha where it has one.
    format
        Of separate files; both are lossless.
    columns
        Pictures in a row.
    """
    from simulacra.stylegan.use import Grid, Picture, choices, write_pictures

    chosen, shared = choices.seeds(seeds), look.settings()
    maker = _maker(network, making.device)
    if not separate:
        several = Grid.of(seeds=chosen, columns=columns, **shared)
        figure = several if len(chosen) > 1 else Picture.of(seed=chosen[0], **shared).resolved(maker)
        _write(figure, maker, out or Path("generated.png"), making.json_)
        return
    folder = out or Path("generated")
    pictures = [Picture.of(seed=seed, **shared) for seed in dict.fromkeys(chosen)]
    pictures[0].check(maker.description)
    with _reporting(folder.name) as report:
        paths = write_pictures([each.resolved(maker) for each in pictures], maker, folder, f".{format}", report)
    if making.json_:
        print(json.dumps({"out": [str(path) for path in paths], "network": maker.network}))
    else:
        print(f"{_shown(folder)}: {len(paths)} pictures")


@app.command
def truncation(
    network: Network = None,
    *,
    seeds: Seeds = "91,388",
    psi: str = "1,0.7,0.5,0,-0.5,-1",
    out: Path = Path("truncation.png"),
    cutoff: Cutoff = None,
    noise: Noise = "stored",
    label: Class = None,
    making: Making = _MAKING,
) -> None:
    """Draw each seed under several truncations, from itself through the average to its opposite. Figure 8.

    Parameters
    ----------
    psi
        Truncations, a column each; where the list begins with a minus sign, write --psi=-1,1.
    out
        The picture, .png or .webp.
    """
    from simulacra.stylegan.use import Truncation, choices

    figure = Truncation.of(
        seeds=choices.seeds(seeds),
        psis=choices.numbers("--psi", psi),
        cutoff=cutoff,
        noise=choices.noise(noise),
        label=label,
    )
    _write(figure, _maker(network, making.device), out, making.json_)


@app.command
def mix(
    network: Network = None,
    *,
    sources: Seeds = "639,701,687,615,2268",
    targets: Seeds = "888,829,1898,1733,1614,845",
    layers: str | None = None,
    out: Path = Path("mixing.png"),
    look: Look = _LOOK,
    making: Making = _MAKING,
) -> None:
    """Draw targets with some layers' styles taken from sources. Figure 3.

    Parameters
    ----------
    layers
        Taken from the source: coarse, middle, fine, all, or rows as in 2-5; one entry for all targets, or one for each,
        separated by commas. Otherwise the groups are dealt out evenly.
    out
        The picture, .png or .webp.
    """
    from simulacra.stylegan.use import Mixing, choices

    figure = Mixing.of(
        sources=choices.seeds(sources),
        targets=choices.seeds(targets),
        layers=_listed(layers),
        **look.settings(),
    )
    _write(figure, _maker(network, making.device), out, making.json_)


@app.command
def blend(
    network: Network = None,
    *,
    sources: Seeds = "0,1,2",
    layers: str | None = None,
    weights: str | None = None,
    alone: Annotated[bool, Parameter(negative=())] = False,
    out: Path = Path("blend.png"),
    look: Look = _LOOK,
    making: Making = _MAKING,
) -> None:
    """Blend several sources: in each layer the weighted mean of the styles of those that name it.

    Parameters
    ----------
    layers
        Of each source: coarse, middle, fine, all, or rows as in 2-5, separated by commas; otherwise all of each. Layers
        that none names are the first source's.
    weights
        Of each source, numbers separated by commas; otherwise equal.
    alone
        Draw the blend by itself, at its own size and with its alpha, not beside its sources.
    out
        The picture, .png or .webp.
    """
    from simulacra.stylegan.use import Blend, choices

    figure = Blend.of(
        sources=choices.seeds(sources),
        layers=_listed(layers),
        weights=() if weights is None else choices.numbers("--weights", weights),
        alone=alone,
        **look.settings(),
    )
    _write(figure, _maker(network, making.device), out, making.json_)


@app.command
def noise(
    network: Network = None,
    *,
    seeds: Seeds = "0,1",
    shown: int = 4,
    draws: int = 100,
    out: Path = Path("noise.png"),
    psi: Psi = 1.0,
    cutoff: Cutoff = None,
    label: Class = None,
    making: Making = _MAKING,
) -> None:
    """Draw each seed under several draws of noise, and where they differ: the deviation of every pixel. Figure 4.

    Parameters
    ----------
    shown
        Draws on the sheet.
    draws
        Draws behind the deviation, which is shown four times as bright.
    out
        The picture, .png or .webp.
    """
    from simulacra.stylegan.use import Realisations, choices

    figure = Realisations.of(seeds=choices.seeds(seeds), shown=shown, draws=draws, psi=psi, cutoff=cutoff, label=label)
    _write(figure, _maker(network, making.device), out, making.json_)


@app.command(name="noise-layers")
def noise_layers(
    network: Network = None,
    *,
    seeds: Seeds = "0,1",
    split: int | None = None,
    layers: str | None = None,
    out: Path = Path("noise-layers.png"),
    look: Look = _LOOK,
    making: Making = _MAKING,
) -> None:
    """Draw each seed with noise in all layers, in none, and in some only: the fine, the coarse, or any. Figure 5.

    Parameters
    ----------
    split
        Resolution in pixels at which fine begins; otherwise the paper's 64, or half of a picture below 128.
    layers
        A column for each entry instead of fine and coarse, with noise in these layers only: coarse, middle, fine, all,
        or rows as in 2-5, separated by commas.
    out
        The picture, .png or .webp.
    """
    from simulacra.stylegan.use import NoiseByLayer, choices

    figure = NoiseByLayer.of(seeds=choices.seeds(seeds), split=split, layers=_listed(layers), **look.settings())
    _write(figure, _maker(network, making.device), out, making.json_)


@app.command
def interpolate(
    network: Network = None,
    *,
    seeds: Seeds = "0-3",
    out: Path = Path("interpolation.webp"),
    space: Literal["z", "w"] = "w",
    between: int = 24,
    milliseconds: int = 40,
    loop: bool = True,
    look: Look = _LOOK,
    making: Making = _MAKING,
) -> None:
    """Make a film from seed to seed, and back to the first.

    Parameters
    ----------
    out
        The film, .webp, .gif or .mp4; MP4 needs the extra `video`.
    space
        The way between two seeds: w is straight, z follows the sphere of normal latents.
    between
        Frames from each seed to the next.
    milliseconds
        Of each frame, a multiple of 10.
    loop
        Go on from the last seed to the first.
    """
    from simulacra.stylegan.use import Interpolation, choices, write_film

    film = Interpolation.of(
        seeds=choices.seeds(seeds),
        space=space,
        between=between,
        milliseconds=milliseconds,
        loop=loop,
        **look.settings(),
    )
    write = _film_writer(out)
    maker = _maker(network, making.device)
    with _reporting(out.name) as report:
        record = write_film(film, maker, out, write, report)
    _told(out, record, making.json_)


@app.command
def stress(
    pictures: Path,
    network: Network = None,
    *,
    latents: Seeds = "1-4",
    count: int = 5000,
    features: str = "effnetlite0",
    seed: int = 0,
    making: Making = _MAKING,
) -> None:
    """Mix 1 to 4 latents at random crossovers and measure how far the pictures lie from real ones. Table 2.

    Parameters
    ----------
    pictures
        Real ones: a set, at the network's resolution.
    latents
        Numbers of latents, a row of the table each.
    count
        Pictures made for each; fewer than about 5,000 are for trying out, since the distance grows as they get fewer.
    features
        What the Fréchet distance is taken in: effnetlite0, pixels:32, inception:FILE or dinov2:FOLDER.
    seed
        Of everything drawn.
    """
    from simulacra.measures.of_sets.named import open_features
    from simulacra.sets import PictureSet
    from simulacra.stylegan.use import choices
    from simulacra.stylegan.use import stress as run_stress

    numbers = choices.seeds(latents)
    found, real, maker = open_features(features), PictureSet(pictures), _maker(network, making.device)
    rows = []
    with _reporting("mixing stress test") as report:
        for mixed in run_stress(maker, real, found, latents=numbers, count=count, seed=seed):
            rows.append(mixed)
            report(len(rows), len(numbers))
    if making.json_:
        listed = [asdict(row) for row in rows]
        print(json.dumps({"network": maker.network, "set": real.digest, "seed": seed, "rows": listed}))
        return
    print(rows[0].name)
    for row in rows:
        print(f"{row.latents} latents  {row.distance:.2f}")


@app.command
def replay(
    picture: Path,
    network: Network = None,
    *,
    out: Path | None = None,
    device: str | None = None,
    json_: Json = False,
) -> None:
    """Make a picture or film again from the record it carries, and compare; exit code 1 if a bit differs.

    The network is the file named, else the one that comes with simulacra, else a file beside the picture or, for a grid
    of samples, in its training's folder.

    Parameters
    ----------
    picture
        That any command of this group wrote.
    out
        The new file; otherwise beside the picture, with .replay in its name.
    device
        Where the network runs; otherwise the kind of device that the picture was made on.
    """
    from simulacra.stylegan.use import find_network, read_record
    from simulacra.stylegan.use import replay as make_again

    record = read_record(picture)
    out = out or picture.with_name(f"{picture.stem}.replay{picture.suffix}")
    maker = find_network(record.network, picture, network, device=device or record.device.split()[0])
    write = _film_writer(out) if record.figure == "interpolation" else None
    with _reporting(out.name) as report:
        replayed = make_again(picture, out, maker, write, report)
    if json_:
        print(json.dumps({"out": str(out), "equal": replayed.equal, "told": replayed.told}, ensure_ascii=False))
    else:
        for sentence in replayed.told:
            print(sentence)
        print(f"{_shown(out)}: {'equal' if replayed.equal else 'not equal'} bit for bit")
    if not replayed.equal:
        raise SystemExit(1)


@app.command
def info(network: Network = None, *, json_: Json = False) -> None:
    """Show what a network is: its digest, family, sizes, layers with their groups, and the notes kept with it."""
    from simulacra.stylegan import shipped
    from simulacra.stylegan.networks.files import read_notes
    from simulacra.stylegan.use import choices

    path = shipped.path() if network is None else network
    maker, notes = _maker(path, "cpu"), read_notes(path)
    description = maker.description
    facts: dict[str, Any] = {
        "network": maker.network,
        "parameters": maker.parameters,
        "generation": maker.generation,
        "groups": {name: choices.words(rows) for name, rows in choices.groups(description).items()},
        "description": description.to_json(),
        "notes": notes,
    }
    if json_:
        print(json.dumps(facts, ensure_ascii=False))
        return
    for name in ("network", "parameters", "generation"):
        print(f"{name:<18}{'not known' if facts[name] is None else facts[name]}")
    for name, value in description.to_json().items():
        print(f"{name.replace('_', ' '):<18}{value}")
    for name, rows in facts["groups"].items():
        print(f"{f'{name} layers':<18}{rows}")
    for name, value in notes.items():
        print(f"{name:<18}{value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}")


def _maker(network: Path | None, device: str) -> "Maker":
    from simulacra.stylegan.use import open_network

    return open_network(network, device=device)


def _write(figure: "Figure", maker: "Maker", out: Path, json_: bool) -> None:
    from simulacra.stylegan.use import write_figure

    with _reporting(out.name) as report:
        record = write_figure(figure, maker, out, report)
    _told(out, record, json_)


def _told(out: Path, record: "Record", json_: bool) -> None:
    print(json.dumps({"out": str(out), "record": record.model_dump(mode="json")}) if json_ else _shown(out))


def _film_writer(out: Path) -> "FilmWriter":
    from simulacra.reports.video import write_mp4
    from simulacra.stylegan.use import FILMS

    writers: Mapping[str, FilmWriter] = {**FILMS, ".mp4": write_mp4}
    if out.suffix.lower() not in writers:
        raise UserError(f"{_shown(out)} is to be a film; it must end in {' or '.join(writers)}")
    return writers[out.suffix.lower()]


@contextmanager
def _reporting(stage: str) -> "Iterator[Callable[[int, int], None]]":
    """A bar that begins when the first part is done, and ends where the work does."""
    from simulacra.cli.progress import progress

    begun = False
    with progress() as watcher:

        def report(done: int, total: int) -> None:
            nonlocal begun
            if not begun:
                watcher.begin(stage, total, done)
                begun = True
            watcher.advance(done)

        yield report


def _listed(text: str | None) -> tuple[str, ...]:
    return () if text is None else tuple(part.strip() for part in text.split(","))


def _shown(path: Path) -> str:
    from simulacra.images.names import printable

    return printable(path)
