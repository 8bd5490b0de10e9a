"""deploy/dependencies/sbom: a valid CycloneDX bill of everything that the linker was given and of everything that is loaded."""

import json
import os
import re
import subprocess
from pathlib import Path

import jsonschema
import pytest

from release import BUILD, DEPENDENCIES, PROGRAMS, ROOT, needed

EPOCH = "1795348800"
SBOM = ROOT / "deploy/dependencies/sbom"
SCHEMAS = DEPENDENCIES / "npm/node_modules/@cyclonedx/cyclonedx-library/res/schema"


def sbom(*programs: Path, check: bool = True, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run([SBOM, *programs], capture_output=True, text=True, check=check, env=os.environ | environment)


@pytest.fixture(scope="module")
def bill() -> dict:
    return json.loads(sbom(*PROGRAMS, SOURCE_DATE_EPOCH=EPOCH).stdout)


@pytest.mark.skipif(not SCHEMAS.exists(), reason="the schemas are not there: deploy/dependencies/install --tests fetches them")
def test_it_is_as_the_schema_of_cyclonedx_says(bill):
    def schema(name: str) -> dict:
        return json.loads((SCHEMAS / f"{name}.SNAPSHOT.schema.json").read_text())

    main = schema("bom-1.6")
    others = {f"http://cyclonedx.org/schema/{name}.SNAPSHOT.schema.json": schema(name) for name in ("spdx", "jsf-0.82", "cryptography-defs")}
    validator = jsonschema.Draft7Validator(main, resolver=jsonschema.RefResolver.from_schema(main, store=others))
    assert list(validator.iter_errors(bill)) == []
    spoilt = bill | {"components": [{"type": "library"}]}
    assert list(validator.iter_errors(spoilt)), "a component without a name is not valid"


def test_references_are_unique_and_lead_somewhere(bill):
    there = [bill["metadata"]["component"]["bom-ref"], *(each["bom-ref"] for each in bill["components"])]
    assert len(set(there)) == len(there)
    assert sorted(each["ref"] for each in bill["dependencies"]) == sorted(there)
    assert all(set(each["dependsOn"]) <= set(there) for each in bill["dependencies"])


def test_every_library_has_a_version_a_package_url_and_a_licence(bill):
    libraries = [each for each in bill["components"] if each["type"] == "library"]
    assert len(libraries) > 10
    for each in libraries:
        assert each["version"] and each["purl"].startswith("pkg:deb/debian/") and each["licenses"], each["name"]


def test_pinned_archives_are_named_with_their_sums(bill):
    sums = (ROOT / "deploy/dependencies/archives.txt").read_text()
    by_name = {each["name"]: each for each in bill["components"]}
    for name in ("boringssl", "llhttp"):
        assert f" {by_name[name]['hashes'][0]['content']}\n" in sums
    assert "catch2" not in str(bill).lower(), "which is no part of the programs"


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.name)
def test_what_a_program_loads_is_in_it(bill, program):
    packages = {each["name"] for each in bill["components"]}
    depends = next(each["dependsOn"] for each in bill["dependencies"] if each["ref"] == program.name)
    paths = dict(re.findall(r"^\s*(\S+) => (\S+)", subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout, re.MULTILINE))
    for library in needed(program):
        if library.startswith("ld-linux"):  # which loads the others, and is the C library's
            continue
        file = os.path.realpath(paths[library])
        owner = next(found for found in map(owner_of, (file, file.removeprefix("/usr"))) if found)
        assert owner in packages and any(f"/{owner.replace('+', '%2B')}@" in each for each in depends), library


def owner_of(file: str) -> str | None:
    found = subprocess.run(["dpkg", "-S", file], capture_output=True, text=True)
    return found.stdout.partition(":")[0] if found.returncode == 0 else None


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.name)
def test_what_the_linker_was_given_is_in_it(bill, program):
    """Whoever links another library in has to say what it is."""
    rules = (BUILD / "build.ninja").read_text()
    link = re.search(rf"^build bin/{program.name}: .*?^  LINK_LIBRARIES = ([^\n]+)", rules, re.MULTILINE | re.DOTALL)[1]
    outside = {Path(each).name for each in link.split() if each.startswith("/")}
    static = {name for name in outside if name.endswith(".a")}
    empty = {"libdl.a", "libpthread.a", "librt.a"}  # of the C library, which has had all that for years
    own = {"turnd": {"libbpf.a", "libelf.a"}}.get(program.name, set())
    assert static - empty == {"libssl.a", "libcrypto.a", "libllhttp.a", "libseccomp.a"} | own
    shared = {re.sub(r"\.so.*", "", name) for name in outside - static}
    assert shared <= {name.partition(".so")[0] for name in needed(program)} | {"libunistring"}


def test_the_same_programs_give_the_same_bill(bill):
    assert json.loads(sbom(*PROGRAMS, SOURCE_DATE_EPOCH=EPOCH).stdout) == bill


def test_a_program_that_was_built_with_another_boringssl_needs_its_version(tmp_path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "CMakeCache.txt").write_text("BORINGSSL_ROOT:PATH=/opt/boringssl\n")
    program = tmp_path / "bin" / "turnd"
    program.write_bytes(PROGRAMS[0].read_bytes())
    program.chmod(0o755)
    refused = sbom(program, check=False)
    assert refused.returncode == 1 and "--boringssl" in refused.stderr
    named = json.loads(subprocess.run([SBOM, "--boringssl", "0.20260101", program], capture_output=True, text=True, check=True).stdout)
    assert "pkg:generic/boringssl@0.20260101" in {each.get("purl") for each in named["components"]}


def test_a_program_that_is_not_there_is_said():
    refused = sbom(Path("/no/such/program"), check=False)
    assert refused.returncode == 1 and "build it first" in refused.stderr
