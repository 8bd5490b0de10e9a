import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/integration/support"), str(ROOT / "tests/support")]

from debian_machine import Machine, base  # noqa: E402
from namespaces import Network  # noqa: E402

ADDRESS = "10.99.0.1"


@pytest.fixture(scope="session")
def packages() -> list[Path]:
    """As deploy/packages/build made them."""
    found = sorted(Path(os.environ.get("VESTIBULE_PACKAGES", ROOT / "build/packages")).glob("vestibule-*.deb"))
    assert [each.name.partition("_")[0] for each in found] == ["vestibule-rproxyd", "vestibule-setup", "vestibule-turnd"], found
    return found


@pytest.fixture(scope="session")
def next_version(packages, tmp_path_factory):
    """The same programs in packages of a version that is so many steps higher."""
    def made(steps: int) -> list[Path]:
        folder = tmp_path_factory.mktemp(f"version-{steps}")
        for each in packages:
            tree = folder / each.stem
            subprocess.run(["dpkg-deb", "--raw-extract", each, tree], check=True)
            control = (tree / "DEBIAN/control").read_text().splitlines()
            lines = [f"{line}+{steps}" if line.startswith("Version:") else line for line in control]
            (tree / "DEBIAN/control").write_text("\n".join(lines) + "\n")
            subprocess.run(["dpkg-deb", "-Zgzip", "-z1", "--root-owner-group", "--build", tree, folder / each.name], check=True, capture_output=True)
        return sorted(folder.glob("*.deb"))

    return made


@pytest.fixture(scope="session")
def host():
    """The network of the machine: loopback, with one more address."""
    with Network() as network:
        made = network.host("machine")
        made.ip(f"addr add {ADDRESS}/32 dev lo")
        yield made


@pytest.fixture(scope="session")
def machine(host, tmp_path_factory):
    base()  # its packages come from a mirror, which the machine's own network does not reach
    with host:
        made = Machine(tmp_path_factory.mktemp("machine"))
    yield made
    made.close()
