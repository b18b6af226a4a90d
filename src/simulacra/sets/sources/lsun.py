"""LSUN as its authors hand it out: one LMDB database a category, with a WebP file as each value."""

from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import Any

from simulacra.errors import UserError
from simulacra.extras import require
from simulacra.images.names import printable
from simulacra.images.open import OpenedPicture, read_picture
from simulacra.sets.sources.contract import Source


class LSUN(Source):
    """The pictures of a database, named by their keys, in the order of the keys."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with self._database.begin() as transaction:
            self._keys = [bytes(key) for key in transaction.cursor().iternext(values=False)]
        if not self._keys:
            raise UserError(f"the database {printable(path)} is empty; give one with pictures")
        self.names = [printable(key.decode("utf-8", "backslashreplace")) for key in self._keys]
        self.facts = {"kind": "lsun", "name": path.resolve().name}

    def read(self, index: int, *, alpha: bool) -> OpenedPicture:
        """One picture, by the rules of `images.open`."""
        with self._database.begin() as transaction:
            data = transaction.get(self._keys[index])
        return read_picture(BytesIO(data), self.names[index], alpha=alpha)

    @cached_property
    def _database(self) -> Any:
        lmdb = require("lmdb", "lsun", "LSUN")
        try:
            # No lock: nobody writes, and a lock would ask for permission to. No read-ahead: pictures are far apart.
            return lmdb.open(str(self.path), readonly=True, lock=False, readahead=False, create=False)
        except lmdb.Error as error:
            raise UserError(f"{printable(self.path)} is not an LMDB database: {error}; get a whole copy") from error

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_database"}
