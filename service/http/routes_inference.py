"""The Open Inference Protocol, version 2, over REST: for gateways and clients that speak it already."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from service.http import inference
from service.http.context import Context, json_body
from service.http.replies import Problem, as_json, no_model
from service.http.schemas import ERROR, INFER, OBJECT, V2_READY, answers, body, infer_schema
from service.model_state import Head
from service.version import own_version

Name = Annotated[str, Path(description="The model's name.")]
Version = Annotated[str, Path(description="How many samples it has learned: the present version only.")]

REFUSALS = dict.fromkeys((400, 404, 413, 415, 422, 503), ERROR)
UNKNOWN = dict.fromkeys((404, 422, 503), ERROR)


def inference_routes(context: Context) -> APIRouter:
    """Return the routes."""
    router = APIRouter(prefix="/v2", tags=["open inference protocol"])
    name = context.board.settings.model.name

    def present(asked: str, asked_version: str | None = None) -> Head:
        """Return the head of the model that is meant."""
        head = context.board.head
        if asked != name:
            raise Problem(404, "not_found", f"model {asked!r:.100} is not here; it is {name!r}")
        if head is None:
            raise no_model()
        if asked_version not in (None, str(head.version)):
            raise Problem(
                404, "not_found", f"version {asked_version!r:.40} is not kept; it is {head.version}"
            )
        return head

    @router.get("", responses=answers(OBJECT))
    async def server() -> Response:
        """Name the server."""
        return as_json({"name": "perceptron", "version": own_version("0"), "extensions": []})

    @router.get("/models/{name}", responses=answers(OBJECT, UNKNOWN))
    @router.get("/models/{name}/versions/{version}", responses=answers(OBJECT, UNKNOWN))
    async def metadata(name: Name, version: str | None = None) -> Response:
        """Say what goes in and what comes out."""
        head = present(name, version)
        return as_json(
            {
                "name": name,
                "versions": [str(head.version)],
                "platform": "perceptron",
                "inputs": [{"name": "*", "datatype": "FP64", "shape": [-1]}],
                "outputs": inference.outputs_of(head),
            }
        )

    @router.get("/models/{name}/ready", responses=answers(V2_READY, UNKNOWN))
    @router.get("/models/{name}/versions/{version}/ready", responses=answers(V2_READY, UNKNOWN))
    async def model_ready(name: Name, version: str | None = None) -> Response:
        """Say whether the model is kept up."""
        present(name, version)
        is_ready = context.board.readiness().ready
        return as_json({"name": name, "ready": is_ready}, 200 if is_ready else 503)

    @router.post(
        "/models/{name}/infer", responses=answers(INFER, REFUSALS), openapi_extra=body(infer_schema())
    )
    @router.post(
        "/models/{name}/versions/{version}/infer",
        responses=answers(INFER, REFUSALS),
        openapi_extra=body(infer_schema()),
    )
    async def infer(request: Request, name: Name, version: str | None = None) -> Response:
        """Predict the rows of the input tensors; each input is a feature."""
        present(name, version)
        sent = await json_body(request)

        def inferred() -> Response:
            asked = inference.decoded(sent)
            return as_json(
                inference.response_of(asked, *context.predictor.ask(inference.question_of(asked), False))
            )

        return await context.beside(inferred)

    return router
