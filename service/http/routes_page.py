"""The dashboard's files: the page's own from this package, the charts' from the installed one."""

from __future__ import annotations

import gzip
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from fastapi import APIRouter, Request, Response

from service.http.context import Context
from service.http.replies import Problem

PAGE = Path(__file__).parent / "page"
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
}
FRESH = {"cache-control": "no-cache"}
PLOTLY = "plotly.min.js"


def page_routes(context: Context) -> APIRouter:
    """Return the routes."""
    router = APIRouter(include_in_schema=False)

    @router.get("/")
    async def index() -> Response:
        return _file("index.html")

    @router.get("/docs")
    async def docs() -> Response:
        return _file("docs.html")

    @router.get(f"/static/{PLOTLY}")
    async def plotly(request: Request) -> Response:
        packed, tag = await context.beside(_plotly)
        headers = {**FRESH, "etag": tag, "content-encoding": "gzip", "vary": "accept-encoding"}
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers={"etag": tag})
        if "gzip" not in request.headers.get("accept-encoding", ""):
            return Response(gzip.decompress(packed), media_type=TYPES[".js"], headers=FRESH)
        return Response(packed, media_type=TYPES[".js"], headers=headers)

    @router.get("/static/{name}")
    async def static(name: str) -> Response:
        return _file(name)

    return router


def _file(name: str) -> Response:
    """Return one of the page's own files; what is not in its folder is not known."""
    files = {path.name: path for path in PAGE.iterdir() if path.suffix in TYPES}
    if name not in files:
        raise Problem(404, "not_found", f"{name!r:.100} is no file of the page")
    return Response(files[name].read_bytes(), headers={**FRESH, "content-type": TYPES[files[name].suffix]})


@cache
def _plotly() -> tuple[bytes, str]:
    """Return the charts' JavaScript, packed, and its tag."""
    found = find_spec("plotly")
    if found is None or not found.submodule_search_locations:
        raise Problem(404, "not_found", "plotly is not installed; the extra http brings it")
    source = Path(found.submodule_search_locations[0], "package_data", PLOTLY)
    packed = gzip.compress(source.read_bytes(), 6)
    return packed, f'"{len(packed)}-{int(source.stat().st_mtime)}"'
