"""`/` and `/dashboard/…`: a file is found by its name among those that were read, so no path leads anywhere else."""

from fastapi import FastAPI, HTTPException, Request, Response

from producer_api.dashboard.files import DashboardFiles, StaticFile

# Nothing but what is served from here, no HTML made of text, nobody's frame. No script may write into the page by text.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; "
    "trusted-types 'none'"
)
_HEADERS = {
    "content-security-policy": _POLICY,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
}
_ASK_EACH_TIME = "no-cache"
_FOR_EVER = "public, max-age=31536000, immutable"


def add_dashboard(app: FastAPI, files: DashboardFiles) -> None:
    """Serve the page and what it refers to."""

    async def page(request: Request) -> Response:
        return _answer(request, files.page, _ASK_EACH_TIME)

    async def file(request: Request) -> Response:
        found = files.by_path.get(request.path_params["path"])
        if found is None:
            raise HTTPException(404)
        # While replicas are replaced, a page of another version may ask here: it gets ours, and does not keep it.
        is_ours = request.path_params["version"] == files.version
        return _answer(request, found, _FOR_EVER if is_ours else _ASK_EACH_TIME)

    for path, serve in (("/", page), ("/dashboard/{version}/{path:path}", file)):
        app.add_api_route(path, serve, methods=["GET", "HEAD"], include_in_schema=False)


def _answer(request: Request, file: StaticFile, keeping: str) -> Response:
    headers = {**_HEADERS, "cache-control": keeping, "etag": file.etag}
    if _has(request.headers.get("if-none-match", ""), file.etag):
        return Response(status_code=304, headers=headers)
    return Response(file.content, headers=headers, media_type=file.media_type)


def _has(tags: str, etag: str) -> bool:
    """Whether the client names the tag as one that it has; a proxy that compresses makes it a weak one."""
    return any(tag.strip().removeprefix("W/") in (etag, "*") for tag in tags.split(","))
