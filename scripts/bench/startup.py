"""Seconds that each command takes to show its help, and to refuse a mistake.

    python scripts/bench/startup.py            the median of five starts, of each command
    python scripts/bench/startup.py --times 9  of more of them

Beside the time on the clock stands the processor's own, which tells more on a busy machine. What
must not be imported then is held by tests/common/test_there.py, which measures no time.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time

from drawsim.__main__ import COMMANDS


def seconds(arguments: list[str], times: int) -> tuple[float, float]:
    """Medians of the time on the clock and of the processor's, over so many starts."""
    clock, processor = [], []
    for _ in range(times):
        before, started = os.times(), time.perf_counter()
        subprocess.run([sys.executable, "-m", "drawsim", *arguments], capture_output=True)
        clock.append(time.perf_counter() - started)
        after = os.times()
        own = after.children_user + after.children_system
        processor.append(own - before.children_user - before.children_system)
    return statistics.median(clock), statistics.median(processor)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--times", type=int, default=5)
    times = parser.parse_args().times
    print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    print(f"{'command':10} {'--help':>14} {'a mistake':>14}   seconds on the clock (processor)")
    for command in COMMANDS:
        cells = [seconds([command, *rest], times) for rest in (["--help"], ["nonsense=1"])]
        print(f"{command:10}", *(f"{clock:6.2f} ({own:.2f}) " for clock, own in cells))


if __name__ == "__main__":
    main()
