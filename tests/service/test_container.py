"""The container of the service: nobody special, nothing to write to, no way to become more."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from tests.service.command_line import ROOT

COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = [name for name, service in SERVICES.items() if "PERCEPTRON_IMAGE" in service.get("image", "")]
WIDENING = {"privileged", "cap_add", "user", "network_mode", "pid", "ipc", "userns_mode", "devices"}


def last_stage() -> list[tuple[str, str]]:
    """Return the instructions of the image that is run."""
    whole = re.sub(r"\\\n", " ", re.sub(r"^#.*\n", "", DOCKERFILE, flags=re.MULTILINE))
    lines = [line.split(maxsplit=1) for line in whole.splitlines() if line.strip()]
    start = max(number for number, words in enumerate(lines) if words[0] == "FROM")
    return [(words[0], words[1]) for words in lines[start:]]


def test_our_services_are_those_that_are_built_here() -> None:
    assert {"topics", "learner", "producer"} <= set(OURS)
    assert {name for name, service in SERVICES.items() if "build" in service} <= set(OURS)


@pytest.mark.parametrize("name", OURS)
def test_a_service_of_ours_has_no_more_than_it_needs(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert not WIDENING & service.keys()


@pytest.mark.parametrize("name", SERVICES)
def test_no_service_can_be_reached_from_elsewhere_or_reaches_the_engine(name: str) -> None:
    service = SERVICES[name]
    assert all(str(port).startswith("127.0.0.1:") for port in service.get("ports", ()))
    assert not service.get("privileged")
    assert "docker.sock" not in str(service.get("volumes", ""))


@pytest.mark.parametrize("name", SERVICES)
def test_no_secret_is_written_into_the_file(name: str) -> None:
    environment = SERVICES[name].get("environment", {})
    secrets = [variable for variable in environment if re.search("(PASSWORD|SECRET|TOKEN)$", str(variable))]
    assert not [variable for variable in secrets if not str(environment[variable]).startswith("${")]


def test_the_image_runs_as_nobody_by_number() -> None:
    instructions = [name for name, _ in last_stage()]
    [user] = [argument for name, argument in last_stage() if name == "USER"]
    uid, gid = map(int, user.split(":"))
    assert min(uid, gid) >= 10_000
    assert not {"RUN", "COPY", "ADD"} & set(instructions[instructions.index("USER") :])


def test_the_image_is_made_of_what_is_locked() -> None:
    downloads = re.findall(r"^RUN pip download .*$", DOCKERFILE, re.MULTILINE)
    assert downloads
    assert all("--require-hashes" in line for line in downloads)
    assert (
        DOCKERFILE.index("pip download")
        < DOCKERFILE.index("PIP_NO_INDEX=1")
        < DOCKERFILE.index("pip --python")
    )
    assert not re.search(r"^ADD |curl|wget", DOCKERFILE, re.MULTILINE)
