from decimal import Decimal

import pytest
from alert_material import toll_pack

from patternalarm.contracts.alerts import SEVERITY_RULE, WEAK_SCORE, Severity, base_severity, severity_of
from patternalarm.contracts.domain_pack import load_pack
from patternalarm.contracts.pack_folder import PackError
from patternalarm.settings import REPOSITORY

LOW, MEDIUM, HIGH, CRITICAL = Severity


@pytest.mark.parametrize(
    ("of_type", "score", "base"),
    [
        (LOW, 0.0, LOW),
        (LOW, 1.0, LOW),
        (MEDIUM, WEAK_SCORE - 0.001, LOW),
        (MEDIUM, WEAK_SCORE, MEDIUM),
        (HIGH, 0.2, MEDIUM),
        (HIGH, 0.99, HIGH),
        (CRITICAL, 0.59, HIGH),
        (CRITICAL, 0.6, CRITICAL),
    ],
)
def test_a_score_never_makes_an_alert_more_severe_than_its_type(of_type, score, base):
    assert base_severity(of_type, score) is base


@pytest.mark.parametrize(
    ("base", "money", "much", "severity"),
    [
        (LOW, "999.9999", "1000", LOW),
        (LOW, "1000", "1000", MEDIUM),
        (LOW, "1000000", "1000", MEDIUM),
        (MEDIUM, "1000", "1000", HIGH),
        (HIGH, "1000", "1000", CRITICAL),
        (CRITICAL, "1000", "1000", CRITICAL),
        (HIGH, "-5000", "1000", HIGH),
        (HIGH, "1000000", None, HIGH),
    ],
)
def test_much_money_adds_one_step(base, money, much, severity):
    assert severity_of(base, Decimal(money), much and Decimal(much)) is severity


def test_a_promo_abuse_of_twenty_is_not_critical_and_a_takeover_is():
    pack = load_pack("payments")
    promo, takeover = (pack.fraud_types[name].severity for name in ("promo_abuse", "account_takeover"))
    assert severity_of(base_severity(promo, 0.999), Decimal(20), pack.much_money) is LOW
    assert severity_of(base_severity(takeover, 0.999), Decimal(20), pack.much_money) is CRITICAL


def test_the_rule_names_its_number_and_analysts_read_it():
    assert f"{WEAK_SCORE:.0%}".replace("%", " %") in SEVERITY_RULE
    told = ("dbt/models/staging/stg_alerting__alerts.yml", "superset/assets/charts/severity.yaml")
    for path in told:
        assert SEVERITY_RULE in " ".join((REPOSITORY / path).read_text().split()), path


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"money_out": [{}]}, "at least 1 item"),
        ({"money_out": [{"lane": []}]}, "at least 1 item"),
        ({"money_tried": [{"amount": ["5"]}]}, "money: unknown string field amount: "),
        ({"money_out": [{"colour": ["red"]}]}, "colour"),
        ({"much_money": 0}, "greater than 0"),
    ],
)
def test_rules_of_money_that_cannot_be_are_refused_when_the_pack_loads(tmp_path, changes, named):
    with pytest.raises(PackError, match=named):
        toll_pack(tmp_path, **changes)


@pytest.mark.parametrize("name", ["all", "legitimate", "suspicious_activity"])
def test_a_fraud_type_does_not_bear_a_word_that_figures_and_alerts_need(tmp_path, name):
    with pytest.raises(PackError, match=f"{name} is no fraud type"):
        toll_pack(tmp_path, fraud_types={name: {"label_delay": "1d", "description": "d"}})
