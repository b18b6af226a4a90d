"""Claim: a chain of 1,000 copies needs hardly more memory than one of 100.

Both are whole processes of `simulacra copy` with the JPEG copier on a moving grid, which never settles, at 512 px, with
measures, page and films.
"""

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image
from skimage.data import astronaut

LIMIT = 1.2
COPIER = "moving-grid:quality=75"

RUN = """
import resource, subprocess, sys
quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
subprocess.run([sys.executable, "-m", "simulacra", *sys.argv[1:]], check=True, **quiet)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def measure() -> dict[str, Any]:
    unit = 1 if sys.platform == "darwin" else 1024  # ru_maxrss counts bytes on macOS, kilobytes elsewhere
    peaks = {}
    with tempfile.TemporaryDirectory() as folder:
        picture = Path(folder) / "astronaut.png"
        Image.fromarray(astronaut()).save(picture)
        for times in (100, 1000):
            command = ["copy", str(picture), "--copier", COPIER, "--times", str(times), "--no-controls"]
            output = subprocess.run(
                [sys.executable, "-c", RUN, *command, "--store", f"{folder}/store-{times}"],
                check=True,
                capture_output=True,
                text=True,
            ).stdout
            peaks[times] = int(output) * unit
    ratio = peaks[1000] / peaks[100]
    return {
        "claim": f"1,000 copies need at most {LIMIT} times the peak memory of 100 (512 px, {COPIER})",
        "peak_bytes": {str(times): peak for times, peak in peaks.items()},
        "ratio": ratio,
        "holds": ratio <= LIMIT,
    }
