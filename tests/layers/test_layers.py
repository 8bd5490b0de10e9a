"""The layer check itself: a violation of each kind is refused at its place, and a clean tree passes."""

import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.fixture
def tree(tmp_path):
    (tmp_path / "tests/layers").mkdir(parents=True)
    shutil.copy(HERE / "layers.toml", tmp_path / "tests/layers")
    write(tmp_path, "libcore/base/bytes.h", "#pragma once\n#include <cstdint>\n")
    return tmp_path


def write(tree, name, text):
    path = tree / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def check(tree):
    done = subprocess.run(["/usr/bin/python3", HERE / "check.py", tree], capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def test_a_clean_tree_passes(tree):
    write(tree, "turnd/relay/server.cc", '#include "libcore/stun/message.h"\n#include <netinet/in.h>\n')
    code, output = check(tree)
    assert code == 0, output


def test_this_repository_passes():
    code, output = check(HERE.parents[1])
    assert code == 0, output


def test_a_tree_without_sources_is_refused(tmp_path):
    (tmp_path / "tests/layers").mkdir(parents=True)
    shutil.copy(HERE / "layers.toml", tmp_path / "tests/layers")
    assert check(tmp_path)[0] == 1


@pytest.mark.parametrize(
    "name, text, complaint",
    [
        ("libcore/stun/a.cc", '\n#include "turnd/relay/server.h"\n', "libcore/stun/a.cc:2: libcore/stun must not include turnd/relay"),
        ("libcore/base/a.cc", '#include "libcore/stun/message.h"\n', "libcore/base/a.cc:1: libcore/base must not include libcore/stun"),
        ("turnd/shell/a.cc", '#include "rproxyd/http/fields.h"\n', "turnd/shell/a.cc:1: turnd/shell must not include rproxyd/http"),
        ("rproxyd/main.cc", '#include "turnd/relay/server.h"\n', "rproxyd/main.cc:1: rproxyd must not include turnd/relay"),
        ("rproxyd/shell/a.cc", "\n\n#include <uv.h>\n", "rproxyd/shell/a.cc:3: <uv.h> is for libcore/event only"),
        ("rproxyd/proxy/a.cc", "#include <nghttp2/nghttp2.h>\n", "rproxyd/proxy/a.cc:1: <nghttp2/nghttp2.h> is for rproxyd/http only"),
        ("turnd/relay/a.cc", "#include <unistd.h>\n", "turnd/relay/a.cc:1: turnd/relay is pure: no <unistd.h>"),
        ("turnd/relay/a.cc", "\nauto t = std::chrono::steady_clock::now();\n", "turnd/relay/a.cc:2: turnd/relay is pure: no ::now("),
        ("rproxyd/http/a.cc", "long t = time(nullptr);\n", "rproxyd/http/a.cc:1: rproxyd/http is pure: no time(nullptr"),
        ("rproxyd/http/a.cc", "int n = ::recv(fd, p, 1, 0);\n", "rproxyd/http/a.cc:1: rproxyd/http is pure: no ::recv("),
        ("turnd/relay/a.cc", '#include "server.h"\n', 'turnd/relay/a.cc:1: "server.h": our own headers are named from the root'),
        ("turnd/extras/a.cc", "\n", "turnd/extras/a.cc:1: the folder turnd/extras is not in"),
        ("libcore/base/string_util.h", "\n", "libcore/base/string_util.h:1: 'util' does not say"),
        ("tests/unit/turnd/relay/a_test.cc", '#include "turnd/shell/worker.h"\n', "tests/unit/turnd/relay must not include turnd/shell"),
        ("libcore/stun/CMakeLists.txt", "vestibule_library(core_stun\n  SOURCES a.cc\n  LINKS\n    core_base\n    core_tls)\n", "core_stun must not link core_tls"),
    ],
)
def test_a_violation_is_refused_at_its_place(tree, name, text, complaint):
    write(tree, name, text)
    code, output = check(tree)
    assert code == 1
    assert complaint in output


def test_a_unit_test_may_use_what_supports_tests(tree):
    write(tree, "tests/unit/turnd/relay/a_test.cc", '#include "tests/support/turn/scene.h"\n#include "libcore/stun/message.h"\n')
    code, output = check(tree)
    assert code == 0, output


def test_comments_and_strings_are_no_code(tree):
    write(tree, "turnd/relay/a.cc", '// never steady_clock::now() here\n/* #include <unistd.h> */\nauto s = "::now()";\n')
    code, output = check(tree)
    assert code == 0, output
