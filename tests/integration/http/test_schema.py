"""Every call of the OpenAPI document with generated input, good and bad, on real stores: nothing may be a server's error."""

import re

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

CHECKS = [not_a_server_error, content_type_conformance, response_schema_conformance]
# Streams do not end, readiness tells by 503 that Airflow is away here, and metrics are no JSON.
ASKED_ELSEWHERE = re.compile(r"/(events|stream|ready|metrics)$")
EXAMPLES = 20


@pytest.fixture(scope="module")
def operations(server):
    """Every operation of the document, as the server gives it."""
    schema = schemathesis.openapi.from_url(f"{server}/openapi.json")
    found = [result.ok() for result in schema.get_all_operations()]
    return [one for one in found if not ASKED_ELSEWHERE.search(one.path)]


def is_away(answer):
    """Whether it says that Airflow is away, which it is; everything else of 500 and above is a fault."""
    return answer.status_code == 503 and answer.json().get("part") == "airflow"


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_no_input_is_a_server_error(operations, mode, subtests):
    for operation in operations:
        takes_something = any([operation.path_parameters, operation.query, operation.headers, operation.body])
        if mode is GenerationMode.NEGATIVE and not takes_something:
            continue

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def ask(case):
            answer = case.call()
            if not is_away(answer):
                case.validate_response(answer, checks=CHECKS)

        with subtests.test(operation.label):
            ask()


def test_nothing_of_it_asked_for_a_run(superuser):
    assert superuser.execute("SELECT count(*) FROM platform.run_request").fetchone() == (0,)
