"""tests/run itself: it counts what the runners report, and nothing that broke passes for a success."""

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import steps
from counts import Counts, from_junit
from display import Display, progress
from gcc_analyzer import analyze_all
from line_coverage import by_folder, forget, lines_run
from tidy import tidy_all


def junit(tmp_path, text):
    path = tmp_path / "junit.xml"
    path.write_text(text)
    return path


def test_pytest_cases_are_counted(tmp_path):
    path = junit(tmp_path, """<testsuites><testsuite tests="4"><testcase name="a"/><testcase name="b"><failure/></testcase>
        <testcase name="c"><error/></testcase><testcase name="d"><skipped/></testcase></testsuite></testsuites>""")
    assert from_junit(path) == Counts(1, 2, 1)


def test_ctest_cases_are_counted(tmp_path):
    path = junit(tmp_path, """<testsuite tests="3"><testcase name="a" status="run"/><testcase name="b" status="fail"/>
        <testcase name="c" status="notrun"/></testsuite>""")
    assert from_junit(path) == Counts(1, 1, 1)


@pytest.mark.parametrize("text", ["", "<testsuite><testcase name='a'/>"])
def test_a_cut_off_report_is_a_failure(tmp_path, text):
    assert from_junit(junit(tmp_path, text)) == Counts(failed=1)


def test_a_missing_report_is_a_failure(tmp_path):
    assert from_junit(tmp_path / "none.xml") == Counts(failed=1)


def test_failures_have_the_names_by_which_pytest_runs_them(tmp_path):
    path = junit(tmp_path, """<testsuites><testsuite><testcase file="tests/a/test_b.py" classname="tests.a.test_b" name="test_c[d.e - f]"><failure/></testcase>
        <testcase file="tests/a/test_b.py" classname="tests.a.test_b.TestC" name="test_d"><error/></testcase>
        <testcase classname="a" name="ctest's"><failure/></testcase></testsuite></testsuites>""")
    assert from_junit(path).failures == ("tests/a/test_b.py::test_c[d.e - f]", "tests/a/test_b.py::TestC::test_d", "ctest's")


@pytest.fixture
def display(tmp_path, monkeypatch):
    monkeypatch.setattr(steps, "LOGS", tmp_path)
    return Display(io.StringIO())


def test_a_runner_that_dies_after_its_report_is_a_failure(display, tmp_path):
    report = tmp_path / "r.xml"
    with pytest.raises(steps.Failed) as failed:
        steps.counted(display, "dies", report, "sh", "-c", f"echo '<testsuite><testcase/></testsuite>' > {report}; exit 3")
    assert failed.value.counts == Counts(passed=1, failed=1)


def test_a_command_without_end_is_ended_and_failed(display):
    with pytest.raises(steps.Failed, match="no end after 0.2 s"):
        steps.command(display, "hangs", "sleep", "60", limit=0.2)


def test_the_output_of_a_failed_command_is_shown(display):
    with pytest.raises(steps.Failed, match="what went wrong"):
        steps.command(display, "fails", "sh", "-c", "echo what went wrong; exit 1")


@pytest.mark.parametrize("line, percent", [("[ 50/200] Building", 25), (" 3/10 Test  #3: x", 30), ("t.py::x PASSED [ 12%]", 12), ("hello", None)])
def test_progress_is_read_from_the_runners_lines(line, percent):
    assert progress(line) == percent


def run_daemons_tests(display, tmp_path, monkeypatch, text):
    monkeypatch.setattr(steps, "ROOT", tmp_path)
    (tmp_path / "test_it.py").write_text(f"import pathlib\nimport pytest\n\nSEEN = pathlib.Path({str(tmp_path / 'seen')!r})\n{text}")
    return steps.pytest_of_daemons(display, "daemons", "--timeout=60", "test_it.py", environment={})


UNSTEADY = """
class TestOfOne:
    @pytest.mark.parametrize("of", ["a b"])
    def test_unsteady(self, of):
        with SEEN.open("a") as seen:
            seen.write(of)
        assert SEEN.read_text() == "a ba b"
"""


def test_what_passes_when_run_again_is_counted_and_named(display, tmp_path, monkeypatch):
    counts = run_daemons_tests(display, tmp_path, monkeypatch, UNSTEADY + "\n\ndef test_steady():\n    pass\n")
    assert counts == Counts(passed=2)
    assert counts.unsteady == ("test_it.py::TestOfOne::test_unsteady[a b]",) and not counts.failures
    assert "AssertionError" in display.out.getvalue()  # what was seen the first time isn't lost


def test_what_fails_twice_has_failed(display, tmp_path, monkeypatch):
    with pytest.raises(steps.Failed, match="0 == 1") as failed:
        run_daemons_tests(display, tmp_path, monkeypatch, UNSTEADY + "\n\ndef test_wrong():\n    assert 0 == 1\n")
    assert failed.value.counts == Counts(passed=1, failed=1)
    assert failed.value.counts.failures == ("test_it.py::test_wrong",)


def test_many_failures_are_not_tried_again(display, tmp_path, monkeypatch):
    text = "@pytest.mark.parametrize('of', range(4))\ndef test_of(of):\n    with SEEN.open('a') as seen:\n        seen.write('.')\n    assert False\n"
    with pytest.raises(steps.Failed) as failed:
        run_daemons_tests(display, tmp_path, monkeypatch, text)
    assert failed.value.counts == Counts(failed=4) and (tmp_path / "seen").read_text() == "...."


def test_a_run_that_breaks_off_is_not_tried_again(display, tmp_path, monkeypatch):
    with pytest.raises(steps.Failed) as failed:
        run_daemons_tests(display, tmp_path, monkeypatch, "import os\n\n\ndef test_of():\n    os._exit(3)\n")
    assert failed.value.counts == Counts(failed=1)


SOURCES = {
    "good.cc": "namespace { int limit = 3; }\nint good(int of) { return of + limit; }\n",
    "too.cc": "namespace { int limit = 4; }\nint too(int of) { return of + limit; }\n",  # can't stand beside the first
    "bad.cc": "int bad(const int* of) { return of == 0 ? 1 : *of; }\n",
}


def test_tidy_finds_what_is_wrong_in_a_file_among_others(display, tmp_path):
    folder, build = tmp_path / "libcore", tmp_path / "build"
    folder.mkdir()
    build.mkdir()
    (tmp_path / ".clang-tidy").write_text("Checks: '-*,modernize-use-nullptr'\nWarningsAsErrors: '*'\n")
    for name, text in SOURCES.items():
        (folder / name).write_text(text)
    (build / "compile_commands.json").write_text(json.dumps(
        [{"file": str(folder / name), "command": f"c++ -std=c++23 -o x.o -c {folder / name}"} for name in SOURCES]))
    with pytest.raises(steps.Failed, match="bad.cc:1:.*modernize-use-nullptr") as failed:
        tidy_all(display, tmp_path, build, 2, steps.Failed)
    assert failed.value.counts == Counts(passed=2, failed=1)
    (folder / "bad.cc").write_text(SOURCES["bad.cc"].replace("== 0", "== nullptr"))
    assert tidy_all(display, tmp_path, build, 2, steps.Failed) == Counts(passed=3)


def test_what_gcc_finds_is_a_failure(display, tmp_path):
    folder = tmp_path / "libcore"
    folder.mkdir()
    (folder / "good.cc").write_text(SOURCES["good.cc"])
    (folder / "bad.cc").write_text("void bad(int* of) {\n  __builtin_free(of);\n  __builtin_free(of);\n}\n")
    (tmp_path / "compile_commands.json").write_text(json.dumps(
        [{"file": str(folder / name), "command": f"c++ -Werror -o x.o -c {folder / name}"} for name in ("good.cc", "bad.cc")]))
    with pytest.raises(steps.Failed, match="bad.cc:3:.*double-") as failed:
        analyze_all(display, tmp_path, tmp_path, 2, steps.Failed)
    assert failed.value.counts == Counts(passed=1, failed=1)


def test_lines_that_no_test_runs_are_seen(tmp_path):
    folder, build = tmp_path / "libcore/base", tmp_path / "build"
    for each in (folder, build, tmp_path / "tests"):
        each.mkdir(parents=True)
    (folder / "sign.h").write_text("template <typename T>\nint sign(T of) {\n  if (of < 0)\n    return -1;\n  return 1;\n}\n")
    (tmp_path / "tests/main.cc").write_text('#include "libcore/base/sign.h"\nint main() { return sign(1) + sign(2.0) - 2; }\n')
    compiled = ["g++", "--coverage", f"-I{tmp_path}", "-o", "program", tmp_path / "tests/main.cc"]
    subprocess.run(compiled, cwd=build, check=True)
    subprocess.run([build / "program"], check=True)
    lines = lines_run(build, tmp_path)
    assert list(lines) == [folder / "sign.h"]
    assert by_folder(lines, tmp_path, ["libcore/base", "libcore/stun"]) == {"libcore/base": (3, 4), "libcore/stun": (0, 0)}
    forget(build)
    assert not lines_run(build, tmp_path)


def test_the_closing_line(tmp_path):
    done = subprocess.run(["/usr/bin/python3", Path(__file__).parent, "--list"], capture_output=True, text=True)
    assert done.returncode == 0 and "integration" in done.stdout
    assert str(Counts(1, 2, 3)) == "1 passed, 2 failed, 3 skipped"


def test_an_unknown_step_is_refused():
    assert subprocess.run(["/usr/bin/python3", Path(__file__).parent, "nonsense"], capture_output=True).returncode == 2
