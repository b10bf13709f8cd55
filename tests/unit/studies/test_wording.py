import pytest

from patternalarm.studies.wording import count, milliseconds, percent, table, times


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (milliseconds(0.0421), "0.0421 ms"),
        (milliseconds(4.26), "4.26 ms"),
        (milliseconds(1_234.5), "1,234 ms"),
        (count(3_700.4), "3,700"),
        (count(1.26), "1.3"),
        (times(3.44), "3.4"),
        (times(79.2), "79"),
        (percent(0.156), "16%"),
        (percent(0.0312), "3.1%"),
    ],
)
def test_figures_have_as_many_places_as_mean_something(said, words):
    assert said == words


def test_a_table_is_markdown():
    assert table(["way", "ms"], [["a", "1"]]) == "| way | ms |\n| --- | ---: |\n| a | 1 |"
