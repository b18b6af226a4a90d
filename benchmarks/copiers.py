"""Claim: eight copiers by eight pictures by thirty copies at 256 px take less than ten minutes on two cores.

A whole process of `simulacra benchmark` on an empty store: copies, controls, measures, table and cards. The pictures
are those of the package, the copiers the fast ones.
"""

import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter
from typing import Any

LIMIT_SECONDS = 600.0
COPIERS = ("jpeg", "webp", "avif", "jpeg2000", "jpegxl", "moving-grid", "resize", "ffdnet")


def measure() -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        named = [word for copier in COPIERS for word in ("--copier", copier)]
        command = [sys.executable, "-m", "simulacra", "benchmark", *named, "--times", "30", "--size", "256"]
        began = perf_counter()
        subprocess.run(
            [*command, "--store", f"{folder}/store", "--out", f"{folder}/out"],
            check=True,
            cwd=folder,
            stdout=subprocess.DEVNULL,
        )
        seconds = perf_counter() - began
        whole = (Path(folder) / "out" / "table.md").is_file()
    return {
        "claim": f"8 copiers by 8 pictures by 30 copies at 256 px take at most {LIMIT_SECONDS:.0f} s on two cores",
        "copiers": list(COPIERS),
        "seconds": seconds,
        "holds": whole and seconds <= LIMIT_SECONDS,
    }
