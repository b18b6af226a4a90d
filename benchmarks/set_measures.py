"""Claims: neighbours 2.5 times faster than prdc in a tenth of its memory, Fréchet 12 times faster than scipy's root.

10,000 against 10,000 pictures of 2,048 numbers, float32. Each side of the first claim runs in a process of its own,
which makes the same sets, runs once on a few pictures to load its libraries, and then reports its time, its peak beyond
what it held before, and its values. The second claim starts from means and covariances on both sides.
"""

import json
import subprocess
import sys
from time import perf_counter
from typing import Any

import numpy as np
import scipy.linalg
import torch

from simulacra.measures.of_sets.frechet import frechet_from_moments, given_moments

COUNT, LENGTH, NEIGHBOURS = 10_000, 2_048, 5
LEAST_RATIO, LARGEST_SHARE = 2.5, 0.1
ROUNDS = 3
LEAST_FRECHET_RATIO, FRECHET_TOLERANCE = 12.0, 1e-6

# prdc's distances are float32 for float32 features, so pairs within a rounding of a border fall on either side of it.
TOLERANCES = {"precision": 3e-4, "recall": 3e-4, "density": 3e-4, "coverage": 3e-4}

RUN = """
import contextlib, json, sys, threading, time
import numpy as np, torch
which, count, length, neighbours = sys.argv[1], *map(int, sys.argv[2:])
draw = np.random.default_rng(20261122).standard_normal
real, generated = draw((count, length), dtype=np.float32), draw((count, length), dtype=np.float32)
if which == "prdc":
    from prdc import compute_prdc
    def measure(real, generated):
        return {name: float(value) for name, value in compute_prdc(real, generated, neighbours).items()}
else:
    from simulacra.measures.of_sets.neighbours import precision_recall_density_coverage
    def measure(real, generated):
        sides = {"real": torch.from_numpy(real), "generated": torch.from_numpy(generated)}
        return vars(precision_recall_density_coverage(**sides, neighbours=neighbours))
def held():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmRSS"))
with contextlib.redirect_stdout(sys.stderr):
    measure(real[:256], generated[:256])
    before = peak = held()
    done = threading.Event()
    def watch():
        global peak
        while not done.wait(0.01):
            peak = max(peak, held())
    watcher = threading.Thread(target=watch)
    watcher.start()
    began = time.perf_counter()
    values = measure(real, generated)
    seconds = time.perf_counter() - began
    done.set()
    watcher.join()
print(json.dumps({"seconds": seconds, "bytes": peak - before, "values": values}))
"""


def measure(count: int = COUNT, length: int = LENGTH) -> dict[str, Any]:
    neighbours, frechet = neighbour_claim(count, length), frechet_claim(length)
    return {"neighbours": neighbours, "frechet": frechet, "holds": neighbours["holds"] and frechet["holds"]}


def neighbour_claim(count: int, length: int) -> dict[str, Any]:
    sides = {which: alone(which, count, length) for which in ("prdc", "simulacra")}
    theirs, ours = sides["prdc"], sides["simulacra"]
    ratio, share = theirs["seconds"] / ours["seconds"], ours["bytes"] / theirs["bytes"]
    differences = {name: abs(ours["values"][name] - theirs["values"][name]) for name in TOLERANCES}
    equal = all(differences[name] <= tolerance for name, tolerance in TOLERANCES.items())
    return {
        "claim": f"{count} by {count} by {length}: prdc takes {LEAST_RATIO:g} times as long and ten times the memory",
        "prdc_seconds": round(theirs["seconds"], 2),
        "simulacra_seconds": round(ours["seconds"], 2),
        "ratio": round(ratio, 2),
        "prdc_extra_bytes": theirs["bytes"],
        "simulacra_extra_bytes": ours["bytes"],
        "share_of_memory": round(share, 3),
        "values": ours["values"],
        "differences": {name: [differences[name], TOLERANCES[name]] for name in TOLERANCES},
        "holds": ratio >= LEAST_RATIO and share <= LARGEST_SHARE and equal,
    }


def alone(which: str, count: int, length: int) -> dict[str, Any]:
    command = [sys.executable, "-c", RUN, which, str(count), str(length), str(NEIGHBOURS)]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    found: dict[str, Any] = json.loads(output)
    return found


def frechet_claim(length: int) -> dict[str, Any]:
    rng = np.random.default_rng(20261122)
    spectrum = np.logspace(0, -1.5, length)  # variances fall a thousandfold, as those of trained features do
    sets = [rng.normal(shift, spectrum * scale, size=(5 * length, length)) for shift, scale in ((0, 1), (0.02, 1.1))]
    (mean, covariance), (other_mean, other_covariance) = ((each.mean(0), np.cov(each.T)) for each in sets)
    one = given_moments(torch.from_numpy(mean), torch.from_numpy(covariance))
    other = given_moments(torch.from_numpy(other_mean), torch.from_numpy(other_covariance))
    small = given_moments(one.mean[:64], one.matrix[:64, :64])
    frechet_from_moments(small, small)

    seconds = scipy_seconds = float("inf")
    for _ in range(ROUNDS):  # in turns, the least time of each
        began = perf_counter()
        ours = frechet_from_moments(one, other)
        seconds = min(seconds, perf_counter() - began)
        began = perf_counter()
        root = scipy.linalg.sqrtm(covariance @ other_covariance).real
        theirs = np.square(mean - other_mean).sum() + np.trace(covariance + other_covariance - 2 * root)
        scipy_seconds = min(scipy_seconds, perf_counter() - began)
    ratio, difference = scipy_seconds / seconds, abs(ours / float(theirs) - 1)
    return {
        "claim": f"the Fréchet distance of {length} numbers takes at most 1/{LEAST_FRECHET_RATIO:g} of scipy's sqrtm",
        "scipy_seconds": round(scipy_seconds, 2),
        "simulacra_seconds": round(seconds, 3),
        "ratio": round(ratio, 1),
        "relative_difference": [difference, FRECHET_TOLERANCE],
        "holds": ratio >= LEAST_FRECHET_RATIO and difference <= FRECHET_TOLERANCE,
    }


if __name__ == "__main__":
    print(json.dumps(measure(*map(int, sys.argv[1:])), indent=2))  # COUNT LENGTH, to try it on less
