import pytest

from patternalarm.generator.activity.activity_file import load_activity
from patternalarm.generator.shard import ShardPlan, main

ARGUMENTS = {
    "--run-id": "r1",
    "--pack": "payments",
    "--seed": "7",
    "--shard": "0",
    "--shards": "2",
    "--events-per-minute": "1000",
    "--start-at": "2026-11-24T05:30:00Z",
    "--seconds": "60",
    "--phase": "measured",
}


def plan(shard: int, shards: int, rate: float, seconds: float) -> ShardPlan:
    return ShardPlan("r1", 7, shard, shards, rate, 1_795_498_266_000, seconds)


@pytest.mark.parametrize(
    ("shards", "rate", "seconds"), [(1, 1_000, 60), (3, 10_000, 100), (8, 1_000_000, 7), (7, 11, 90)]
)
def test_shards_share_the_events_out_to_the_last_one(shards, rate, seconds):
    sizes = [plan(shard, shards, rate, seconds).events for shard in range(shards)]
    assert sum(sizes) == round(rate * seconds / 60)
    assert max(sizes) - min(sizes) <= 1


def test_shards_share_the_actors_out():
    one = len(plan(0, 1, 10_000, 60).cohort("payments", load_activity("payments")).model.population)
    four = sum(
        len(plan(shard, 4, 10_000, 60).cohort("payments", load_activity("payments")).model.population)
        for shard in range(4)
    )
    assert one == pytest.approx(2_500, abs=1)
    assert four == pytest.approx(one, abs=4)


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--shard", "2", "there are shards 0 to 1"),
        ("--shard", "-1", "there are shards 0 to 1"),
        ("--shards", "0", "use a whole number from 1 on"),
        ("--events-per-minute", "0", "use a number above 0"),
        ("--events-per-minute", "many", "is no number"),
        ("--seconds", "inf", "use a number above 0"),
        ("--start-at", "soon", "is no ISO 8601 time"),
        ("--seed", "-3", "use a whole number from 0 to"),
        ("--run-id", "Run_1", "use 1 to 60 of a-z"),
        ("--phase", "warmup", "unknown phase warmup: use one of history, measured"),
    ],
)
def test_bad_arguments_are_named_and_exit_2(option, value, message, capsys):
    arguments = [f"{name}={text}" for name, text in {**ARGUMENTS, option: value}.items()]
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err


def test_a_domain_without_a_pack_exits_2(capsys):
    arguments = [f"{name}={text}" for name, text in {**ARGUMENTS, "--pack": "astrology"}.items()]
    assert main(arguments) == 2
    assert capsys.readouterr().err.startswith("error: unknown domain pack astrology")
