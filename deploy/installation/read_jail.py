"""fail2ban's jail of the appliance, pexiprp in jail.local, as the PIN guard."""

import configparser
import re
from pathlib import Path

from installation.report import Report
from installation.site import Guard

JAIL = "pexiprp"
LINES_PER_WRONG_PIN = 2  # the challenge and the wrong PIN: the guide's arithmetic
UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def read(path: Path, report: Report) -> Guard:
    """Raises configparser.Error."""
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    parser.read_string(path.read_text(errors="replace"), source=str(path))
    if not parser.has_section(JAIL):
        report.leave(str(path), f"has no jail {JAIL}: the PIN guard is off")
        return Guard()
    jail = parser[JAIL]
    guard = Guard(enabled=jail.get("enabled", "false").lower() in ("true", "1", "yes", "on"))
    report.carry(f"{path}: {JAIL}/enabled", f"the PIN guard is {'on' if guard.enabled else 'off'}")
    if not (written := jail.get("maxretry", "10")).isdigit():
        raise ValueError(f"{path}: {JAIL}/maxretry: {written!r} is not a number of failures")
    lines = int(written)
    guard.max_failures = max(1, lines // LINES_PER_WRONG_PIN)
    report.change(f"{path}: {JAIL}/maxretry", f"{lines} lines in a log meant {guard.max_failures} wrong PINs; wrong PINs are what is counted, "
                                              "and right ones no longer bring anybody nearer to a ban")
    guard.find_seconds = seconds(jail.get("findtime", "300"))
    guard.ban_seconds = seconds(jail.get("bantime", "300"))
    report.carry(f"{path}: findtime, bantime", f"{guard.find_seconds} s, {guard.ban_seconds} s")
    guard.ignore = [each for each in jail.get("ignoreip", "").replace(",", " ").split() if re.match(r"[0-9a-fA-F:.]+(/\d+)?$", each)]
    if guard.ignore:
        report.carry(f"{path}: ignoreip", ", ".join(guard.ignore))
    for other in parser.sections():
        if other != JAIL and parser[other].get("enabled", "false").lower() in ("true", "1", "yes", "on"):
            report.leave(f"{path}: {other}", "a jail of another service: fail2ban may go on with it")
    return guard


def seconds(text: str) -> int:
    found = re.fullmatch(r"(-?\d+)\s*([smhdw]?)", text.strip())
    return int(found[1]) * UNITS[found[2]] if found and int(found[1]) > 0 else 300
