"""The release build is hardened, both programs and all that is linked in."""

import json
import re
import shlex
import subprocess
from functools import cache
from pathlib import Path

import pytest

from release import BUILD, DEPENDENCIES, PROGRAMS, ROOT, readelf

X86 = subprocess.run(["dpkg", "--print-architecture"], capture_output=True, text=True, check=True).stdout == "amd64\n"
BRANCHES = "-fcf-protection" if X86 else "-mbranch-protection=standard"
ENDBR64 = b"\xf3\x0f\x1e\xfa"
FLAGS = {"-fstack-protector-strong", "-fstack-clash-protection", "-D_FORTIFY_SOURCE=3", BRANCHES}

each_program = pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.name)


@each_program
def test_it_is_loaded_at_an_address_of_chance(program):
    assert re.search(r"Type:\s+DYN", readelf("-h", program))
    assert re.search(r"\(FLAGS_1\).*\bPIE\b", readelf("-d", program))


@each_program
def test_the_tables_of_its_libraries_are_filled_at_the_start_and_are_read_only_then(program):
    """Full RELRO."""
    assert "GNU_RELRO" in readelf("-l", program)
    assert re.search(r"\(FLAGS_1\).*\bNOW\b", readelf("-d", program))
    assert ".got.plt" not in readelf("-S", program), "one table, which is read-only"


@each_program
def test_nothing_can_be_written_and_run(program):
    flags = re.findall(r"^\s+(\w+)\s+0x\S+ 0x\S+ 0x\S+ 0x\S+ 0x\S+ ([R ][W ][E ]) ", readelf("-l", program), re.MULTILINE)
    assert ("GNU_STACK", "RW ") in flags
    assert [each for each in flags if "W" in each[1] and "E" in each[1]] == []
    assert not re.search("TEXTREL|RPATH|RUNPATH", readelf("-d", program))


@each_program
def test_overruns_are_noticed(program):
    symbols = readelf("--dyn-syms", program)
    assert "__stack_chk_fail" in symbols
    assert len(set(re.findall(r"\b(__\w+_chk)\b", symbols))) >= 3, "calls of the C library that know how much room there is"


@each_program
@pytest.mark.skipif(not X86, reason="CET is of x86")
def test_places_that_may_be_jumped_to_are_marked(program):
    code = re.search(r" \.text\s+PROGBITS\s+\S+ (\S+) (\S+)", readelf("-S", program))
    start, size = (int(each, 16) for each in code.groups())
    functions = program.read_bytes()[start:start + size].count(ENDBR64)
    assert functions > 2000, "one for each function whose address may be taken"


@each_program
def test_it_has_a_number_of_its_content_and_does_not_say_where_it_was_built(program):
    assert re.search("Build ID: [0-9a-f]{40}", readelf("-n", program))
    content = program.read_bytes()
    for folder in (ROOT, DEPENDENCIES, BUILD):
        assert str(folder.resolve()).encode() not in content


def test_every_source_is_compiled_with_all_of_it():
    """What can't be seen in a program: the level of _FORTIFY_SOURCE, and stack clash."""
    commands = json.loads((BUILD / "compile_commands.json").read_text())
    ours = [each for each in commands if Path(each["file"]).is_relative_to(ROOT) and "/tests/" not in each["file"]]
    assert len(ours) > 200
    for each in ours:
        given = shlex.split(each["command"])
        assert FLAGS <= set(given), each["file"]
        assert not {"-fno-stack-protector", "-D_FORTIFY_SOURCE=0"} & set(given)


@cache
def boringssl() -> list[str]:
    listed = (ROOT / "deploy/dependencies/boringssl/CMakeLists.txt").read_text()
    return shlex.split(re.search(r"add_compile_options\((.*?)\n\n", listed, re.DOTALL)[1].replace("${branch_protection}", BRANCHES))


def test_boringssl_is_compiled_with_all_of_it():
    assert FLAGS <= set(boringssl())
    for library in ("libssl.a", "libcrypto.a"):
        symbols = subprocess.run(["nm", "--undefined-only", DEPENDENCIES / "boringssl/lib" / library], capture_output=True, text=True, check=True)
        assert "__stack_chk_fail" in symbols.stdout and "__memcpy_chk" in symbols.stdout, library
