"""``python -m tests.faults --minutes N``: all kinds of faults in turn until the time is over."""

from __future__ import annotations

import argparse
import sys

from tests.faults.suite import run


def main() -> int:
    """Run it; give 1 if anything was lost or went wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--minutes", type=float, default=1.0, help="how long  [default: 1]")
    parser.add_argument("--seed", type=int, default=0, help="of the random places  [default: 0]")
    parser.add_argument("--only", help="kinds whose name has this in it")
    wish = parser.parse_args()
    text, failed = run(wish.minutes * 60, wish.seed, only=wish.only)
    sys.stdout.write(text + "\n")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
