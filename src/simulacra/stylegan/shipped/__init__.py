"""The trained network that comes with simulacra, with its card in its own notes."""

from pathlib import Path

from simulacra.errors import UserError

_FILE = Path(__file__).with_name("faces.safetensors")


def here() -> bool:
    """Whether this installation has the network."""
    return _FILE.is_file()


def path() -> Path:
    """The file of the network.

    Raises:
        UserError: this installation has none.
    """
    if not here():
        raise UserError(
            "no trained network comes with this installation; name the file of one: simulacra stylegan train makes it"
        )
    return _FILE
