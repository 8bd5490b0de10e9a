"""nginx's configuration as a tree of directives, each with its place. Files that it includes are not read."""

import re
from dataclasses import dataclass, field
from pathlib import Path

WORD = re.compile(r"""\s+|\#[^\n]*|(?P<mark>[{};])|"(?P<double>(?:\\.|[^"\\])*)"|'(?P<single>(?:\\.|[^'\\])*)'|(?P<bare>[^\s{};"'#][^\s{};]*)""")


class NotNginx(Exception):
    """With FILE:LINE and what is wrong there."""


@dataclass
class Directive:
    name: str
    values: list[str]
    where: str
    block: list["Directive"] | None = None
    used: bool = False

    def all(self, name: str) -> list["Directive"]:
        """Of its block; each is noted as used."""
        found = [each for each in self.block or [] if each.name == name]
        for each in found:
            each.used = True
        return found

    def first(self, name: str) -> "Directive | None":
        found = self.all(name)
        return found[0] if found else None

    def __str__(self) -> str:
        return " ".join([self.name, *self.values])


@dataclass
class Parser:
    text: str
    file: str
    at: int = 0
    stack: list[list[Directive]] = field(default_factory=lambda: [[]])

    def parse(self) -> list[Directive]:
        words: list[str] = []
        begun = 0
        while self.at < len(self.text):
            found = WORD.match(self.text, self.at)
            if not found:
                raise NotNginx(f"{self.where(self.at)}: a quoted text does not end")
            mark, word = found["mark"], next((found[kind] for kind in ("double", "single", "bare") if found[kind] is not None), None)
            if word is not None:
                begun = begun if words else self.at
                words.append(re.sub(r"\\(.)", r"\1", word) if found["bare"] is None else word)
            elif mark == "}":
                if words or len(self.stack) == 1:
                    raise NotNginx(f"{self.where(self.at)}: '}}' was not expected here")
                self.stack.pop()
            elif mark:
                if not words:
                    raise NotNginx(f"{self.where(self.at)}: '{mark}' without a directive before it")
                made = Directive(words[0], words[1:], self.where(begun), [] if mark == "{" else None)
                self.stack[-1].append(made)
                if made.block is not None:
                    self.stack.append(made.block)
                words = []
            self.at = found.end()
        if words or len(self.stack) > 1:
            raise NotNginx(f"{self.where(len(self.text))}: the file ends in the midst of a {'directive' if words else 'block'}")
        return self.stack[0]

    def where(self, at: int) -> str:
        return f"{self.file}:{self.text.count(chr(10), 0, at) + 1}"


def read(path: Path) -> Directive:
    """The file as a directive without a name, whose block is what stands in it. Raises NotNginx, OSError."""
    try:
        text = path.read_text()
    except UnicodeDecodeError:
        raise NotNginx(f"{path}:1: is not text in UTF-8") from None
    return Directive("", [], str(path), Parser(text, str(path)).parse())
