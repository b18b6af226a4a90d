"""The key to a service: read from the environment for each call, and kept out of everything that is written."""

import os

from simulacra.errors import UserError

_SECRET = 12
"""Letters from which a key is worth hiding. Shorter ones are placeholders for servers that ask for none, and taking
such a word out of every answer would damage the answers."""


class MissingKey(UserError):
    """The environment variable that should hold a service's key is empty, or holds what cannot be a key."""


class Key:
    """A key that shows only its variable's name when it is printed."""

    def __init__(self, variable: str, value: str) -> None:
        self.variable = variable
        self._value = value

    @classmethod
    def from_environment(cls, variable: str, copier: str) -> "Key":
        """The key a variable holds now.

        Args:
            variable: name of the environment variable.
            copier: who asks, the subject of the sentence the user reads.

        Raises:
            MissingKey: the variable is unset or empty, or holds a space or a letter that no HTTP header can carry.
        """
        value = os.environ.get(variable, "").strip()
        if not value:
            raise MissingKey(f"copier {copier} needs a key; type: export {variable}=... with the key of your account")
        if not (value.isascii() and value.isprintable()) or " " in value:
            raise MissingKey(
                f"{variable} holds a space or a letter outside ASCII, so it is no key; copy the key again and type: "
                f"export {variable}=..."
            )
        return cls(variable, value)

    def reveal(self) -> str:
        """The secret itself, for the header of a request and nothing else."""
        return self._value

    def scrub(self, data: bytes) -> bytes:
        """Bytes without the key: servers quote what they were sent, and their words end in journals."""
        return data.replace(self._value.encode(), b"...") if len(self._value) >= _SECRET else data

    def __repr__(self) -> str:
        return f"<the key in {self.variable}>"
