"""Claim: measuring and durability cost at most a quarter of a real model's own time.

One side is `simulacra copy` without controls, Real-ESRGAN x4plus, 256 px, 101 copies: opening, copying, storing every
frame with fsync, journalling, measuring all channels, and writing the page and the films. The other is the bare loop a
person would write: the same network through ncnn, Pillow to shrink, 8-bit rounding, nothing stored. Both are whole
processes, started in turn, so that imports count on both sides.
"""

import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from PIL import Image
from skimage.data import astronaut

LIMIT = 1.25
TIMES = 101
ROUNDS = 2

BARE = """
import sys
import ncnn, numpy as np
from PIL import Image
param, weights, picture, times = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
net = ncnn.Net()
net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = net.opt.use_bf16_storage = False
net.load_param(param)
net.load_model(weights)
pixels = np.asarray(Image.open(picture).convert("RGB"))
height, width = pixels.shape[:2]
for _ in range(times):
    small = np.asarray(Image.fromarray(pixels).resize((width // 4, height // 4), Image.Resampling.BICUBIC))
    with net.create_extractor() as extractor:
        picture = np.ascontiguousarray(small.transpose(2, 0, 1), np.float32) / 255
        extractor.input(net.input_names()[0], ncnn.Mat(picture).clone())
        large = np.array(extractor.extract(net.output_names()[0])[1])
    pixels = (large.clip(0, 1) * 255).round().astype(np.uint8).transpose(1, 2, 0)
"""


def measure() -> dict[str, Any]:
    from simulacra.weights import find

    ours, bare = [], []
    with tempfile.TemporaryDirectory() as folder:
        picture = Path(folder) / "astronaut.png"
        Image.fromarray(astronaut()).resize((256, 256), Image.Resampling.LANCZOS).save(picture)
        param, weights = (find("realesrgan-x4plus", file) for file in ("x4plus.param", "x4plus.bin"))
        for turn in range(ROUNDS):
            bare.append(_seconds([sys.executable, "-c", BARE, str(param), str(weights), str(picture), str(TIMES)]))
            command = ["copy", str(picture), "--copier", "realesrgan", "--times", str(TIMES), "--no-controls"]
            ours.append(_seconds([sys.executable, "-m", "simulacra", *command, "--store", f"{folder}/store-{turn}"]))
    ratio = min(ours) / min(bare)
    return {
        "claim": f"simulacra copy takes at most {LIMIT} times the bare loop (Real-ESRGAN x4plus, 256 px, x{TIMES})",
        "bare_seconds": bare,
        "simulacra_seconds": ours,
        "ratio_of_medians": median(ours) / median(bare),
        "ratio_of_minima": ratio,
        "holds": ratio <= LIMIT,
    }


def _seconds(command: list[str]) -> float:
    began = perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return round(perf_counter() - began, 2)
