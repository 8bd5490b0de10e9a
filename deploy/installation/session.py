"""The wizard's talk with a person: one question after the other, back, and a review before anything is written."""

from collections.abc import Callable
from typing import Any

from installation import checks
from installation.answers_file import as_text
from installation.questions import QUESTIONS, Answers, Question, check, get, put

BACK, HELP = ("<", "back"), "?"
HIDDEN = "********"


class Left(Exception):
    """The person went away; nothing has been written."""


class Session:
    """`read(prompt)` gives a line and raises EOFError at the end; `say` takes text; `examine` raises checks.Wrong for a value that the
    machine knows better about."""

    def __init__(self, read: Callable[[str], str], say: Callable[[str], None], answers: Answers, examine: Callable[[Question, Any, Answers], None]):
        self._read, self._say, self.answers, self._examine = read, say, answers, examine

    def run(self) -> Answers:
        """Raises Left."""
        self._say(f"Each answer is checked. [In brackets] is what an empty line means; {BACK[0]} goes back, {HELP} explains.\nNothing is written before you have seen all of it.\n")
        try:
            self._ask_all(0)
            while (chosen := self._review()) is not None:
                self._ask_from(chosen)
        except (EOFError, KeyboardInterrupt):
            raise Left from None
        return self.answers

    def _asked(self) -> list[Question]:
        return [each for each in QUESTIONS if each.asked(self.answers)]

    def _ask_all(self, at: int) -> None:
        while at < len(self._asked()):
            at = max(0, at + (1 if self._ask(self._asked()[at]) else -1))

    def _ask_from(self, chosen: Question) -> None:
        """That one, and those that its answer brings along."""
        before = self._asked()
        self._ask(chosen)
        for question in self._asked():
            if question not in before:
                self._ask(question)

    def _ask(self, question: Question) -> bool:
        """False: back."""
        self._say(f"\n{f'Step {question.number}: ' if question.number else ''}{question.text}" + (f"\n  {question.help}" if question.help else "") + "\n")
        return self._ask_lines(question) if question.lines else self._ask_one(question)

    def _ask_one(self, question: Question) -> bool:
        earlier = get(self.answers, question.key)
        default = as_text(earlier) if earlier is not None and (not question.secret or earlier.get("username") or not earlier.get("enabled", True)) else question.default(self.answers)
        shown = HIDDEN if question.secret and default and default != "disable" else default
        while True:
            line = self._read(f"{question.text}{f' [{shown}]' if shown else ''}: ").strip()
            if line in BACK:
                return False
            if line == HELP:
                self._say(f"  {question.help or 'There is no more to say about this one.'}\n")
                continue
            try:
                put(self.answers, question.key, self._checked(question, line or default))
                return True
            except checks.Wrong as problem:
                self._say(f"  {problem}\n")

    def _checked(self, question: Question, text: str | None):
        if text is None:
            raise checks.Wrong("an answer was expected: there is no default for this one")
        value = check(question, text, self.answers)
        self._examine(question, value, self.answers)
        return value

    def _ask_lines(self, question: Question) -> bool:
        found: list = []
        earlier = get(self.answers, question.key, [])
        if earlier:
            self._say(f"  so far: {', '.join(map(as_text, earlier))}; an empty first line keeps them, 'none' forgets them\n")
        while True:
            line = self._read(f"{question.text}: ").strip()
            if line in BACK:
                return False
            if line == HELP:
                self._say(f"  {question.help}\n")
                continue
            if not line or line == "none":
                values = earlier if not found and not line else found
                if question.key == "conferencenodes" and values is not earlier:
                    self.answers.pop("enablewebloadbalance", None)  # that was said of the earlier ones
                if question.key == "conferencenodes" and not values:
                    self._say("  at least one was expected\n")
                    continue
                put(self.answers, question.key, values)
                return True
            try:
                value = check(question, line, self.answers)
                if value in found:
                    raise checks.Wrong(f"{as_text(value)} is there already")
                found.append(value)
            except checks.Wrong as problem:
                self._say(f"  {problem}\n")

    def _review(self) -> Question | None:
        """The one to change; None: all is well."""
        asked = self._asked()
        self._say("\nWhat you have answered:\n")
        for number, question in enumerate(asked, 1):
            value = get(self.answers, question.key)
            text = HIDDEN if question.secret and value.get("enabled") else as_text(value)
            if question.secret and value.get("enabled"):
                text = f"{value['username']} {HIDDEN}"
            self._say(f"  {number:2}  {question.text}: {text or 'none'}\n")
        while True:
            line = self._read("The number of one to change, or 'write': ").strip().lower()
            if line == "write":
                return None
            if line.isdigit() and 1 <= int(line) <= len(asked):
                return asked[int(line) - 1]
            self._say(f"  expected a number from 1 to {len(asked)}, or 'write'\n")


