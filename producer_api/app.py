"""The ASGI application, put together from parts that are ready."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from producer_api.boundary import RequestBoundary
from producer_api.dashboard.files import read_dashboard
from producer_api.dashboard.routes import add_dashboard
from producer_api.documentation import DocumentedApi, add_documentation
from producer_api.errors import install_error_handlers
from producer_api.openai_compat.chat import add_chat_route
from producer_api.openai_compat.embeddings import add_embeddings_route
from producer_api.openai_compat.models import add_model_routes
from producer_api.openai_compat.responses import add_response_routes
from producer_api.openai_compat.schemas import ChatCompletionRequest, EmbeddingsRequest, ResponseRequest
from producer_api.operator.monitoring_routes import monitoring_routes
from producer_api.operator.routes import operator_routes
from producer_api.operator.schemas import RedriveLetters
from producer_api.operator.task_routes import operator_task_routes
from producer_api.operator.task_schemas import RetryTasks
from producer_api.probes import add_probes, alive
from producer_api.state import Parts, State
from producer_api.tasks.routes import add_task_routes
from producer_api.tasks.schemas import CancelTasks, SubmitTasks


def create_app(parts: Parts) -> FastAPI:
    """The application; `parts` outlive it, so that requests under way at the end still have them."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[State]:
        yield {"parts": parts}

    app = DocumentedApi(
        body_models=[
            SubmitTasks,
            CancelTasks,
            RedriveLetters,
            RetryTasks,
            ChatCompletionRequest,
            EmbeddingsRequest,
            ResponseRequest,
        ],
        lifespan=lifespan,
    )
    app.add_middleware(RequestBoundary, metrics=parts.metrics, traces=parts.traces)
    install_error_handlers(app, parts.metrics)
    add_task_routes(app)
    add_chat_route(app)
    add_embeddings_route(app)
    add_model_routes(app)
    add_response_routes(app)
    app.include_router(operator_routes())
    app.include_router(monitoring_routes())
    app.include_router(operator_task_routes())
    add_probes(app, liveness=alive, readiness=parts.readiness)
    add_documentation(app)
    add_dashboard(app, read_dashboard())
    return app
