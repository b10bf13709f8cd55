"""What follows from the figures of the batching study, in sentences that hold for any figures."""

from dataclasses import dataclass

import numpy as np

from patternalarm.contracts.runs import EVENTS_PER_MINUTE, Level
from patternalarm.studies.batching import original
from patternalarm.studies.batching.result import BatchingResult, Measurement, Split, Way
from patternalarm.studies.wording import count, milliseconds, percent, times

# Two figures this close are the same, on a machine that others use, too.
_SAME = 1.2


@dataclass(frozen=True)
class Cost:
    """What a request costs as ``fixed_ms + per_row_ms * rows``."""

    fixed_ms: float
    per_row_ms: float


def cost_of(measurements: list[Measurement]) -> Cost:
    """Least squares of the median latency over rows, each weighted by its own latency, so that small requests count, too."""
    rows = np.array([one.rows for one in measurements], dtype=float)
    latency = np.array([one.p50_ms for one in measurements])
    design = np.column_stack([np.ones_like(rows), rows]) / latency[:, np.newaxis]
    fixed, per_row = np.linalg.lstsq(design, np.ones_like(latency), rcond=None)[0]
    return Cost(float(fixed), float(per_row))


def conclusions(result: BatchingResult) -> list[str]:
    """Sentences, each a point of its own."""
    points = []
    single, hundred = result.find(Way.SPARK_JOB), result.find(Way.SPARK_JOB, original.BATCH_ROWS)
    if single and hundred:
        points += [_batching(single, hundred), _overhead(result, single)]
    if single and single.split:
        points.append(_split(single.split, result.find(Way.IN_PROCESS)))
    points += _streams(result, hundred)
    points += _without_spark(result, single)
    return points


def _batching(single: Measurement, hundred: Measurement) -> str:
    gain = single.ms_per_row / hundred.ms_per_row
    if gain > original.TIMES_FASTER * _SAME:
        beside = "more than"
    elif gain * _SAME < original.TIMES_FASTER:
        beside = "less than"
    else:
        beside = "as much as"
    return (
        f"A Spark job for one row takes {milliseconds(single.p50_ms)}, for {hundred.rows} rows "
        f"{milliseconds(hundred.p50_ms)}: batching makes a row {times(gain)} times cheaper, {beside} the "
        f"{times(original.TIMES_FASTER)} times that the original told. By sharing alone a batch of {hundred.rows} gains "
        f"{hundred.rows} times at most; this is {percent(gain / hundred.rows)} of that."
    )


def _overhead(result: BatchingResult, single: Measurement) -> str:
    cost = cost_of([one for one in result.measurements if one.way is Way.SPARK_JOB])
    fixed = cost.fixed_ms / single.p50_ms
    sentence = (
        f"Over all sizes a job costs about {milliseconds(max(cost.fixed_ms, 0))} whatever it scores and "
        f"{milliseconds(max(cost.per_row_ms, 0))} a row more"
    )
    if fixed >= 0.5:
        return (
            f"{sentence}: of a single request, the overhead is nearly all there is, and a larger batch is nearly free."
        )
    return f"{sentence}: the rows themselves weigh more than the overhead, so larger batches gain little here."


def _split(split: Split, alone: Measurement | None) -> str:
    parts = {"createDataFrame": split.create_ms, "transform": split.transform_ms, "collect": split.collect_ms}
    total = sum(parts.values())
    largest = max(parts, key=lambda name: parts[name])
    shares = ", ".join(f"{name} {milliseconds(value)} ({percent(value / total)})" for name, value in parts.items())
    as_told = "as in the original" if largest == "collect" else "where the original had collect"
    sentence = f"Of a single request's time, {largest} takes most, {as_told}: {shares}."
    if alone is None:
        return sentence
    return (
        f"{sentence} The trees themselves take {milliseconds(alone.p50_ms)} by numpy; what is beyond that is making a plan, "
        "compiling it, scheduling tasks, and moving rows between Python and the JVM."
    )


def _streams(result: BatchingResult, hundred: Measurement | None) -> list[str]:
    realtime, microbatch = result.find(Way.REALTIME), result.find(Way.MICROBATCH)
    points = []
    if realtime and microbatch:
        quicker, slower = (
            ("real-time", "micro-batch") if realtime.p50_ms <= microbatch.p50_ms else ("micro-batch", "real-time")
        )
        ratio = max(realtime.p50_ms, microbatch.p50_ms) / max(min(realtime.p50_ms, microbatch.p50_ms), 1e-9)
        points.append(
            f"A stream pays the overhead once. At {count(result.paced_per_second)} events a second the {quicker} stream "
            f"scores an event {times(ratio)} times sooner than the {slower} one (p50 {milliseconds(realtime.p50_ms)} "
            f"real-time, {milliseconds(microbatch.p50_ms)} micro-batch; p99 {milliseconds(realtime.p99_ms)} and "
            f"{milliseconds(microbatch.p99_ms)})."
        )
    best = max((one for one in (realtime, microbatch) if one), key=lambda one: one.rows_per_cpu_second, default=None)
    if best and hundred:
        gain = best.rows_per_cpu_second / hundred.rows_per_cpu_second
        than = (
            f"{times(gain)} times as many as"
            if gain >= _SAME
            else "about as many as"
            if gain * _SAME > 1
            else "fewer than"
        )
        points.append(
            f"For one CPU second {describe(best)} scores {count(best.rows_per_cpu_second)} events, Kafka's records "
            f"read and written included: {than} jobs of {hundred.rows} rows ({count(hundred.rows_per_cpu_second)}), without "
            "anybody having to collect a batch first."
        )
    return points


def _without_spark(result: BatchingResult, single: Measurement | None) -> list[str]:
    points = []
    alone = result.find(Way.IN_PROCESS)
    if alone and single:
        factor = single.p50_ms / alone.p50_ms
        follows = (
            "whoever asks for one score and waits for it is not served by Spark"
            if factor > _SAME
            else "for one score at a time Spark is no worse"
        )
        points.append(
            f"The same forest without Spark scores one row in {milliseconds(alone.p50_ms)}, "
            f"{times(factor)} times faster than a Spark job: {follows}."
        )
    by_http = result.find(Way.HTTP)
    if by_http:
        points.append(
            f"Behind POST /api/predict one row takes {milliseconds(by_http.p50_ms)} at the median and "
            f"{milliseconds(by_http.p99_ms)} at p99, HTTP, checks and reasons included."
        )
    fastest = max(result.measurements, key=lambda one: one.rows_per_second, default=None)
    if fastest:
        held = [level for level in Level if fastest.rows_per_second * 60 >= EVENTS_PER_MINUTE[level]]
        reach = f"enough to score the load level {held[-1]}" if held else "not enough to score any load level"
        points.append(
            f"The highest throughput is that of {describe(fastest)}: {count(fastest.rows_per_second * 60)} rows a "
            f"minute with what it could have of this machine, {reach}."
        )
    return points


def describe(measurement: Measurement) -> str:
    """A measurement's way in words."""
    rows = "1 row" if measurement.rows == 1 else f"{measurement.rows:,} rows"
    return {
        Way.SPARK_JOB: f"a Spark job for {rows}",
        Way.MICROBATCH: "the stream in micro-batches",
        Way.REALTIME: "the stream in real-time mode",
        Way.IN_PROCESS: f"the forest without Spark, {rows}",
        Way.HTTP: f"POST /api/predict, {rows}",
    }[measurement.way]
