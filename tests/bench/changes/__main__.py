"""What a change costs those who are served meanwhile: ours and others', on the same machine, one after the other.

    /usr/bin/python3 tests/bench/changes                        every server and change, about seven minutes
    /usr/bin/python3 tests/bench/changes rproxyd turnd          some servers
    /usr/bin/python3 tests/bench/changes --seconds 8 --markdown

A server gets its load, then what is changed, in the midst of it. Counted is what clients saw: requests that failed, connections
that were refused, event streams that were cut or missed an event, allocations that were lost, datagrams that did not come back.
The others are the releases that tests/bench/rivals/install has fetched, or this machine's own.
"""

import argparse
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "tests/bench"), str(ROOT / "tests/integration/support"), str(ROOT / "tests/support")]

from relays import Coturn, Turnd, measure_relay  # noqa: E402
from webs import Nginx, Rproxyd, measure_web  # noqa: E402

SERVERS = {"rproxyd": (Rproxyd, measure_web), "nginx": (Nginx, measure_web),
           "turnd": (Turnd, measure_relay), "coturn": (Coturn, measure_relay)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("servers", nargs="*", choices=[*SERVERS, []], help="all, if none is named")
    parser.add_argument("--seconds", type=float, default=15, help="of load, for each change")
    parser.add_argument("--markdown", action="store_true")
    options = parser.parse_args()
    for name in options.servers or SERVERS:
        server, measure = SERVERS[name]
        rows = []
        for change in server.CHANGES:
            with tempfile.TemporaryDirectory(prefix="changes-") as folder:
                row = {"server": server.version(), "change": server.CHANGES[change]} | measure(server, change, Path(folder), options.seconds)
            rows.append(row)
            show(row, options.markdown, first=len(rows) == 1)


def show(row: dict, markdown: bool, first: bool) -> None:
    if not markdown:
        print(", ".join(f"{key}: {value}" for key, value in row.items()), flush=True)
        return
    if first:
        print("\n| " + " | ".join(row) + " |\n|" + "---|" * len(row))
    print("| " + " | ".join(map(str, row.values())) + " |", flush=True)


if __name__ == "__main__":
    main()
