"""`python -m benchmarks [NAME...] [--out FILE]`: run the claims and print one JSON document."""

import argparse
import json
import os
import platform
import sys
from datetime import UTC, datetime
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

CLAIMS = (
    "chain",
    "measures",
    "memory",
    "hosted",
    "copiers",
    "dynamics",
    "stylegan_networks",
    "stylegan_training",
    "set_measures",
    "autophagy_exact",
    "autophagy_overhead",
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help=f"claims to measure, all by default: {', '.join(CLAIMS)}",
    )
    parser.add_argument("--out", type=Path, help="also write the JSON here")
    options = parser.parse_args()
    unknown = set(options.names) - {*CLAIMS}
    if unknown:
        parser.error(f"no claim is called {', '.join(sorted(unknown))}; there is {', '.join(CLAIMS)}")
    results = {}
    for name in options.names or CLAIMS:
        print(f"measuring {name}", file=sys.stderr, flush=True)
        results[name] = import_module(f"benchmarks.{name}").measure()
    document = {"machine": machine(), "claims": results}
    text = json.dumps(document, indent=2, allow_nan=False)
    print(text)
    if options.out:
        options.out.write_text(text + "\n", encoding="utf-8")
    missed = [name for name, result in results.items() if not result["holds"]]
    if missed:
        raise SystemExit(f"these claims do not hold here: {', '.join(missed)}")


def machine() -> dict[str, object]:
    return {
        "processor": processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "torch": version("torch"),
        "simulacra": version("simulacra"),
        "measured": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.processor()
    )


if __name__ == "__main__":
    main()
