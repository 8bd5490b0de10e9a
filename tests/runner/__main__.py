"""tests/run: runs the steps, shows what goes on, and counts what passed."""

import argparse
import signal
import sys
import time
import traceback

from counts import Counts
from display import Display
from steps import FUZZ, ON_DEMAND, STEPS, Failed


def main() -> int:
    chosen = arguments()
    # Ended from outside, it takes the commands along that it has started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    display = Display(sys.stdout)
    total = Counts()
    failed = []
    began = time.monotonic()
    for step in chosen:
        display.step(step.name, step.what)
        since = time.monotonic()
        try:
            counts = step.run(display)
        except Failed as failure:
            display.failure(str(failure))
            counts = failure.counts
        except Exception:  # a broken step counts as failed, and the rest goes on
            display.failure(traceback.format_exc())
            counts = Counts(failed=1)
        if counts.total() == 0:
            display.failure("nothing was run")
            counts = Counts(failed=1)
        total += counts
        if counts.failed:
            failed.append(step.name)
        display.result(step.name, counts, time.monotonic() - since)
    if failed:
        print(f"failed steps: {' '.join(failed)}")
    for name in total.failures:
        print(f"  failed: {name}")
    for name in total.unsteady:
        print(f"  unsteady, passed only when run again: {name}")
    print(f"after {time.monotonic() - began:.0f} s")
    print(total)
    return 1 if total.failed else 0


def arguments():
    parser = argparse.ArgumentParser(prog="tests/run", description="Everything that the project claims, tried.")
    parser.add_argument("step", nargs="*", help="steps to run (all)")
    parser.add_argument("--list", action="store_true", help="list the steps")
    parser.add_argument("--fuzz", type=float, metavar="MINUTES", help="fuzz with libFuzzer for so long in all, from the corpus on")
    parser.add_argument("--skip", action="append", default=[], metavar="STEP", help="leave a step out")
    args = parser.parse_args()
    names = [step.name for step in STEPS + ON_DEMAND]
    if args.list:
        for step in STEPS:
            print(f"{step.name:14} {step.what}")
        print("\nonly when asked for:")
        for step in ON_DEMAND:
            print(f"{step.name:14} {step.what}")
        sys.exit(0)
    unknown = [name for name in args.step + args.skip if name not in names]
    if unknown:
        parser.error(f"no step {', '.join(unknown)}; there are: {' '.join(names)}")
    if args.fuzz:
        return [FUZZ(args.fuzz)]
    offered = STEPS + ON_DEMAND if args.step else STEPS
    return [step for step in offered if (not args.step or step.name in args.step) and step.name not in args.skip]


if __name__ == "__main__":
    sys.exit(main())
