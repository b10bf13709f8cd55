import pytest

from patternalarm.contracts.topics import TopicKind
from patternalarm.studies.capacity.measure import Detection, Sample, lag_growth
from patternalarm.studies.errors import StudyError


def samples(lag_at):
    return [Sample(float(second), round(lag_at(second))) for second in range(30)]


def test_a_flat_lag_does_not_grow_whatever_its_height():
    assert lag_growth(samples(lambda second: 5_000), 1_000) == pytest.approx(0)


def test_a_growing_lag_is_a_share_of_the_rate():
    assert lag_growth(samples(lambda second: 50 * second), 1_000) == pytest.approx(0.05)


def test_the_first_third_does_not_count():
    assert lag_growth(samples(lambda second: min(second, 8) * 1_000), 1_000) == pytest.approx(0)


def test_a_lag_that_shrinks_grows_by_less_than_nothing():
    assert lag_growth(samples(lambda second: 9_000 - 100 * second), 1_000) < 0


def test_two_looks_tell_nothing():
    with pytest.raises(StudyError, match="send each rate for longer"):
        lag_growth([Sample(0, 0), Sample(1, 0)], 1_000)


class Scope:
    """A scope whose scores come by a script: one entry for each look, the last one for ever."""

    def __init__(self, scores):
        self.scores = iter(scores)
        self.now = 0.0
        self.last = 0

    def process(self, what):
        return what

    def check(self, names):
        pass

    def records(self, kind):
        if kind is TopicKind.SCORES:
            self.now += 1.0
            self.last = next(self.scores, self.last)
            return self.last
        return 0

    def wait_for(self, condition, what, seconds):
        for _ in range(100):
            if condition():
                return
        raise StudyError(what)


@pytest.fixture
def detection(monkeypatch):
    """Makes the engines of a scope by its script."""

    def make(*scores):
        scope = Scope(scores)
        monkeypatch.setattr("time.monotonic", lambda: scope.now)
        return Detection(scope, quota=None)

    return make


def test_a_drain_ends_when_nothing_comes_any_more_and_its_last_look_is_the_first_without_more(detection):
    engines = detection(100, 150, 150, 200, 300, 300)
    marks = engines.drain(engines.look(), "a script")
    assert [done for _, done, _ in marks] == [0, 50, 50, 100, 200]


def test_a_drain_waits_for_the_first_event_however_long_it_takes(detection):
    engines = detection(*[7] * 30, 8, 9)
    assert engines.drain(engines.look(), "a script")[-1][1] == 2


def test_what_was_done_before_the_drain_began_is_no_wait_for_ever(detection):
    engines = detection(0, 500)
    assert engines.drain(engines.look(), "a script")[-1][1] == 500
