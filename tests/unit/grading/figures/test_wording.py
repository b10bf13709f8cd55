import pytest

from patternalarm.grading.figures.wording import figure, ratio, seconds, share


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (None, "ratio", "–"),  # noqa: RUF001
        (1.0, "yes/no", "yes"),
        (0.0, "yes/no", "no"),
        (0.8046, "ratio", "0.80"),
        (0.99996, "ratio", "0.99996"),
        (1.0, "ratio", "1.00"),
        (0.0001, "ratio", "0.0001"),
        (3.21, "ms", "3.2 ms"),
        (1_234.4, "ms", "1,234 ms"),
        (0.05, "s", "0.05 s"),
        (12.34, "s", "12.3 s"),
        (70_580.5, "s", "19 h 36 min"),
        (16_666.7, "events/min", "16,667 events/min"),
    ],
)
def test_figure(value: float | None, unit: str, text: str) -> None:
    assert figure(value, unit) == text


def test_ratio_is_told_apart_from_its_limit() -> None:
    assert ratio(0.7999, (0, 1, 0.80)) == "0.7999"
    assert ratio(0.80, (0, 1, 0.80)) == "0.80"


def test_share() -> None:
    assert share(18, 20, 0.9, 0.699, 0.972) == "0.90 [0.70, 0.97] 18/20"
    assert share(0, 0, None, None, None) == "–"  # noqa: RUF001


def test_seconds() -> None:
    assert [seconds(4.24), seconds(95), seconds(3_600)] == ["4.2 s", "1 min 35 s", "1 h 0 min"]
