"""The JSON Schema of each configuration file, as `schema` prints it and docs/schema keeps it."""

import copy
import json
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import jsonschema
import pytest

import jsonc
from daemons import BUILD, ROOT, run, write_private

PROGRAMS = ["rproxyd", "turnd"]
SAMPLE = re.compile(r'R"\((// \w+\.json\n.*?)\)"', re.DOTALL)
OTHERS = [None, True, -1, "x", "5m", [], {}]  # what may be wrong, of every kind


@pytest.fixture(params=PROGRAMS)
def program(request) -> str:
    return request.param


@pytest.fixture
def validator(program, schemas):
    return jsonschema.Draft202012Validator(schemas[program])


@pytest.fixture
def sample(program, certificate, tmp_path) -> dict:
    """The file that the unit tests hold the readers to, with files that are there."""
    source = ROOT / f"tests/unit/{program}/settings/sample_test.cc"
    found = jsonc.loads(SAMPLE.search(source.read_text())[1])
    users = write_private(tmp_path / "users", '{ "realm": "example.com", "users": {} }')
    text = json.dumps(found).replace("/etc/vestibule/pexip.pem", str(certificate.file()))
    return json.loads(text.replace("/etc/vestibule/turnusers.json", str(users)).replace("/srv/branding", str(tmp_path)))


@pytest.fixture
def takes(program, tmp_path):
    """Whether `check` takes a configuration."""

    def check(number: int, configured: dict) -> bool:
        file = tmp_path / f"{number}.json"
        write_private(file, json.dumps(configured))
        done = run(program, "check", "--config", file)
        assert done.returncode in (0, 1), done.stderr
        return done.returncode == 0

    return check


def test_what_is_committed_is_what_the_programs_say():
    done = subprocess.run([sys.executable, ROOT / "docs/schema/update", "--check", BUILD / "bin"], capture_output=True, text=True)
    assert done.returncode == 0, f"{done.stdout}{done.stderr}\nbuild, then run docs/schema/update build/dev/bin"


def test_it_is_a_schema_in_which_every_key_says_what_it_is_for(program, schemas):
    jsonschema.Draft202012Validator.check_schema(schemas[program])
    untold = [key for key, meaning in keys(schemas[program]) if not meaning]
    assert sum(1 for _ in keys(schemas[program])) > 60
    # Their names and types say it all, or the object's own row does.
    assert [key for key in untold if key.rsplit(".")[-1] not in SAYS_ITSELF] == []


SAYS_ITSELF = {"enabled", "ban_time", "status", "format", "audit_format", "algorithm", "500", "503", "504", "relay", "clients", "limits", "log", "admin",
               "reload"}


def keys(schema: dict, name: str = ""):
    for each in schema.get("anyOf", [schema]):
        for key, value in each.get("properties", {}).items():
            yield f"{name}{key}", value.get("description")
            yield from keys(value, f"{name}{key}.")
        for inner in ("items", "additionalProperties"):
            if isinstance(each.get(inner), dict):
                yield from keys(each[inner], name)


def objects(schema):
    """The schema and all within it."""
    if isinstance(schema, dict):
        yield schema
        for each in schema.values():
            yield from objects(each)
    elif isinstance(schema, list):
        for each in schema:
            yield from objects(each)


def test_each_default_is_what_its_key_takes(program, schemas):
    defaults = [each for each in objects(schemas[program]["properties"]) if "default" in each and "x-type" in each]
    assert len(defaults) > 25
    wrong = [each for each in defaults if not jsonschema.Draft202012Validator(each).is_valid(each["default"])]
    assert wrong == []


def test_it_takes_what_is_right(validator, sample, takes):
    validator.validate(sample)
    assert takes(0, sample)
    named = sample | {"$schema": "rproxyd.schema.json"}
    validator.validate(named)
    assert takes(1, named)


def test_it_refuses_what_is_wrong(program, validator, sample):
    wrong = {
        "an unknown key": {"lisseners": []}, "a number for a list": {"listeners": 443}, "a word that isn't one": {"log": {"level": "loud"}},
        "too many workers": {"workers": 257}, "no unit": {"drain_timeout": "thirty"}, "an address without a port": {"admin": {"address": "127.0.0.1"}},
        "null where there is no none": {"workers": None}, "no listener": {"listeners": []}}
    for what, change in wrong.items():
        assert not validator.is_valid(sample | change), what
    del sample["listeners"]
    assert not validator.is_valid(sample)


def places(value, path=()):
    """Paths of all values of the configuration but its root."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inner:
        yield (*path, key)
        yield from places(each, (*path, key))


def changed(configured: dict, path: tuple, value) -> dict:
    copied = copy.deepcopy(configured)
    owner = copied
    for key in path[:-1]:
        owner = owner[key]
    owner[path[-1]] = value
    return copied


def with_defaults(schema: dict, configured: dict) -> dict:
    """With every default written out in the objects that are there."""
    found = dict(configured)
    for key, each in schema.get("properties", {}).items():
        strict = next((one for one in each.get("anyOf", [each]) if "properties" in one), None)
        if "default" in each:
            found.setdefault(key, each["default"])
        elif strict and "required" not in strict and {"type": "null"} not in each["anyOf"]:
            found.setdefault(key, {})
        if strict and isinstance(found.get(key), dict):
            found[key] = with_defaults(strict, found[key])
    return found


def test_every_default_may_be_written_out(program, schemas, validator, sample, takes):
    whole = with_defaults(schemas[program], sample)
    assert len(list(places(whole))) > len(list(places(sample))) + 10
    validator.validate(whole)
    assert takes(0, whole)


def test_whatever_it_refuses_is_refused(program, schemas, validator, sample, takes):
    """Each value in turn replaced by others, right and wrong. What the schema can't see, check may refuse alone."""
    whole = with_defaults(schemas[program], sample)
    tried = [changed(whole, path, other) for path in places(whole) for other in OTHERS]
    refused = [configured for configured in tried if not validator.is_valid(configured)]
    assert len(refused) > 200 and len(tried) - len(refused) > 20
    with ThreadPoolExecutor() as several:
        answers = list(several.map(takes, range(len(refused)), refused))
    assert [json.dumps(configured) for configured, taken in zip(refused, answers) if taken] == []
