"""What every report has: where and when it was measured, tables, and its place in docs/benchmarks.md.

``python -m benchmarks.report PART [ARGUMENT...]`` runs a part and puts what it prints between
``<!-- bench-PART -->`` and ``<!-- /bench-PART -->``; what is written around the markers stays as it is.
"""

from __future__ import annotations

import platform
import re
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

ROOT = Path(__file__).parents[1]
DOCUMENT = ROOT / "docs" / "benchmarks.md"
PICTURES = ("--plots", "docs/benchmarks")

PARTS = {
    "core": (),
    "stream": PICTURES,
    "peers": PICTURES,
    "shapes": PICTURES,
    "latency": PICTURES,
    "attacks": (),
    "quality": ("--markdown", "--plot", "docs/quality.png"),
}
"""The parts of the document, and with what each is run for it."""

Row = Sequence[str]


def markdown(head: Row, rows: Iterable[Row], texts: int = 1) -> str:
    """Return a Markdown table whose first ``texts`` columns are words, and the others numbers."""
    rule = ["---"] * texts + ["---:"] * (len(head) - texts)
    return "\n".join(f"| {' | '.join(_cell(cell) for cell in row)} |" for row in (head, rule, *rows))


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def provenance(*packages: str, **others: str) -> str:
    """Return a line: date, commit, machine, Python, and the versions of what took part."""
    named = [f"{name} {_version(name)}" for name in packages]
    named += [f"{name.replace('_', ' ')} {value}" for name, value in others.items()]
    return ", ".join([time.strftime("%Y-%m-%d"), f"commit {_commit()}", _machine(), _python(), *named])


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _commit() -> str:
    """Return the commit, with a + where the work tree differs from it."""
    git = ["git", "-C", str(ROOT)]
    found = subprocess.run([*git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True)
    changed = subprocess.run([*git, "status", "--porcelain"], capture_output=True, text=True)
    return found.stdout.strip() + "+" * bool(changed.stdout) if found.returncode == 0 else "unknown"


def _machine() -> str:
    cpus = Path("/proc/cpuinfo")
    lines = cpus.read_text().splitlines() if cpus.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{len(models)} × {models[0]}" if models else platform.processor() or platform.machine()


def _python() -> str:
    return f"Python {platform.python_version()}"


def java_version() -> str:
    """Return the version of the Java that would be started, if any."""
    try:
        told = subprocess.run(["java", "-version"], capture_output=True, text=True).stderr
    except FileNotFoundError:
        return "not installed"
    return str(re.findall(r'"(.+?)"', told)[0])


def progress(line: str) -> None:
    """Say what is being done, beside the report."""
    print(f"{time.strftime('%H:%M:%S')} {line}", file=sys.stderr, flush=True)


def replaced(document: str, section: str, text: str) -> str:
    """Return the document with what is between the section's markers exchanged.

    Raises
    ------
    SystemExit
        The markers are not there exactly once: put them where the section is to be.
    """
    begin, end = f"<!-- {section} -->", f"<!-- /{section} -->"
    if document.count(begin) != 1 or document.count(end) != 1 or document.index(end) < document.index(begin):
        raise SystemExit(f"{DOCUMENT}: {begin} ... {end} was expected exactly once")
    before, rest = document.split(begin)
    return f"{before}{begin}\n\n{text.strip()}\n\n{end}{rest.split(end)[1]}"


def main() -> None:
    """Run a part, show what it prints, and keep it in the document."""
    part, *arguments = sys.argv[1:]
    section, command = f"bench-{part}", [sys.executable, "-m", f"benchmarks.{part}", *PARTS[part], *arguments]
    replaced(DOCUMENT.read_text(), section, "")  # fail before the work, not after it
    run = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    if run.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed; {DOCUMENT} stays as it was")
    print(run.stdout)
    DOCUMENT.write_text(replaced(DOCUMENT.read_text(), section, run.stdout))


if __name__ == "__main__":
    main()
