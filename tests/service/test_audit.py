"""``make audit``: a known hole fails, a data base that is away is told, the bill of materials is complete."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.service.command_line import ROOT

LOCK = "".join(
    f"{name}==1.0 \\\n    --hash=sha256:{digit * 64}\n" for name, digit in (("sound", "a"), ("holey", "b"))
)
HOLE = {"id": "HOLE-1", "modified": "2026-01-01T00:00:00Z", "details": "it leaks", "affected": []}


class DataBase(ThreadingHTTPServer):
    """Knows of the packages it is told to have a hole."""

    def __init__(self, holey: set[str]) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.holey = holey


class Answer(BaseHTTPRequestHandler):
    server: DataBase

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        known = asked["package"]["name"] in self.server.holey
        body = json.dumps({"vulns": [HOLE]} if known else {}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words: Any) -> None:
        """Say nothing."""


@pytest.fixture
def holey() -> Iterator[tuple[set[str], str]]:
    """Return the names of packages with a hole, to be filled, and the data base's address."""
    with DataBase(set()) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server.holey, f"http://127.0.0.1:{server.server_port}/query"
        server.shutdown()
        thread.join()


def audit(home: Path, url: str, lock: str = LOCK) -> subprocess.CompletedProcess[str]:
    shutil.copy(ROOT / "pyproject.toml", home)
    (home / "constraints.txt").write_text(lock)
    bin_ = Path(sys.executable).parent
    words = ["--no-print-directory", "-f", str(ROOT / "Makefile"), "-o", ".venv/installed", "audit"]
    words.append(f"BIN={bin_}")
    database = f"AUDIT=--vulnerability-service osv --osv-url {url}"
    return subprocess.run(["make", *words, database], cwd=home, capture_output=True, text=True, timeout=60)


def test_what_is_locked_is_asked_for_and_listed(tmp_path: Path, holey: tuple[set[str], str]) -> None:
    done = audit(tmp_path, holey[1])
    assert (done.returncode, done.stdout) == (0, "No known vulnerabilities found\n"), done.stderr
    bill = json.loads((tmp_path / "sbom.json").read_text())
    assert bill["bomFormat"] == "CycloneDX"
    assert {part["name"] for part in bill["components"]} == {"sound", "holey"}
    assert bill["metadata"]["component"]["name"] == "perceptron-stream"


def test_a_known_hole_fails_and_is_named(tmp_path: Path, holey: tuple[set[str], str]) -> None:
    holey[0].add("holey")
    done = audit(tmp_path, holey[1])
    assert done.returncode != 0
    assert "HOLE-1" in done.stdout


def test_a_data_base_that_is_away_is_told_in_a_line_and_does_not_fail(tmp_path: Path) -> None:
    done = audit(tmp_path, "http://127.0.0.1:1/query")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("not audited: ")
    assert done.stdout.count("\n") == 1


def test_an_audit_that_went_wrong_otherwise_fails(tmp_path: Path) -> None:
    assert audit(tmp_path, "http://127.0.0.1:1/query", lock="no lock at all ???\n").returncode != 0
