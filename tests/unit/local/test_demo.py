import argparse

from infra.local import demo
from infra.local.demo import farewell

from patternalarm.cli import load_test
from patternalarm.cli.load_test import parameters


def test_the_demo_lets_speed_be_and_asks_for_everything_else_of_a_load_test():
    parser = argparse.ArgumentParser()
    load_test.add_arguments(parser)
    asked, default = parameters(parser.parse_args(demo.LOAD_TEST)), parameters(parser.parse_args([]))
    assert asked == {**default, "strict": False}
    assert default["strict"] is True


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
