"""deploy/setup, from its arguments to the output folder and, with consent, to the machine."""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

from installation import answers_file, applying, checks, daemon_files, in_progress, ports_in_use, read_certificate
from installation.answers_file import NotAnswers
from installation.certificate import self_signed
from installation.compose_files import compose_files
from installation.from_answers import created, site_of
from installation.host_files import host_files, service_files
from installation.output import NotWritten, missing_from, replace
from installation.platform_notes import notes
from installation.questions import Answers, Question, get, prepared
from installation.session import Left, Session

REFUSED = 1
PROGRAM = "vestibule-setup" if Path(sys.argv[0]).name.startswith("vestibule") else "deploy/setup"
ANSWERS, NOTES = "answers.json", "notes.txt"


def main(arguments: list[str], description: str) -> int:
    parser = argparse.ArgumentParser(prog=PROGRAM, description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--answers", type=Path, metavar="FILE", help="ask nothing: these answers, or an appliance's .reverseproxy-config.json")
    parser.add_argument("--output", type=Path, default=Path("vestibule-setup"), metavar="DIR", help="where everything is written (vestibule-setup)")
    parser.add_argument("--apply", action="store_true", help="put what is in the output folder in its place, after showing the difference")
    parser.add_argument("--yes", action="store_true", help="with --apply: don't ask")
    parser.add_argument("--root", type=Path, default=Path("/"), metavar="DIR", help="the machine's root folder (/)")
    options = parser.parse_args(arguments)
    try:
        if options.apply:
            return apply(options)
        answers = answered(options)
        secrets = write(options, answers)
        print(notes(answers, options.output))
        print(f"Written to {options.output}. Nothing on this machine has changed.")
        if options.answers is None and sys.stdin.isatty():
            return apply(options, secrets)
        print(f"To put it in its place: {PROGRAM} --output {options.output} --apply")
        return 0
    except Left:
        print("\nLeft: nothing has been written.")
        return REFUSED
    except (NotAnswers, NotWritten, applying.NotApplied) as problem:
        print(f"{PROGRAM}: {problem}", file=sys.stderr)
        return REFUSED


def answered(options: argparse.Namespace) -> Answers:
    examine = examiner(options.root)
    if options.answers:
        given = answers_file.load(options.answers)
        made = answers_file.complete(given, str(options.answers), examine)
        for key in answers_file.unused(given):
            print(f"Note: {options.answers}: {key}: has no meaning here.")
        return made
    earlier = options.output / ANSWERS
    try:
        found = answers_file.load(earlier) if earlier.exists() else {}
    except NotAnswers as problem:
        raise NotAnswers(f"{problem}; remove {earlier} to begin anew") from None
    if found:
        print(f"Starting from the answers of {earlier}.")
    return Session(input, lambda text: print(text, end="", flush=True), found, examine).run()


def examiner(root: Path) -> Callable[[Question, object, Answers], None]:
    """Raises checks.Wrong for what can't be on that machine."""

    def examine(question: Question, value: object, answers: Answers) -> None:
        if question.key == "certificate":
            examine_certificate(root, str(value), f"{get(answers, 'hostname')}.{get(answers, 'domain')}")

    return examine


def examine_certificate(root: Path, path: str, name: str) -> None:
    """One that is there must be one that the daemons can serve with. Raises checks.Wrong."""
    if not path.startswith("/"):
        raise checks.Wrong(f"{path!r} is not a whole path; expected one such as /etc/vestibule/pexip.pem")
    file = root / path.lstrip("/")
    try:
        if file.exists():
            for remark in read_certificate.read(file, name)[1]:
                print(f"  Note: {remark}", flush=True)
    except (read_certificate.NotACertificate, OSError) as problem:
        raise checks.Wrong(f"{file}: {problem.strerror}" if isinstance(problem, OSError) else str(problem)) from None


def write(options: argparse.Namespace, answers: Answers) -> list[str]:
    """The output folder, whole or not at all. Gives what must not be shown."""
    site = site_of(answers)
    files: dict[str, str] = {}
    if site.web:
        files["etc/vestibule/rproxyd.json"] = as_text(daemon_files.rproxyd(site))
    if site.turn:
        files["etc/vestibule/turnd.json"] = as_text(daemon_files.turnd(site))
    certificate = None
    if pem := created(answers):
        place = options.root / str(pem).lstrip("/")
        certificate = place.read_text() if place.exists() else self_signed(f"{get(answers, 'hostname')}.{get(answers, 'domain')}")
        if not place.exists():
            files[str(pem).lstrip("/")] = certificate
    files |= compose_files(site, certificate)
    if prepared(answers):
        files |= host_files(answers) | service_files([name for name, has in (("rproxyd", site.web), ("turnd", site.turn)) if has], options.root)
    files[ANSWERS] = answers_file.kept(answers)
    files[NOTES] = notes(answers, options.output)
    replace(options.output, files)
    return applying.secrets_of(answers)


def apply(options: argparse.Namespace, secrets: list[str] | None = None) -> int:
    if not (options.output / ANSWERS).exists():
        raise NotWritten(f"{options.output}: has no {ANSWERS}; run {PROGRAM} first, or name its folder with --output")
    try:
        if missing := missing_from(options.output):
            raise NotWritten(f"{options.output}: {', '.join(missing)} is not there any more; run {PROGRAM} again, which starts from {ANSWERS}")
        if restored := in_progress.put_back(options.root):
            print(f"An earlier change was cut off in between. What was there before it has been put back: {', '.join(map(str, restored))}")
    except OSError as error:
        raise NotWritten(f"{error.filename}: {error.strerror}") from None
    if secrets is None:
        secrets = applying.secrets_of(answers_file.load(options.output / ANSWERS))
    changes = applying.changes(options.output, options.root)
    if not changes:
        print("The machine is as the output folder says; there is nothing to change.")
        return 0
    print(applying.shown(changes, secrets))
    if options.root == Path("/"):
        for problem in ports_in_use.in_use(*(written(options.output / "etc/vestibule" / f"{name}.json") for name in ("rproxyd", "turnd"))):
            print(f"Note: {problem}.")
    if not options.yes and not agreed(f"Change these {len(changes)} files? yes or no [no]: "):
        print("Nothing has changed.")
        return 0
    applying.apply(changes, options.root)
    print("Done. What takes effect when:")
    print(applying.what_is_next(changes))
    return 0


def written(file: Path) -> dict | None:
    return json.loads(file.read_text()) if file.exists() else None


def agreed(question: str) -> bool:
    try:
        return input(question).strip().lower() == "yes"
    except EOFError:
        return False


def as_text(configured: dict) -> str:
    return json.dumps(configured, indent=2, ensure_ascii=False) + "\n"
