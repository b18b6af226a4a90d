"""The network to use: a file, or the one that comes with the package; and the one that made a picture."""

from pathlib import Path

from simulacra.errors import UserError
from simulacra.images.names import printable
from simulacra.stylegan import shipped
from simulacra.stylegan.networks import Generator, digest, load_generator
from simulacra.stylegan.networks.files import read_notes
from simulacra.stylegan.networks.growth import active_resolution
from simulacra.stylegan.training.records import NETWORKS
from simulacra.stylegan.use.maker import Maker

ENDING = ".safetensors"


def open_network(path: Path | None = None, *, device: str = "cpu") -> Maker:
    """A generator ready for use.

    Args:
        path: of its file; None for the network that comes with simulacra.
        device: where it runs.

    Raises:
        UserError: the file cannot be read, is damaged, holds no generator, or no network comes with this installation;
            or there is no such device.
    """
    path = shipped.path() if path is None else path
    return _ready(path, load_generator(path), device)


def find_network(wanted: str, picture: Path, path: Path | None = None, *, device: str = "cpu") -> Maker:
    """The generator that made a picture, by its digest.

    Args:
        wanted: the digest that the picture's record names.
        picture: the picture; files beside it are looked at.
        path: of the network's file; None looks at the network that comes with simulacra, then beside the picture and,
            for a grid of samples, among the networks of its training.
        device: where it runs.

    Raises:
        UserError: the file given is of another network, or no file looked at is of this one.
    """
    if path is not None:
        maker = open_network(path, device=device)
        if maker.network != wanted:
            raise UserError(
                f"{printable(path)} is not the network that made {printable(picture)}: its digest is "
                f"{maker.network[:12]}..., and {wanted[:12]}... is needed"
            )
        return maker
    looked_at = [shipped.path()] if shipped.here() else []
    folder = picture.resolve().parent
    looked_at += sorted(each for each in folder.iterdir() if each.suffix == ENDING)
    of_samples = folder.parent / NETWORKS / f"{picture.stem}{ENDING}"
    if of_samples.is_file():
        looked_at.append(of_samples)
    for each in looked_at:
        try:
            generator = load_generator(each)
        except UserError:
            continue  # a discriminator, or a file of something else
        if digest(generator) == wanted:
            return _ready(each, generator, device)
    raise UserError(
        f"the network that made {printable(picture)} is neither the one that comes with simulacra nor beside the "
        f"picture or in its training; name its file, whose digest is {wanted[:12]}...: simulacra stylegan replay "
        "PICTURE NETWORK"
    )


def _ready(path: Path, generator: Generator, device: str) -> Maker:
    notes = read_notes(path)
    generation, lod = notes.get("generation"), notes.get("lod", 0.0)
    if generation is not None and not isinstance(generation, int):
        raise UserError(f"{printable(path)} says that its generation is {generation!r}; it must be a whole number")
    if not isinstance(lod, int | float):
        raise UserError(f"{printable(path)} says that its level of detail is {lod!r}; it must be a number")
    active_resolution(generator.description, lod)  # refuses one that these networks cannot have
    return Maker(generator, generation=generation, lod=float(lod), device=device)
