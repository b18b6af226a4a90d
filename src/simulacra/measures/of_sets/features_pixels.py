"""Raw pixels as features: no network, for digits and for tests of what networks add."""

from typing import Self

from torch import Tensor

from simulacra.errors import UserError
from simulacra.images.resize import Filter, resize
from simulacra.measures.of_sets.features import Features


class Pixels(Features):
    """The sRGB values of a small square picture, 3 x side x side numbers in about [0, 1]."""

    def __init__(self, side: int = 32, filter: Filter = "box") -> None:
        """Choose the square.

        Args:
            side: in pixels, 1 or more.
            filter: for pictures of another size; antialiased unless "nearest".

        Raises:
            UserError: the side is below 1.
        """
        if side < 1:
            raise UserError(f"the side of the pixel features is {side} px; it must be 1 or more")
        self.side, self.filter = side, filter
        self.name = f"pixels{side}"
        self.length = 3 * side * side
        self.resizing = f"{side} px squares, {filter}, {'not ' if filter == 'nearest' else ''}antialiased"

    @classmethod
    def opened(cls, argument: str) -> Self:
        """`pixels`, or `pixels:SIDE`; see `Features.opened`."""
        if not argument:
            return cls()
        if not argument.isdecimal():
            raise UserError(
                f"the side of the pixel features is {argument!r}; it must be a whole number, such as pixels:32"
            )
        return cls(int(argument))

    def embed(self, picture: Tensor) -> Tensor:
        """Channel by channel, row by row."""
        return resize(picture, self.side, self.side, self.filter).flatten()
