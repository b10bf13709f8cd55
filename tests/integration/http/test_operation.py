"""Catalogue, health, metrics, documentation."""

from patternalarm.contracts.pack_folder import pack_names


def test_every_shipped_domain_is_told_with_fields_and_features(client, pack):
    domains = {domain["name"]: domain for domain in client.get("/api/domains").json()}
    assert domains.keys() == set(pack_names())
    told = domains[pack.name]
    assert [feature["name"] for feature in told["features"]] == list(pack.feature_names)
    assert {"actor_id", *(field.name for field in pack.fields)} <= {field["name"] for field in told["fields"]}


def test_promoted_models_are_told(client, model):
    (told,) = client.get("/api/models").json()
    assert (told["domain"], told["version"]) == ("iot", model)


def test_runs_are_paged_by_cursor(client, superuser):
    for number in range(5):
        superuser.execute(
            "INSERT INTO platform.run (run_id, kind, domain, dag_id, airflow_run_id, pack_version, feature_set, pattern_set,"
            " params, state, requested_at) VALUES (%s, 'load-test', 'iot', 'd', %s, '1', 'f', 'p', '{}', 'passed', now())",
            (f"r-{number}", f"a-{number}"),
        )
    first = client.get("/api/runs?limit=3").json()
    second = client.get(f"/api/runs?limit=3&cursor={first['next']}").json()
    assert [run["runId"] for run in first["runs"] + second["runs"]] == ["r-4", "r-3", "r-2", "r-1", "r-0"]
    assert second["next"] is None
    answer = client.get(f"/api/runs?limit=3&domain=iot&cursor={first['next']}")
    assert (answer.status_code, answer.json()["title"]) == (400, "bad cursor")


def test_readiness_names_what_is_away(client):
    answer = client.get("/api/health/ready")
    assert answer.status_code == 503
    dependencies = answer.json()["dependencies"]
    assert {name for name, one in dependencies.items() if not one["ready"]} == {"airflow"}
    assert client.get("/api/health").json() == {"status": "alive"}


def test_metrics_count_by_route_and_not_by_id(client):
    client.get("/api/test/load-test-iot-1")
    text = client.get("/api/metrics").text
    assert 'route="/api/test/{run}",status="404"' in text
    assert "load-test-iot-1" not in text


def test_the_documentation_needs_no_other_site(client):
    page = client.get("/docs").text
    assert "http://" not in page.replace(str(client.base_url), "")
    assert "https://" not in page


def schema_of(content, components):
    """A body's schema, of several the first, of a list that of its items."""
    schema = content["schema"]
    schema = schema.get("anyOf", [schema])[0]
    schema = schema.get("items", schema) if schema.get("type") == "array" else schema
    return components.get(schema.get("$ref", "").rpartition("/")[2], schema)


def test_every_call_is_described_with_an_example_of_each_body(client):
    document = client.get("/openapi.json").json()
    components = document["components"]["schemas"]
    bodies = 0
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert operation["description"], (method, path)
            answers = [answer for code, answer in operation["responses"].items() if code.startswith("2")]
            for body in [operation.get("requestBody", {}), *answers]:
                content = body.get("content", {}).get("application/json")
                if not content or "schema" not in content or content["schema"] == {}:
                    continue
                schema = schema_of(content, components)
                examples = [content["example"]] if "example" in content else schema.get("examples")
                assert examples, (method, path)
                bodies += 1
    assert bodies > 20
