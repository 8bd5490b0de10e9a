"""Completions and manual pages are made of the programs' own commands: what --help says is in both."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "tests/integration/support")]

from daemons import program, run  # noqa: E402


def help_of(name: str, *path: str) -> tuple[list[str], list[str]]:
    """Options and commands that --help of a command names."""
    text = run(name, *path, "--help").stdout
    options = [word for line in re.findall(r"^  (-\S+)", text, re.MULTILINE) for word in line.split(",")]
    commands = re.findall(r"^  (\w\S*)", text.partition("Subcommands:\n")[2], re.MULTILINE)
    return options, commands


def all_commands(name: str, *path: str):
    options, commands = help_of(name, *path)
    yield path, options, commands
    for each in commands:
        yield from all_commands(name, *path, each)


def bash(name: str, *words: str, folder: Path | None = None) -> list[str]:
    """What bash offers for the last of the words. compopt says that it isn't called by readline here."""
    script = f'source <("$1" completion bash); shift; COMP_WORDS=({name} "$@"); COMP_CWORD=$#; _{name}; printf "%s\\n" "${{COMPREPLY[@]}}"'
    done = subprocess.run(["bash", "-c", script, "bash", program(name), *words], capture_output=True, text=True, check=True, cwd=folder)
    return done.stdout.split()


@pytest.mark.parametrize("name", ["rproxyd", "turnd"])
def test_bash_completes_every_command_and_option_that_help_names(name):
    for path, options, commands in all_commands(name):
        offered = bash(name, *path, "")
        assert set(options) | set(commands) <= set(offered), path


@pytest.mark.parametrize("name", ["rproxyd", "turnd"])
def test_the_manual_has_every_command_and_option_that_help_names(name):
    made = run(name, "manual").stdout.replace("\\-", "-")
    sections = re.split(r"^\.S[SH] ", made, flags=re.MULTILINE)
    for path, options, _ in all_commands(name):
        title = f"\\fB{' '.join(path)}\\fR" if path else "OPTIONS"
        section = next((each for each in sections if each.startswith(title)), None)
        assert section, path
        for option in set(options) - ({"-h", "--help"} if path else set()):
            assert f"\\fB{option}\\fR" in section, (path, option)


def test_bash_completes_what_has_been_begun():
    assert bash("rproxyd", "ba") == ["bans"]
    assert bash("rproxyd", "bans", "r") == ["remove"]
    assert bash("rproxyd", "--config", "x", "bans", "add", "--f") == ["--for"]
    assert bash("turnd", "completion", "") == ["bash", "zsh", "-h", "--help"]


def test_bash_completes_files_where_the_program_wants_one_and_nothing_where_it_wants_a_name(tmp_path):
    (tmp_path / "rproxyd.json").touch()
    assert bash("rproxyd", "check", "--config", "rpro", folder=tmp_path) == ["rproxyd.json"]
    assert bash("rproxyd", "bans", "add", "--for", "", folder=tmp_path) == []


def test_another_shell_is_refused_with_those_there_are():
    done = run("turnd", "completion", "fish")
    assert done.returncode == 2 and "expected bash or zsh" in done.stderr
