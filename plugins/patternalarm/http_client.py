"""HTTP as all of ours speak it."""

import logging

import httpx

# It tells every request, which a process that polls makes once a second.
logging.getLogger("httpx").setLevel(logging.WARNING)


def http_client(base_url: str, timeout_seconds: float | None) -> httpx.Client:
    """A client for one service, to be kept, since making one costs more than a question.

    It goes directly, whatever proxy the shell names. Each request has a connection of its own: one that the service is just
    closing would lose the request, and a fork shares none.
    """
    return httpx.Client(
        base_url=base_url,
        trust_env=False,
        timeout=timeout_seconds,
        limits=httpx.Limits(max_keepalive_connections=0),
    )


def detail_of(answer: httpx.Response) -> str:
    """What a FastAPI service, as Airflow is one, says of a refusal."""
    try:
        content = answer.json()
    except ValueError:
        return answer.text
    detail = content.get("detail", content) if isinstance(content, dict) else content
    if isinstance(detail, list):
        return "; ".join(str(item.get("msg", item)) if isinstance(item, dict) else str(item) for item in detail)
    return str(detail)
