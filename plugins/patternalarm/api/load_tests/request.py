"""A request for a load test, read from a form or from JSON, and carried out."""

import secrets
from datetime import UTC, datetime
from typing import Any, Final

import orjson
from fastapi import Request
from pydantic import ValidationError
from starlette.datastructures import FormData

from patternalarm.api.load_tests.progress import links_of
from patternalarm.api.models.load_tests import Accepted, LoadTestRequest
from patternalarm.api.prediction.served import unknown_domain
from patternalarm.api.problems import ProblemError, Unavailable, invalid
from patternalarm.api.resources import Resources
from patternalarm.api.stores.runs import KnownRun, RunRequest, record_request, withdraw_request
from patternalarm.contracts.airflow_users import LOAD_TEST_DAG
from patternalarm.contracts.domain_pack import load_pack
from patternalarm.contracts.pack_folder import generated_domains
from patternalarm.contracts.runs import RunKind, run_id_of

_FORMS: Final = ("application/x-www-form-urlencoded", "multipart/form-data")
_JSON: Final = "application/json"


async def read_request(request: Request) -> LoadTestRequest:
    """The load test that a form or a JSON object asks for, by the content type.

    Raises:
        ProblemError: 400 for broken JSON, 415 for another content type, 422 for wrong parameters.
    """
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type in _FORMS:
        given = _fields(await request.form())
    elif content_type == _JSON:
        given = _object(await request.body())
    else:
        raise ProblemError(
            415,
            "unsupported media type",
            f"a load test is asked for by a form or by JSON, not by {content_type or 'a body of no type'}",
            remedy=f"send {_FORMS[0]} or {_JSON}",
        )
    try:
        return LoadTestRequest.model_validate(given)
    except ValidationError as error:
        raise invalid(list(error.errors(include_url=False, include_input=False))) from error


def _fields(form: FormData) -> dict[str, Any]:
    names = [name for name, _ in form.multi_items()]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise ProblemError(
            422, "invalid request", f"{twice} is given twice", remedy="give each parameter of the form once"
        )
    return dict(form)


def _object(body: bytes) -> dict[str, Any]:
    try:
        given = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ProblemError(400, "broken JSON", str(error), remedy="send one JSON object") from error
    if not isinstance(given, dict):
        raise ProblemError(422, "invalid request", "the body is no JSON object", remedy="send one JSON object")
    return given


async def execute(platform: Resources, wanted: LoadTestRequest, caller: str, idempotency_key: str | None) -> Accepted:
    """Start a load test, or with ``dry_run`` only look whether it could be started.

    The request is recorded before Airflow hears of it, under a run id that both compute alike, so a request that was heard
    and not answered is found again, and the same idempotency key never starts a second run.

    Raises:
        ProblemError: the domain is unknown, the DAG paused, the parameters are refused, or the key was used for others.
        Unavailable: Airflow or PostgreSQL is away; nothing was started.
    """
    if wanted.domain not in generated_domains():
        raise unknown_domain(wanted.domain)
    pack = load_pack(wanted.domain)
    if await platform.airflow.is_paused(LOAD_TEST_DAG):
        raise ProblemError(
            409, "DAG is paused", f"{LOAD_TEST_DAG} is paused", remedy=f"unpause {LOAD_TEST_DAG} in Airflow"
        )
    model = await _model_of(platform, wanted.domain)
    if wanted.dry_run:
        return _accepted(wanted, model, None)
    now = datetime.now(UTC)
    airflow_run_id = f"api__{now:%Y-%m-%dT%H:%M:%S}_{secrets.token_hex(4)}"
    run_id = run_id_of(RunKind.LOAD_TEST, pack.name, dag_id=LOAD_TEST_DAG, airflow_run_id=airflow_run_id, run_after=now)
    conf = wanted.conf()
    asked = RunRequest(run_id, pack.name, LOAD_TEST_DAG, airflow_run_id, conf, caller, now, idempotency_key)
    stands = await record_request(platform.database, asked)
    if stands.params != conf:
        raise ProblemError(
            422,
            "idempotency key reused",
            f"this Idempotency-Key started {stands.run_id} with other parameters",
            remedy="use another key for another load test",
        )
    try:
        await platform.airflow.trigger(
            LOAD_TEST_DAG,
            stands.airflow_run_id,
            stands.requested_at,
            stands.params,
            f"asked for by {caller} over the API",
        )
    except ProblemError as refusal:
        # An earlier attempt of the same key may have been heard.
        if stands is asked and not (isinstance(refusal, Unavailable) and refusal.heard):
            await withdraw_request(platform.database, stands.run_id)
        raise
    return _accepted(wanted, model, stands)


async def _model_of(platform: Resources, domain: str) -> str | None:
    try:
        return (await platform.models.of(domain)).metadata.version
    except ProblemError as error:
        if isinstance(error, Unavailable):
            raise
        return None


def _accepted(wanted: LoadTestRequest, model: str | None, run: RunRequest | None) -> Accepted:
    known = None if run is None else _as_known(run)
    return Accepted(
        run_id=None if run is None else run.run_id,
        domain=wanted.domain,
        level=wanted.level,
        events=round(wanted.events_per_minute * wanted.minutes),
        seed=wanted.seed,
        minutes=wanted.minutes,
        model=model,
        state="dry run" if run is None else "queued",
        links=None if known is None else links_of(known),
    )


def _as_known(run: RunRequest) -> KnownRun:
    return KnownRun(
        run_id=run.run_id,
        domain=run.domain,
        dag_id=run.dag_id,
        airflow_run_id=run.airflow_run_id,
        requested_by=run.requested_by,
        requested_at=run.requested_at,
        state=None,
        reason=None,
        measured_from=None,
        measured_until=None,
        ended_at=None,
    )
