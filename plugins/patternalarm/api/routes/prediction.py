"""Scores by the promoted forest, without Spark."""

import asyncio
from typing import Annotated, Final

from fastapi import APIRouter, Depends

from patternalarm.api.dependencies import Platform, Principal, Role, require
from patternalarm.api.metrics import PREDICTED_ROWS
from patternalarm.api.models.prediction import PredictRequest, PredictResponse
from patternalarm.api.prediction.predict import predict

router = APIRouter(prefix="/api/predict", tags=["prediction"])

# So many take as long as handing them to a thread does; more would keep other callers waiting.
_AT_ONCE: Final = 8


@router.post("", response_model=PredictResponse)
async def predict_rows(
    request: PredictRequest, platform: Platform, _: Annotated[Principal, Depends(require(Role.VIEWER))]
) -> PredictResponse:
    """Score feature vectors, one or a batch, with the reasons of each."""
    served = await platform.models.of(request.domain)
    if len(request.rows) <= _AT_ONCE:
        answer = predict(served, request)
    else:
        answer = await asyncio.to_thread(predict, served, request)
    PREDICTED_ROWS.labels(request.domain).inc(len(request.rows))
    return answer
