"""JSON with comments, as the daemons' configuration files are."""

import json
import re

TOKEN = re.compile(r'"(?:\\.|[^"\\])*"|//[^\n]*|/\*.*?\*/', re.DOTALL)


def plain(text: str) -> str:
    return TOKEN.sub(lambda token: token[0] if token[0].startswith('"') else " ", text)


def loads(text: str) -> dict:
    return json.loads(plain(text))
