"""Answers as a file, in the appliance's form: read from it, completed, and written back."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from installation import checks
from installation.questions import FIRST, QUESTIONS, SECOND, Answers, Question, check, get, has_second, has_web, put
from installation.site import TURN_ONLY


# An appliance's answers that count as they are.
UNASKED = ("enablewebloadbalance", "medianodes")


class NotAnswers(Exception):
    """With the file, the key, and what was expected."""


def load(path: Path) -> Answers:
    try:
        found = json.loads(path.read_text())
    except json.JSONDecodeError as error:
        raise NotAnswers(f"{path}:{error.lineno}: {error.msg}") from None
    except OSError as error:
        raise NotAnswers(f"{path}: {error.strerror}") from None
    if not isinstance(found, dict):
        raise NotAnswers(f"{path}: an object was expected")
    return renamed(found)


def renamed(answers: Answers) -> Answers:
    """An appliance calls its interfaces as it likes; here the internal one is nic0, the external one nic1."""
    internal, external = answers.get("internal"), answers.get("external")
    networks = answers.get("networks")
    if isinstance(networks, dict) and internal in networks and FIRST not in networks:
        moved = {FIRST: networks[internal]} | ({SECOND: networks[external]} if external in networks and external != internal else {})
        answers = answers | {"networks": moved, "interfaces": {FIRST: internal} | ({SECOND: external} if SECOND in moved else {})}
    if answers.get("conferencenodes") == [TURN_ONLY]:
        answers.pop("enablewebloadbalance", None)  # which says the same; whoever names nodes later has a proxy
    if isinstance(answers.get("networks"), dict):
        answers.setdefault("dualnic", SECOND in answers["networks"])
    return answers


def as_text(value: Any) -> str:
    """As it would be typed."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        if "via" in value:
            return f"{value['to']} via {value['via']}"
        return f"{value.get('username')} {value.get('password')}" if value.get("enabled", True) else "disable"
    if isinstance(value, list):
        return " ".join(map(as_text, value))
    return "none" if value is None else str(value)


def complete(answers: Answers, source: str, examine: Callable[[Question, Any, Answers], None]) -> Answers:
    """Every question's answer, checked as if it had been typed; what is missing takes its default. Raises NotAnswers, all problems at once."""
    made: Answers = {key: answers[key] for key in UNASKED if key in answers}
    problems = []
    for question in QUESTIONS:
        if not question.asked(made):
            continue
        try:
            value = given(question, answers, made)
            examine(question, value, made)
            put(made, question.key, value)
        except checks.Wrong as problem:
            problems.append(f"{source}: {question.key}: {problem}")
    for node in made.get("medianodes", []):
        if not isinstance(node, str) or not checks.is_address(node):
            problems.append(f"{source}: medianodes: {json.dumps(node)} is not an address")
    if problems:
        raise NotAnswers("\n".join(problems))
    return made


def unused(answers: Answers) -> list[str]:
    """Keys of a file that mean nothing here: an appliance's, or misspelt ones."""
    known = {question.key.partition(".")[0] for question in QUESTIONS} | set(UNASKED) | {"internal", "external"}
    return sorted(key for key, value in answers.items() if key not in known and not (isinstance(value, dict) and not any(value.values())))


def given(question: Question, answers: Answers, made: Answers) -> Any:
    value = get(answers, question.key)
    if question.lines:
        return [check(question, as_text(each), made) for each in value or []]
    text = as_text(value) if value is not None else question.default(made)
    if text is None:
        raise checks.Wrong(f"is missing; expected the answer to \"{question.text}\"")
    found = check(question, text, made)
    if question.key == "turnserver" and isinstance(value, dict) and "sharedsecret" in value:
        found["sharedsecret"] = value["sharedsecret"]
    return found


def kept(answers: Answers) -> str:
    """For the next time, and for whoever reads the appliance's form."""
    both = answers | {"internal": FIRST, "external": SECOND if has_second(answers) else FIRST, "enablewebloadbalance": has_web(answers)}
    return json.dumps(both, indent=2) + "\n"
