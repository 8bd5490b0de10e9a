"""Everything at once, for as long as you like: web requests, event streams, WebSockets, attacks on PINs, callers with the right one,
TURN allocations that come and go, and relays. Judged is what clients saw, and whether memory and descriptors are flat.

    /usr/bin/python3 tests/soak --minutes 30                  70 % of what this machine can do
    /usr/bin/python3 tests/soak --minutes 2 --load 0.2        as tests/run does
    /usr/bin/python3 tests/soak --minutes 30 --write docs     docs/soak.md and docs/soak.svg, too

What the machine can do is found out first: as many web requests as it answers while all the rest goes on. The programs are those of
$VESTIBULE_BUILD, the release build by default.
"""

import argparse
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
os.environ.setdefault("VESTIBULE_BUILD", str(ROOT / "build/release"))
sys.path[:0] = [str(ROOT / "tests/integration/support"), str(ROOT / "tests/support")]

from report import judge, show, write  # noqa: E402
from scene import soak  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--load", type=float, default=0.7, help="part of what the machine can do")
    parser.add_argument("--write", type=Path, metavar="FOLDER", help="where soak.md and soak.svg go")
    parser.add_argument("--note", default="", help="a sentence for that page: what the machine was, and what else it did")
    options = parser.parse_args()
    seen = soak(options.minutes, options.load)
    verdicts = judge(seen)
    show(seen, verdicts)
    if options.write:
        write(options.write, seen, verdicts, options.note)
    return 0 if all(verdict.holds for verdict in verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
