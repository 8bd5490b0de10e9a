"""The configuration examples of the pages: whole files pass check and the schema, parts of files pass the schema."""

import json
import re

import jsonschema
import pytest

import jsonc
from daemons import ROOT, run, write_private

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
BLOCK = re.compile(r"^```jsonc\n(.*?)^```", re.DOTALL | re.MULTILINE)
WHOLE = re.compile(r"// (rproxyd|turnd)\.json\n")

EXAMPLES = [pytest.param(text, id=f"{page.relative_to(ROOT)}-{number}") for page in PAGES for number, text in enumerate(BLOCK.findall(page.read_text()))]
FILES = [example for example in EXAMPLES if WHOLE.match(example.values[0])]
PARTS = [example for example in EXAMPLES if example not in FILES]


@pytest.fixture
def placed(certificate, tmp_path):
    """The example with its files in a folder of the test's, and there."""

    def place(text: str) -> dict:
        contents = {"pexip.pem": certificate.file().read_text(), "turnusers.json": '{ "realm": "example.com", "users": {} }', "turn-secret": "a secret\n"}
        for name, content in contents.items():
            write_private(tmp_path / name, content)
        return json.loads(re.sub(r'"/(etc|var/lib|var/log)/vestibule/', f'"{tmp_path}/', json.dumps(jsonc.loads(text))))

    return place


def test_there_are_examples():
    assert len(FILES) >= 6 and len(PARTS) >= 8


@pytest.mark.parametrize("text", FILES)
def test_a_whole_file_is_in_order(text, placed, schemas, tmp_path):
    program = WHOLE.match(text)[1]
    configured = placed(text)
    jsonschema.Draft202012Validator(schemas[program]).validate(configured)
    file = write_private(tmp_path / f"{program}.json", json.dumps(configured))
    done = run(program, "check", "--config", file)
    assert done.returncode == 0, done.stdout
    assert "warning" not in done.stdout, done.stdout


@pytest.mark.parametrize("text", PARTS)
def test_a_part_of_a_file_is_what_the_schema_takes(text, schemas):
    part = jsonc.loads(text if text.lstrip().startswith("{") else "{" + text.rstrip().rstrip(",") + "}")
    fitting = [schema for schema in schemas.values() if part.keys() <= schema["properties"].keys()]
    assert fitting, f"neither program has all of {sorted(part)}"
    problems = [[error.message for error in jsonschema.Draft202012Validator(schema | {"required": []}).iter_errors(part)] for schema in fitting]
    assert [] in problems, problems


@pytest.mark.parametrize("file", sorted([*(ROOT / "deploy").rglob("rproxyd.json"), *(ROOT / "deploy").rglob("turnd.json")]),
                         ids=lambda file: str(file.relative_to(ROOT)))
def test_what_is_deployed_is_what_the_schema_takes(file, schemas):
    """Variables that stand for numbers, lists and objects included, and what is left out on conditions."""
    jsonschema.Draft202012Validator(schemas[file.stem]).validate(jsonc.loads(file.read_text()))
