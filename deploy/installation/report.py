"""What became of each thing that was read: nothing is dropped in silence."""

from dataclasses import dataclass, field


def in_reading_order(entry: tuple[str, str]) -> tuple[str, int]:
    file, _, line = entry[0].rpartition(":")
    return (file, int(line)) if line.isdigit() else (entry[0], 0)


@dataclass
class Report:
    """Lines for a person. `where` is FILE:LINE, or FILE: KEY."""
    carried: list[tuple[str, str]] = field(default_factory=list)
    changed: list[tuple[str, str]] = field(default_factory=list)
    no_counterpart: list[tuple[str, str]] = field(default_factory=list)
    to_do: list[str] = field(default_factory=list)

    def carry(self, where: str, what: str) -> None:
        self.carried.append((where, what))

    def otherwise_carry(self, where: str, what: str) -> None:
        """Unless something has been said of that place."""
        if not any(place == where for place, _ in [*self.carried, *self.changed, *self.no_counterpart]) and not any(f"{where}:" in each for each in self.to_do):
            self.carry(where, what)

    def change(self, where: str, what: str) -> None:
        self.changed.append((where, what))

    def leave(self, where: str, what: str) -> None:
        self.no_counterpart.append((where, what))

    def ask(self, what: str) -> None:
        """Something that a person has to look at before the new system serves."""
        self.to_do.append(what)

    def text(self) -> str:
        parts = []
        for title, entries in (("Carried over", self.carried), ("Changed in its meaning", self.changed),
                               ("Without a counterpart", self.no_counterpart)):
            if entries:
                parts.append(f"{title} ({len(entries)})\n" + "".join(f"  {where}: {what}\n" for where, what in sorted(entries, key=in_reading_order)))
        if self.to_do:
            parts.append(f"Before it serves ({len(self.to_do)})\n" + "".join(f"  - {what}\n" for what in self.to_do))
        return "\n".join(parts)
