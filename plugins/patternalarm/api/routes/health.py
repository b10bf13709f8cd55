"""Is the API alive, is what it needs, and what does it count?"""

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel, ConfigDict

from patternalarm.api.dependencies import Platform
from patternalarm.api.readiness import Readiness

router = APIRouter(prefix="/api", tags=["operation"])


class Alive(BaseModel):
    """The API answers."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"status": "alive"}]})

    status: str = "alive"


@router.get("/health", response_model=Alive)
async def health() -> Alive:
    """The process is alive; it says nothing of what it needs."""
    return Alive()


@router.get("/health/ready", response_model=Readiness, responses={503: {"model": Readiness}})
async def ready(platform: Platform, response: Response) -> Readiness:
    """Each dependency is asked; 503 as long as one of them cannot be used."""
    readiness = await platform.readiness.now()
    response.status_code = 200 if readiness.ready else 503
    return readiness


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
async def metrics() -> Response:
    """Counts and durations in Prometheus' text format."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
