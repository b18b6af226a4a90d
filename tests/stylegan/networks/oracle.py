"""Both families once more, in NumPy and SciPy, one picture and one map at a time; shares no code with the subject.

Written from the papers' figures. Every parameter is looked up by its name in the state dict, with its run-time constant
worked out here: gain / sqrt(inputs), and for the mapping the learning rate.
"""

from collections.abc import Mapping
from math import sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.signal import convolve2d, correlate2d

Array = NDArray[np.float64]
State = Mapping[str, Array]


def lrelu(x: Array) -> Array:
    return np.where(x > 0, x, 0.2 * x)


def rms(x: Array, axis: int) -> Array:
    return x / np.sqrt((x**2).mean(axis=axis, keepdims=True) + 1e-8)


def correlate(x: Array, kernel: Array) -> Array:
    """Maps (in, H, W) by a kernel (out, in, k, k), zeros outside."""
    return np.stack([sum(correlate2d(m, k, "same") for m, k in zip(x, each, strict=True)) for each in kernel])


def smooth(x: Array, taps: list[float], mode: str = "same") -> Array:
    square = np.outer(taps, taps) / sum(taps) ** 2
    return np.stack([convolve2d(each, square, mode) for each in x])


def doubled(x: Array) -> Array:
    return x.repeat(2, axis=-1).repeat(2, axis=-2)


def halved(x: Array) -> Array:
    return x.reshape(*x.shape[:-2], x.shape[-2] // 2, 2, x.shape[-1] // 2, 2).mean((-1, -3))


def mapped(state: State, z: Array, labels: Array, family: str, rate: float) -> Array:
    """One w."""
    w = rms(np.concatenate([z, labels @ state["mapping.embedding.weight"].T]), 0)
    depth = 0
    while (name := f"mapping.layers.{depth}") + ".weight" in state:
        weight, bias = state[f"{name}.weight"] * rate / sqrt(len(w)), state[f"{name}.bias"] * rate
        before, after = (sqrt(2), 1) if family == "stylegan1" else (1, sqrt(2))
        w = after * lrelu(before * weight @ w + bias)
        depth += 1
    return w


def dense(state: State, name: str, x: Array, gain: float = 1) -> Array:
    return gain / sqrt(len(x)) * state[f"{name}.weight"] @ x + state[f"{name}.bias"]


def kernel(state: State, name: str, gain: float) -> Array:
    weight = state[f"{name}.weight"]
    return gain / sqrt(weight[0].size) * weight


def add(x: Array, bias: Array) -> Array:
    return x + bias[:, None, None]


def generated_1(state: State, ws: Array, noise: list[Array], resolution: int, blur: bool = True) -> dict[int, Array]:
    """StyleGAN in every config: the picture that the RGB layer of each resolution gives."""
    pictures, row, side = {}, 0, 4
    if "synthesis.layers.0.const" in state:
        x = state["synthesis.layers.0.const"][0]
    else:
        x = (sqrt(2) / 4 / sqrt(len(ws[0])) * state["synthesis.layers.0.dense.weight"] @ ws[0]).reshape(-1, 4, 4)
    while side <= resolution:
        for place in range(2):
            name = f"synthesis.layers.{row}"
            if row:
                x = correlate(x if place else doubled(x), kernel(state, f"{name}.convolution", sqrt(2)))
                x = x if place or not blur else smooth(x, [1, 2, 1])
            if f"{name}.strength" in state:
                x = x + state[f"{name}.strength"][:, None, None] * noise[row]
            x = lrelu(add(x, state[f"{name}.bias"]))
            x = styled(state, f"{name}.style", x, ws[row]) if f"{name}.style.bias" in state else rms(x, 0)
            row += 1
        name = f"synthesis.to_rgb.{side}"
        pictures[side] = add(correlate(x, kernel(state, name, 1)), state[f"{name}.bias"])
        side *= 2
    return pictures


def styled(state: State, name: str, x: Array, w: Array) -> Array:
    mean, deviation = x.mean((1, 2), keepdims=True), np.sqrt(x.var((1, 2), keepdims=True) + 1e-8)
    scale, shift = np.split(dense(state, name, w), 2)
    return add((x - mean) / deviation * (scale[:, None, None] + 1), shift)


def judged_1(state: State, pictures: Array, labels: Array, resolution: int, coarser: float = 0) -> Array:
    """StyleGAN's discriminator on a batch whose groups have 4 pictures; `coarser` is the share of the fade."""
    features = []
    for picture in pictures:
        side = resolution
        x = from_rgb(state, f"from_rgb.{side}", picture, sqrt(2))
        while side > 4:
            name = f"blocks.{side}"
            x = lrelu(
                add(correlate(x, kernel(state, f"{name}.convolution", sqrt(2))), state[f"{name}.convolution.bias"])
            )
            x = halved(correlate(smooth(x, [1, 2, 1]), kernel(state, f"{name}.down", sqrt(2))))
            x = lrelu(add(x, state[f"{name}.down.bias"]))
            side //= 2
            if coarser and side == resolution // 2:
                x = (1 - coarser) * x + coarser * from_rgb(state, f"from_rgb.{side}", halved(picture), sqrt(2))
        features.append(x)
    return head(state, features, labels, before=sqrt(2), after=1)


def from_rgb(state: State, name: str, picture: Array, before: float, after: float = 1) -> Array:
    return after * lrelu(add(correlate(picture, kernel(state, name, before)), state[f"{name}.bias"]))


def head(state: State, features: list[Array], labels: Array, before: float, after: float) -> Array:
    logits, groups = [], len(features) // 4
    for index, (x, label) in enumerate(zip(features, labels, strict=True)):
        group = np.stack([features[other] for other in range(len(features)) if other % groups == index % groups])
        deviation = np.sqrt(group.var(0) + 1e-8).mean()
        x = np.concatenate([x, np.full((1, 4, 4), deviation)])
        x = after * lrelu(add(correlate(x, kernel(state, "convolution", before)), state["convolution.bias"]))
        x = after * lrelu(dense(state, "dense", x.ravel(), before))
        logits.append([dense(state, "logits", x) @ label])
    return np.array(logits)


def modulated(weight: Array, style: Array, demodulate: bool) -> Array:
    weight = weight * style[None, :, None, None]
    if demodulate:
        weight = weight / np.sqrt((weight**2).sum((1, 2, 3), keepdims=True) + 1e-8)
    return weight


def laid_down(x: Array, weight: Array) -> Array:
    """Each pixel lays the kernel down, times its value, at every second place: a transposed convolution."""
    size = 2 * x.shape[-1] + 1
    result = np.zeros((len(weight), size, size))
    for row in range(x.shape[-2]):
        for column in range(x.shape[-1]):
            patch = np.tensordot(x[:, row, column], weight, axes=(0, 1))
            result[:, 2 * row : 2 * row + 3, 2 * column : 2 * column + 3] += patch
    return result


def enlarged(x: Array, weight: Array) -> Array:
    # Three of four places are zeros before the blur, so its taps sum to 4.
    return 4 * smooth(laid_down(x, weight), [1, 3, 3, 1], "full")[:, 2:-2, 2:-2]


def generated_2(state: State, ws: Array, noise: list[Array], resolution: int) -> Array:
    """StyleGAN2 with skips."""
    x, row, side, picture = state["synthesis.const"][0], 0, 4, None
    while side <= resolution:
        for up in (False,) if side == 4 else (True, False):
            name = f"synthesis.layers.{row}"
            weight = modulated(kernel(state, f"{name}.convolution", 1), dense(state, f"{name}.style", ws[row]), True)
            x = enlarged(x, weight) if up else correlate(x, weight)
            x = x + state[f"{name}.strength"] * noise[row]
            x = sqrt(2) * lrelu(add(x, state[f"{name}.bias"]))
            row += 1
        name = f"synthesis.to_rgb.{side}"
        weight = modulated(kernel(state, f"{name}.convolution", 1), dense(state, f"{name}.style", ws[row]), False)
        coloured = add(correlate(x, weight), state[f"{name}.bias"])
        if picture is not None:
            zeros = np.zeros((len(picture), 2 * picture.shape[1], 2 * picture.shape[2]))
            zeros[:, ::2, ::2] = picture
            coloured = coloured + 4 * smooth(zeros, [1, 3, 3, 1], "full")[:, 1:-2, 1:-2]
        picture = coloured
        side *= 2
    return picture


def judged_2(state: State, pictures: Array, labels: Array, resolution: int) -> Array:
    """StyleGAN2's residual discriminator."""
    features = []
    for picture in pictures:
        x = from_rgb(state, "from_rgb", picture, 1, sqrt(2))
        side = resolution
        while side > 4:
            name = f"blocks.{side}"
            y = add(correlate(x, kernel(state, f"{name}.convolution", 1)), state[f"{name}.convolution.bias"])
            y = smooth(sqrt(2) * lrelu(y), [1, 3, 3, 1], "full")[:, 1:-1, 1:-1]
            weight = kernel(state, f"{name}.down", 1)
            y = np.stack([sum(correlate2d(m, k, "valid") for m, k in zip(y, w, strict=True)) for w in weight])
            y = y[:, 0::2, 0::2]
            y = sqrt(2) * lrelu(add(y, state[f"{name}.down.bias"]))
            shortcut = smooth(x, [1, 3, 3, 1], "full")[:, 2:-2:2, 2:-2:2]
            x = (y + correlate(shortcut, kernel(state, f"{name}.shortcut", 1))) / sqrt(2)
            side //= 2
        features.append(x)
    return head(state, features, labels, before=1, after=sqrt(2))
