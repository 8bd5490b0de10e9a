"""deploy/dependencies/install on a machine that has everything: it changes nothing, and asks nobody."""

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
BUILT = Path(os.environ.get("VESTIBULE_DEPENDENCIES", ROOT / "build/dependencies"))
INSTALL = ROOT / "deploy/dependencies/install"


def install(*before, environment=None):
    return subprocess.run([*before, INSTALL, "--tests"], capture_output=True, text=True, env=os.environ | (environment or {}))


@pytest.mark.skipif(os.geteuid() != 0, reason="a network namespace needs root")
def test_a_second_installation_needs_no_network():
    done = install("unshare", "--net")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "installing" not in done.stdout and "fetching" not in done.stdout


def test_a_second_installation_changes_nothing():
    libraries = [BUILT / "boringssl/lib/libssl.a", BUILT / "llhttp/lib/libllhttp.a"]
    before = [library.stat().st_mtime_ns for library in libraries]
    assert install().returncode == 0
    assert [library.stat().st_mtime_ns for library in libraries] == before


def test_an_unknown_option_is_refused():
    done = subprocess.run([INSTALL, "--nonsense"], capture_output=True, text=True)
    assert done.returncode == 2
    assert "Usage" in done.stderr


def test_a_build_without_dependencies_says_what_to_run(tmp_path):
    done = subprocess.run(["cmake", "-S", ROOT, "-B", tmp_path / "build", "-G", "Ninja"], capture_output=True, text=True,
                          env=os.environ | {"VESTIBULE_DEPENDENCIES": str(tmp_path / "none")})
    assert done.returncode != 0
    assert "deploy/dependencies/install" in done.stderr


def test_a_boringssl_of_ones_own_is_taken(tmp_path):
    built = BUILT / "boringssl"
    done = subprocess.run(["cmake", "-S", ROOT, "-B", tmp_path / "build", "-G", "Ninja", f"-DBORINGSSL_ROOT={built}"],
                          capture_output=True, text=True)
    assert f"BoringSSL: {built}, API version" in done.stdout, done.stderr
    done = subprocess.run(["cmake", "-S", ROOT, "-B", tmp_path / "other", "-G", "Ninja", f"-DBORINGSSL_ROOT={tmp_path}"],
                          capture_output=True, text=True)
    assert done.returncode != 0 and f"no libssl.a in {tmp_path}" in " ".join(done.stderr.split())
