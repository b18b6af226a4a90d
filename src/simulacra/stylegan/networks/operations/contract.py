"""What every form of the operations must compute."""

from abc import ABC, abstractmethod

from torch import Tensor

EPSILON = 1e-8
"""Added to a variance or a sum of squares before its root."""


class Operations(ABC):
    """Operations of both families. Feature maps are (N, C, H, W), kernels (out, in, k, k) and used as correlations.

    The first three belong to stylegan1, the others to stylegan2. All can be differentiated twice.
    """

    @abstractmethod
    def up_convolve(self, x: Tensor, kernel: Tensor, bias: Tensor | None, blur: bool) -> Tensor:
        """Repeat every pixel twice along both axes, convolve by 3x3, blur by [1, 2, 1] / 4, add the bias.

        Args:
            x: shape (N, in, H, W).
            kernel: shape (out, in, 3, 3).
            bias: shape (out,), or None.
            blur: False leaves the blur out, as in the progressive GAN.

        Returns:
            Shape (N, out, 2H, 2W).
        """

    @abstractmethod
    def down_convolve(self, x: Tensor, kernel: Tensor, bias: Tensor, blur: bool) -> Tensor:
        """Blur by [1, 2, 1] / 4, convolve by 3x3, take means of 2x2 pixels, add the bias.

        Returns:
            Shape (N, out, H / 2, W / 2).
        """

    @abstractmethod
    def restyle(self, x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
        """Adaptive instance normalisation: (x - mean) / deviation * scale + shift, for each picture and map.

        Args:
            x: shape (N, C, H, W); statistics are taken in single precision at least.
            scale: shape (N, C).
            shift: shape (N, C).

        Source: Karras, Laine and Aila 2019, equation 1; epsilon 1e-8 on the variance.
        """

    @abstractmethod
    def modulated_convolve(self, x: Tensor, kernel: Tensor, style: Tensor, demodulate: bool, up: bool) -> Tensor:
        """Convolve each picture with a kernel of its own: scaled along the inputs by its style, then normalised.

        Args:
            x: shape (N, in, H, W).
            kernel: shape (out, in, k, k).
            style: shape (N, in).
            demodulate: whether each picture's kernel is brought to length 1 for each output.
            up: whether the size is doubled, by a transposed convolution and the blur [1, 3, 3, 1].

        Returns:
            Shape (N, out, H, W), or (N, out, 2H, 2W).

        Source: Karras et al. 2020, equations 1 and 3.
        """

    @abstractmethod
    def smooth_down_convolve(self, x: Tensor, kernel: Tensor) -> Tensor:
        """Blur by [1, 3, 3, 1] / 8, convolve, keep every second pixel; kernels of 1x1 or 3x3.

        Returns:
            Shape (N, out, H / 2, W / 2).
        """

    @abstractmethod
    def smooth_up(self, x: Tensor) -> Tensor:
        """Double the size by zeros between the pixels and the blur [1, 3, 3, 1] / 4.

        Returns:
            Shape (N, C, 2H, 2W).
        """
