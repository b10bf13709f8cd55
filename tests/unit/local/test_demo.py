from infra.local.demo import farewell


def test_the_farewell_names_reports_logins_and_how_to_stop(configuration):
    made = configuration()
    report = made.home / "reports" / "load-test-1" / "report.html"
    text = farewell(made, {report})
    for wanted in (
        str(report),
        str(report.with_suffix(".json")),
        made.settings.airflow_url,
        made.settings.superset_url,
        made.settings.airflow_admin_password,
        made.settings.superset_admin_password,
        "make replay",
        "make down",
    ):
        assert wanted in text
