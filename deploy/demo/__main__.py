"""What deploy/quickstart runs once everything is built: three demo nodes, rproxyd and turnd in front
of them, a self-check, and then it stays until Ctrl-C."""

import argparse
import fcntl
import signal
import sys
from pathlib import Path

from checks import run_checks, run_last_checks
from layout import Layout
from programs import DidNotStart, Programs

ROOT = Path(__file__).parents[2]


def main() -> int:
    options = arguments()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    options.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    options.state.chmod(0o700)
    lock = (options.state / "lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print(f"✗ another quickstart is running with {options.state}; end it, or name another --state", file=sys.stderr)
        return 1

    layout = Layout.choose(options.state, options.address)
    programs = Programs(options.programs, options.state / "log")
    try:
        start(layout, programs)
        print("\n▸ self-check")
        failed = run_checks(layout, programs)
        if options.once:
            failed += run_last_checks(layout, programs)
        if failed:
            print(f"\n✗ {failed} of the checks failed; logs are in {programs.logs}")
        if options.once or failed:
            return 1 if failed else 0
        welcome(layout)
        return programs.wait_for_an_end()
    except DidNotStart as reason:
        print(f"✗ {reason}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\n▸ ending")
        return 0
    finally:
        # A second Ctrl-C must not leave anything running.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        programs.end_all()


def arguments():
    parser = argparse.ArgumentParser(prog="deploy/quickstart")
    parser.add_argument("--once", action="store_true")
    parser.add_argument("--state", type=Path, default=ROOT / "build/quickstart")
    parser.add_argument("--address", help="the address that TURN relays from, and that the page is reached at (this machine's own)")
    parser.add_argument("--programs", type=Path, default=ROOT / "build/release/bin", help="where rproxyd and turnd are")
    options = parser.parse_args()
    options.state, options.programs = options.state.absolute(), options.programs.absolute()
    return options


def start(layout, programs):
    print(f"▸ starting on {layout.address}: HTTPS {layout.https}, HTTP {layout.http}, TURN {layout.turn}, TURN over TLS {layout.turns}")
    layout.write_files()
    for number in range(1, 4):
        programs.start_node(layout, number)
    layout.write_configuration()
    programs.start_daemon("rproxyd", layout.rproxyd_json, [("127.0.0.1", layout.https), ("127.0.0.1", layout.http)])
    programs.start_daemon("turnd", layout.turnd_json, [("127.0.0.1", layout.turn), ("127.0.0.1", layout.turns)])


def welcome(layout):
    print(f"""
Open   {layout.url('localhost')}   or   {layout.url(layout.address)}
       (the certificate is self-signed: {layout.certificate})
Join   room {layout.ROOM}, PIN {layout.PIN}
TURN   {layout.address}:{layout.turn} over UDP and TCP, :{layout.turns} over TLS;
       user {layout.USER}, password in {layout.password_file}
Watch  http://127.0.0.1:{layout.admin['rproxyd']}/ (rproxyd)   and   http://127.0.0.1:{layout.admin['turnd']}/ (turnd)
Logs   {layout.state / 'log'}

Ctrl-C ends everything.""", flush=True)


if __name__ == "__main__":
    sys.exit(main())
