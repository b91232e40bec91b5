"""The OpenAPI description is what the server does: requests made up from it find nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import negative_data_rejection

from tests.service.http.rig import RECORDS, TOKEN, bench

BOUNDED = hypothesis_settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
HERE = {"host": "localhost"}
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture(scope="module")
def open_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    yield from described(tmp_path_factory.mktemp("open"), None)


@pytest.fixture(scope="module")
def locked_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    yield from described(tmp_path_factory.mktemp("locked"), TOKEN)


def described(path: Path, token: str | None) -> Iterator[Any]:
    with bench(path, token=token) as desk:
        desk.learn([case.value for case in RECORDS[:100]])
        desk.board.on_role("owner", "")
        yield schemathesis.openapi.from_asgi(
            "/openapi.json", desk.app, headers={**HERE, **(BEARER if token else {})}
        )


@pytest.mark.parametrize(
    ("api", "mode"),
    [
        ("open_api", GenerationMode.POSITIVE),
        ("open_api", GenerationMode.NEGATIVE),
        ("locked_api", GenerationMode.POSITIVE),  # and without its token, where schemathesis asks again
    ],
)
def test_every_answer_is_as_described(request: pytest.FixtureRequest, api: str, mode: GenerationMode) -> None:
    headers = {**HERE, **(BEARER if api == "locked_api" else {})}
    asked = []
    schema = request.getfixturevalue(api)
    for operation in schema.exclude(path="/events").get_all_operations():  # which has no end
        made_up = operation.ok().as_strategy(generation_mode=mode)

        @BOUNDED
        @given(case=made_up)
        def check(case: Any) -> None:
            asked.append(case.path)
            # Some limits are in bytes of UTF-8, which a JSON schema can't say.
            case.call_and_validate(headers=headers, excluded_checks=[negative_data_rejection])

        with suppress(Unsatisfiable):  # where nothing is sent, nothing in it can be wrong
            check()
    assert {"/predict", "/model", "/v2/models/{name}/infer"} <= set(asked)
