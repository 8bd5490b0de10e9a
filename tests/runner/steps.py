"""The steps of tests/run, in order. A step returns its Counts, or raises Failed."""

import os
import re
import signal
import subprocess
import threading
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

from counts import Counts, from_junit
from gcc_analyzer import analyze_all
from line_coverage import by_folder, forget, lines_run
from tidy import tidy_all

ROOT = Path(__file__).parents[2]
BUILD = ROOT / "build"
LOGS = BUILD / "tests"
JOBS = str(os.cpu_count() or 2)
PYTHON = "/usr/bin/python3"
LIMIT = 2700  # seconds for one command; a build on a busy machine takes its time
SHOWN_LINES = 150  # of a failed command's output
SHOWN_COLUMNS = 240

# A finding of any sanitizer ends the process, and the test with it.
SANITIZERS = {
    "ASAN_OPTIONS": "detect_stack_use_after_return=1:strict_string_checks=1:abort_on_error=0",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
    "TSAN_OPTIONS": "halt_on_error=1:second_deadlock_stack=1",
}


class Failed(Exception):
    def __init__(self, text, counts=Counts(failed=1)):
        super().__init__(text)
        self.counts = counts


@dataclass
class Step:
    name: str
    what: str
    run: Callable


def command(display, name, *argv, limit=LIMIT, environment=None, check=True):
    """Runs a command, its output in build/tests/NAME.log; shows the end of that if it fails.
    After `limit` seconds the process group, which is the command's own, is ended."""
    LOGS.mkdir(parents=True, exist_ok=True)
    log = LOGS / f"{name}.log"
    argv = [str(a) for a in argv]
    with log.open("w") as out:
        process = subprocess.Popen(argv, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                   text=True, errors="replace", start_new_session=True, env=os.environ | SANITIZERS | (environment or {}))
        late = threading.Event()

        def end():
            late.set()
            os.killpg(process.pid, signal.SIGKILL)

        timer = threading.Timer(limit, end)
        timer.start()
        try:
            for line in process.stdout:
                out.write(line)
                display.line(line)
            code = process.wait()
        except BaseException:
            os.killpg(process.pid, signal.SIGTERM)
            raise
        finally:
            timer.cancel()
    display.clear()
    if check and (code != 0 or late.is_set()):
        why = f"no end after {limit} s" if late.is_set() else f"exit code {code}"
        shown = argv if len(argv) < 12 else [*argv[:8], "…"]
        raise Failed(f"{' '.join(shown)}: {why}\n{tail(log)}")
    return code


def tail(log):
    lines = log.read_text(errors="replace").splitlines()
    left_out = [f"… {len(lines) - SHOWN_LINES} lines before that in {log}"] if len(lines) > SHOWN_LINES else []
    return "\n".join(left_out + [line[:SHOWN_COLUMNS] for line in lines[-SHOWN_LINES:]])


def counted(display, name, junit, *argv, **options):
    """A test runner: what it counted stands in its JUnit file, whatever its exit code."""
    junit.unlink(missing_ok=True)
    code = command(display, name, *argv, check=False, **options)
    counts = from_junit(junit)
    if code != 0 and counts.failed == 0:
        counts += Counts(failed=1)
    if counts.failed:
        raise Failed(tail(LOGS / f"{name}.log"), counts)
    return counts


def dependencies(display):
    command(display, "dependencies", "deploy/dependencies/install", "--tests")
    return Counts(passed=1)


def sources(*endings):
    """The repository's files with these endings; also those not yet committed."""
    listed = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard"],
                            cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    return sorted(f for f in set(listed) if f.endswith(endings) and (ROOT / f).is_file())


def formatted(display):
    files = sources(".h", ".cc")
    command(display, "format", "clang-format-19", "--dry-run", "-Werror", *files)
    return Counts(passed=len(files))


def scripts(display):
    """Scripts parse, and are free of what shellcheck and pyflakes warn of."""
    shell = [f for f in sources("") if f.endswith(".sh") or (ROOT / f).read_bytes()[:32].startswith((b"#!/bin/bash", b"#!/bin/sh"))]
    python = sources(".py")
    command(display, "shellcheck", "shellcheck", "--shell=bash", "--severity=warning", *shell)
    command(display, "pyflakes", "pyflakes3", *python)
    return Counts(passed=len(shell) + len(python))


def layers(display):
    return pytest(display, "layers", "tests/layers", "tests/runner", "tests/bench", "tests/sim")


failed_builds = set()


def build(display, preset, *targets):
    """What failed to build once is not tried again by every later step that needs it."""
    if preset in failed_builds:
        raise Failed(f"the {preset} build failed, see above")
    try:
        configure_and_build(display, preset, *targets)
    except Failed:
        failed_builds.add(preset)
        raise


def configure_and_build(display, preset, *targets):
    command(display, f"configure-{preset}", "cmake", "--preset", preset)
    command(display, f"build-{preset}", "cmake", "--build", BUILD / preset, "--parallel", JOBS,
            *(["--target", *targets] if targets else []))


def dev_build(display):
    build(display, "dev")
    return Counts(passed=1)


def unit(display):
    return ctest(display, "unit", "-LE", "fuzz")


def corpus(display):
    return ctest(display, "corpus", "-L", "fuzz")


def ctest(display, name, *options):
    build(display, "dev")
    junit = LOGS / f"{name}.xml"
    return counted(display, name, junit, "ctest", "--test-dir", BUILD / "dev", "--output-junit", junit, "--output-on-failure",
                   "--no-tests=error", "--parallel", JOBS, "--timeout", "120", *options)


def pytest(display, name, *options, environment=None):
    junit = LOGS / f"{name}.xml"
    return counted(display, name, junit, PYTHON, "-m", "pytest", "-v", "-rsfE", "-p", "no:cacheprovider", f"--junitxml={junit}",
                   "-o", "junit_family=xunit1", *options, environment={"PYTHONDONTWRITEBYTECODE": "1"} | (environment or {}))


MOST_TRIED_AGAIN = 3  # failures of one step; more of them aren't chance


def pytest_of_daemons(display, name, *options, environment):
    """A few tests that failed are tried once more, alone. One that passes then is counted as passed, named at the end of
    the run as unsteady, and the output of its failure is shown (docs/decisions/0077-a-few-failures-are-tried-again.md)."""
    try:
        return pytest(display, name, *options, environment=environment)
    except Failed as failure:
        first = failure.counts
        if not 0 < len(first.failures) <= MOST_TRIED_AGAIN or len(first.failures) != first.failed:
            raise
        display.failure(str(failure))
        display.say(f"  tried again: {' '.join(first.failures)}")
        flags = [option for option in options if option.startswith("--")]
        rest = Counts(first.passed, 0, first.skipped)
        try:
            again = pytest(display, f"{name}-again", *flags, *dict.fromkeys(first.failures), environment=environment)
        except Failed as twice:
            raise Failed(str(twice), rest + twice.counts) from None
        return rest + again + Counts(unsteady=first.failures)


def integration(display):
    build(display, "dev")
    return pytest_of_daemons(display, "integration", "--timeout=180", "tests/integration", environment={"VESTIBULE_BUILD": str(BUILD / "dev")})


# Tests of turnd with several workers, in which sockets and allocations go from one to another.
CROSSING_WORKERS = ["test_turn_mobility.py", "test_turn_tcp_relay.py"]


def threads(display):
    """Tests that start threads are tagged [threads]; they run once more under ThreadSanitizer. So do
    the daemons, with a worker a core, through the whole self-check, and turnd where things move between
    workers."""
    programs = [name for name, files in unit_programs() if any("[threads]" in f.read_text() for f in files)]
    build(display, "tsan", *programs, "rproxyd", "turnd")
    counts, failures = Counts(), []
    crossing = [f"tests/integration/turn/{name}" for name in CROSSING_WORKERS]
    for run in [*(lambda p=p: tagged(display, p) for p in programs),
                lambda: pytest_of_daemons(display, "threads-turnd", "--timeout=600", *crossing, environment={"VESTIBULE_BUILD": str(BUILD / "tsan")}),
                lambda: self_check(display, "threads-self-check", "tsan")]:
        try:
            counts += run()
        except Failed as failure:
            counts += failure.counts
            failures.append(str(failure))
    if failures:
        raise Failed("\n".join(failures), counts)
    return counts


def tagged(display, program):
    junit = LOGS / f"threads-{program}.xml"
    path = next((BUILD / "tsan").rglob(program))
    return counted(display, f"threads-{program}", junit, path, "[threads]", "--reporter", f"junit::out={junit}",
                   "--reporter", "console::out=-")


def unit_programs():
    """Name and sources of every unit test program, as tests/unit declares them."""
    for listfile in sorted((ROOT / "tests/unit").rglob("CMakeLists.txt")):
        for match in re.finditer(r"^vestibule_unit_tests\(\s*(\w+)(.*?)\)", listfile.read_text(), re.DOTALL | re.MULTILINE):
            files = [listfile.parent / f for f in match[2].split() if f.endswith(".cc")]
            yield f"{match[1]}_test", [f for f in files if f.exists()]


def tidy(display):
    command(display, "configure-tidy", "cmake", "--preset", "tidy")
    command(display, "generate-tidy", "ninja", "-C", BUILD / "tidy", "admin_page")
    return tidy_all(display, ROOT, BUILD / "tidy", int(JOBS), Failed)


def quickstart(display):
    return checked(display, "quickstart", "deploy/quickstart")


# Sanitizers keep what was freed: these judge memory, and the integration step leaves them out or lets them pass.
OF_MEMORY = ["turn/test_turn_memory.py", "proxy/test_proxy_many_streams.py", "faults/test_faults_memory.py"]


def memory(display):
    build(display, "release", "rproxyd", "turnd")
    return pytest_of_daemons(display, "memory", "--timeout=280", *(f"tests/integration/{name}" for name in OF_MEMORY),
                  environment={"VESTIBULE_BUILD": str(BUILD / "release")})


def soak(display):
    """Two minutes of what docs/soak.md has in full, at a load that a small machine bears beside the clients."""
    build(display, "release", "rproxyd", "turnd")
    return marked(display, "soak", PYTHON, "tests/soak", "--minutes", "2", "--load", "0.2", environment={"VESTIBULE_BUILD": str(BUILD / "release")})


# What a daemon does long after it has given up what it could: sanitizers have no filters, so that the integration step
# doesn't show that it still can.
IN_A_SANDBOX = ["sandbox", "admin/test_admin_upgrade.py", "admin/test_admin_reload.py", "proxy/test_proxy_log_files.py",
                "proxy/test_proxy_reload_whole.py", "proxy/test_proxy_static.py", "proxy/test_proxy_take_over.py",
                "turn/test_turn_reload_watch.py", "turn/test_turn_take_over.py", "turn/test_turn_mobility.py"]


def sandbox(display):
    build(display, "tidy", "core_sandbox_test")  # a build without sanitizers
    command(display, "sandbox-filters", BUILD / "tidy/bin/core_sandbox_test")
    build(display, "release", "rproxyd", "turnd")
    return pytest_of_daemons(display, "sandbox", "--timeout=180", *(f"tests/integration/{name}" for name in IN_A_SANDBOX),
                  environment={"VESTIBULE_BUILD": str(BUILD / "release")})


def packages(display):
    """Made of the release build, then installed on a machine of their own."""
    command(display, "packages", "deploy/packages/build")
    return pytest(display, "packages-installed", "--timeout=900", "tests/packages", environment={"VESTIBULE_PACKAGES": str(BUILD / "packages")})


def release(display):
    """What has been released: hardened, and with a bill of what is in it."""
    build(display, "release", "rproxyd", "turnd")
    return pytest(display, "release", "--timeout=300", "tests/supply", environment={"VESTIBULE_BUILD": str(BUILD / "release")})


def reproducible(display):
    """Two release builds from nothing."""
    command(display, "reproducible", "tests/supply/reproducible", limit=4 * LIMIT)
    return Counts(passed=1)


def analyzer(display):
    command(display, "configure-dev", "cmake", "--preset", "dev")
    command(display, "generate-dev", "ninja", "-C", BUILD / "dev", "admin_page")
    return analyze_all(display, ROOT, BUILD / "dev", int(JOBS), Failed)


LEAST_COVERED = 90  # percent of a folder's lines


def coverage(display):
    """Of the folders that layers.toml calls pure, by their own unit tests."""
    pure = tomllib.loads((ROOT / "tests/layers/layers.toml").read_text())["pure"]["folders"]
    programs = [name for name, files in unit_programs() if str(files[0].parent.relative_to(ROOT / "tests/unit")) in pure]
    build(display, "coverage", *programs)
    forget(BUILD / "coverage")
    for program in programs:
        command(display, f"coverage-{program}", BUILD / "coverage/bin" / program)
    counts, lacking = Counts(), []
    for folder, (run, of) in by_folder(lines_run(BUILD / "coverage", ROOT), ROOT, pure).items():
        covered = 100 * run / of if of else 0
        display.say(f"  {folder}: {covered:.1f} % of {of} lines")
        enough = covered >= LEAST_COVERED
        counts += Counts(passed=1) if enough else Counts(failed=1)
        if not enough:
            lacking.append(f"{folder}: {covered:.1f} % of its lines are run, and {LEAST_COVERED} % should be")
    if lacking:
        raise Failed("\n".join(lacking), counts)
    return counts


def containers(display):
    build(display, "release", "rproxyd", "turnd")
    return pytest(display, "containers", "--timeout=600", "tests/containers", environment={"VESTIBULE_BUILD": str(BUILD / "release")})


def containers_from_source(display):
    """Takes Debian from the machine's mirror, and half an hour."""
    command(display, "containers-from-source", "tests/containers/from_source", limit=2 * LIMIT)
    return Counts(passed=1)


def debug_self_check(display):
    build(display, "dev")
    return self_check(display, "self-check", "dev")


def self_check(display, name, preset):
    return checked(display, name, PYTHON, "deploy/demo", "--programs", BUILD / preset / "bin")


def checked(display, name, *argv):
    return marked(display, name, *argv, "--once", "--address", "127.0.0.1", "--state", LOGS / "quickstart")


def marked(display, name, *argv, **options):
    """What counts by its lines: the quickstart's self-check, the soak."""
    code = command(display, name, *argv, check=False, **options)
    marks = [line[:4] for line in (LOGS / f"{name}.log").read_text().splitlines()]
    counts = Counts(passed=marks.count("  ✓ "), failed=marks.count("  ✗ "))
    if code != 0 or counts.failed:
        raise Failed(tail(LOGS / f"{name}.log"), counts if counts.failed else counts + Counts(failed=1))
    return counts


def fuzz(minutes, display):
    """Each target for its share of the time. What it finds worth keeping goes to build/fuzz/corpus;
    an input that breaks it to build/fuzz/crashes: copy that to tests/fuzz/corpus/NAME with the fix."""
    build(display, "fuzz", "fuzz_targets")
    programs = sorted(p for p in (BUILD / "fuzz").rglob("fuzz_*") if p.is_file() and os.access(p, os.X_OK) and "." not in p.name)
    counts, failures = Counts(), []
    for program in programs:
        name = program.name.removeprefix("fuzz_")
        found, crashes = BUILD / "fuzz/corpus" / name, BUILD / "fuzz/crashes" / name
        for folder in (found, crashes):
            folder.mkdir(parents=True, exist_ok=True)
        words = ROOT / f"tests/fuzz/{name}.dict"
        display.say(f"  {name}")
        try:
            command(display, f"fuzz-{name}", program, f"-max_total_time={max(1, int(60 * minutes / len(programs)))}", "-print_final_stats=1",
                    f"-artifact_prefix={crashes}/", *([f"-dict={words}"] if words.exists() else []),
                    found, ROOT / f"tests/fuzz/corpus/{name}", limit=60 * minutes + 600)
            counts += Counts(passed=1)
        except Failed as failure:
            counts += failure.counts
            failures.append(str(failure))
    if failures:
        raise Failed("\n".join(failures), counts)
    return counts


def FUZZ(minutes):
    return Step("fuzz", f"libFuzzer over every target, {minutes:g} minutes in all", lambda display: fuzz(minutes, display))


STEPS = [
    Step("dependencies", "install what building and testing need", dependencies),
    Step("format", "sources are as clang-format leaves them", formatted),
    Step("scripts", "scripts are free of what shellcheck and pyflakes warn of", scripts),
    Step("layers", "folders include only what they may; this runner, the benchmark and the simulated fleet count right", layers),
    Step("build", "debug build with ASan and UBSan", dev_build),
    Step("unit", "unit tests and simulations", unit),
    Step("corpus", "every kept fuzz input, replayed", corpus),
    Step("integration", "the real programs, spoken to over sockets", integration),
    Step("self-check", "the quickstart's self-check of the debug build", debug_self_check),
    Step("threads", "tests of threads, and the self-check, under ThreadSanitizer", threads),
    Step("tidy", "clang-tidy over the product's sources", tidy),
    Step("quickstart", "release build, both daemons and three nodes: the self-check", quickstart),
    Step("release", "the release build is hardened, and its bill of materials holds", release),
    Step("packages", "Debian packages of the release build, on a Debian with a systemd of its own: installed, upgraded in a call, purged", packages),
    Step("containers", "the images around the release build, and the compose stack, with podman", containers),
    Step("soak", "web, event streams, WebSockets, PIN attacks and TURN at once for two minutes: nothing fails, memory and descriptors are flat", soak),
    Step("memory", "what an allocation and an open stream cost, and the end of all memory, with the release build", memory),
    Step("sandbox", "what daemons give up, and that they reload, reopen, hand over and start successors all the same; the release build", sandbox),
]

# Run when they are asked for by name.
ON_DEMAND = [
    Step("containers-from-source", "the images from an empty Debian 12 on, by deploy/containers/Containerfile", containers_from_source),
    Step("analyzer", "gcc's static analyser over the product's sources", analyzer),
    Step("coverage", f"unit tests run {LEAST_COVERED} % of the lines of each pure folder", coverage),
    Step("reproducible", "two release builds in two folders give the same programs and packages, byte for byte", reproducible),
]
