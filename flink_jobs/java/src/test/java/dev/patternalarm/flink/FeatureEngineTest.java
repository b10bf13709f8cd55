package dev.patternalarm.flink;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.apache.flink.table.data.GenericArrayData;
import org.apache.flink.table.data.StringData;
import org.junit.jupiter.api.Test;

class FeatureEngineTest {

    private static final String HOUR_WINDOW = "\"key\": \"actor_id\", \"window_ms\": 3600000, \"bucket_ms\": 60000";
    private static final String DEVICE_WINDOW = "\"key\": \"device_id\", \"window_ms\": 60000, \"bucket_ms\": 1000";

    private record Event(long timeMs, double amount, String type, String actor, String device) {
        GenericArrayData numbers() {
            return new GenericArrayData(new Double[] {Double.isNaN(amount) ? null : amount, 1.0, null});
        }

        GenericArrayData texts() {
            Object[] texts = new Object[Specs.TEXTS];
            texts[Specs.TYPE] = StringData.fromString(type);
            texts[Specs.ACTOR] = StringData.fromString(actor);
            texts[Specs.DEVICE] = StringData.fromString(device);
            return new GenericArrayData(texts);
        }
    }

    private static Event event(double minute, double amount, String device) {
        return new Event((long) (minute * Specs.MINUTE), amount, "purchase", "a", device);
    }

    /** Features of the last of {@code events}, each taken in order by a fresh key of {@code key}. */
    private static double[] last(JobSpec spec, String key, Event... events) {
        FeatureEngine engine = new FeatureEngine(spec, key);
        KeyState state = engine.newState();
        byte[] bytes = null;
        double[] out = null;
        for (Event event : events) {
            state.read(bytes);
            out = new double[spec.features.size()];
            Arrays.fill(out, Double.NaN);
            engine.before(state, event.timeMs, event.numbers(), event.texts(), out);
            engine.add(state, event.timeMs, event.numbers(), event.texts());
            engine.after(state, event.timeMs, event.numbers(), event.texts(), out);
            bytes = state.write();
        }
        return out;
    }

    @Test
    void aggregatesOfTheActorAreThoseComputedByHand() {
        JobSpec spec =
                Specs.with(
                        Specs.feature("count", "count", HOUR_WINDOW),
                        Specs.feature("sum", "sum", HOUR_WINDOW + ", \"field\": \"amount\""),
                        Specs.feature("max", "max", HOUR_WINDOW + ", \"field\": \"amount\""),
                        Specs.feature("mean", "mean", HOUR_WINDOW + ", \"field\": \"amount\""),
                        Specs.feature("std", "std", HOUR_WINDOW + ", \"field\": \"amount\""),
                        Specs.feature("ratio", "ratio", HOUR_WINDOW + ", \"field\": \"amount\""),
                        Specs.feature("distinct", "distinct", HOUR_WINDOW + ", \"field\": \"device_id\""),
                        Specs.feature("is_new", "is_new", HOUR_WINDOW + ", \"field\": \"device_id\""),
                        Specs.feature("since", "seconds_since", "\"key\": \"actor_id\""));
        double[] features =
                last(spec, "actor_id", event(0, 1000, "old"), event(100, 10, "d1"), event(110, 30, "d1"), event(120, 80, "d2"));
        // The first event left the hour: count 3, sum 120, max 80; before the last: mean 20, population std 10.
        assertArrayEquals(new double[] {3.0, 120.0, 80.0, 20.0, 10.0, 4.0, 2.0, 1.0, 600.0}, features);
    }

    @Test
    void theFirstEventOfAnActorMissesWhatNeedsAPast() {
        JobSpec spec =
                Specs.with(
                        Specs.feature("mean", "mean", HOUR_WINDOW + ", \"field\": \"amount\""),
                        Specs.feature("ratio", "ratio", HOUR_WINDOW + ", \"field\": \"amount\""),
                        Specs.feature("is_new", "is_new", HOUR_WINDOW + ", \"field\": \"device_id\""),
                        Specs.feature("since", "seconds_since", "\"key\": \"actor_id\""),
                        Specs.feature("count", "count", HOUR_WINDOW));
        assertArrayEquals(
                new double[] {Double.NaN, Double.NaN, Double.NaN, Double.NaN, 1.0}, last(spec, "actor_id", event(0, 5, "d")));
    }

    @Test
    void aConditionCountsMatchingEventsOnly() {
        JobSpec spec =
                Specs.with(Specs.feature("logins", "count", HOUR_WINDOW + ", \"where\": {\"event_type\": [\"login\", \"logout\"]}"));
        Event login = new Event(0, 1, "login", "a", "d");
        Event purchase = new Event(1000, 1, "purchase", "a", "d");
        assertArrayEquals(new double[] {1.0}, last(spec, "actor_id", login, purchase));
    }

    @Test
    void anEventOutOfOrderDoesNotSeeItsFuture() {
        JobSpec spec = Specs.with(Specs.feature("count", "count", HOUR_WINDOW));
        assertArrayEquals(new double[] {2.0}, last(spec, "actor_id", event(10, 1, "d"), event(20, 1, "d"), event(19, 1, "d")));
    }

    @Test
    void featuresOfOneEventNeedNoPast() {
        JobSpec spec =
                Specs.with(
                        Specs.feature("amount", "field", "\"field\": \"amount\""),
                        Specs.feature("hour", "hour", ""),
                        Specs.feature("weekday", "weekday", ""),
                        Specs.feature("type", "category", "\"field\": \"event_type\", \"categories\": [\"login\", \"purchase\"]"),
                        Specs.feature("known_type", "category", "\"field\": \"event_type\", \"categories\": [\"login\"]"));
        // 2026-11-24 is a Tuesday.
        long time = java.time.Instant.parse("2026-11-24T13:30:00Z").toEpochMilli();
        assertArrayEquals(
                new double[] {7.5, 13.5, 1.0, 1.0, -1.0}, last(spec, "actor_id", new Event(time, 7.5, "purchase", "a", "d")));
    }

    @Test
    void distanceFromParisToLondonIs344Kilometres() {
        GenericArrayData numbers = new GenericArrayData(new Double[] {48.8566, 2.3522, 51.5074, -0.1278});
        assertEquals(343.56, FeatureEngine.distanceKm(new int[] {0, 1, 2, 3}, numbers), 0.05);
    }

    @Test
    void aSharedKeySeesOnlyWholeBucketsOlderThanTheDelay() {
        JobSpec spec =
                Specs.with(
                        Specs.feature("events", "count", DEVICE_WINDOW),
                        Specs.feature("actors", "distinct", DEVICE_WINDOW + ", \"field\": \"actor_id\""));
        Event[] events = {
            new Event(1_000, 1, "t", "a1", "d"), new Event(1_500, 1, "t", "a2", "d"),
            new Event(7_999, 1, "t", "a3", "d"), new Event(8_000, 1, "t", "a4", "d"), new Event(10_999, 1, "t", "a5", "d")
        };
        // 10,999 less the delay of 2,000 is in bucket 8, so bucket 7 (7,000 to 7,999) is the last whole one.
        assertArrayEquals(new double[] {3.0, 3.0}, last(spec, "device_id", events));
    }

    @Test
    void theOrderOfArrivalDoesNotChangeWhatASharedKeySees() {
        JobSpec spec =
                Specs.with(
                        Specs.feature("amounts", "sum", DEVICE_WINDOW + ", \"field\": \"amount\""),
                        Specs.feature("actors", "distinct", DEVICE_WINDOW + ", \"field\": \"actor_id\""));
        Random random = new Random(7);
        Event[] events = new Event[400];
        for (int i = 0; i < events.length; i++) {
            events[i] = new Event(random.nextInt(50_000), random.nextInt(1_000_000) / 100.0, "t", "a" + random.nextInt(90), "d");
        }
        Event reader = new Event(55_000, 0, "t", "r", "d");
        double[] expected = readAfter(spec, events, reader);
        for (int round = 0; round < 5; round++) {
            java.util.Collections.shuffle(Arrays.asList(events), random);
            assertArrayEquals(expected, readAfter(spec, events, reader));
        }
        assertEquals(List.of(events).stream().map(Event::actor).distinct().count(), expected[1]);
    }

    @Test
    void theOrderDoesNotChangeTheSumOfTheLargestNumbersEither() {
        JobSpec spec = Specs.with(Specs.feature("amounts", "sum", DEVICE_WINDOW + ", \"field\": \"amount\""));
        Random random = new Random(8);
        Event[] events = new Event[600];
        java.math.BigDecimal exact = java.math.BigDecimal.ZERO;
        for (int i = 0; i < events.length; i++) {
            double amount = (random.nextBoolean() ? 1e15 : 1e12) * (random.nextDouble() - 0.3);
            amount = i % 3 == 0 ? random.nextInt(100) / 100.0 : Math.rint(amount * 100) / 100;
            events[i] = new Event(random.nextInt(50_000), amount, "t", "a", "d");
            exact = exact.add(new java.math.BigDecimal(amount).setScale(4, java.math.RoundingMode.HALF_EVEN));
        }
        Event reader = new Event(55_000, 0, "t", "r", "d");
        double[] expected = readAfter(spec, events, reader);
        assertEquals(exact.doubleValue(), expected[0], Math.abs(exact.doubleValue()) * 1e-12);
        for (int round = 0; round < 20; round++) {
            java.util.Collections.shuffle(Arrays.asList(events), random);
            assertArrayEquals(expected, readAfter(spec, events, reader));
        }
    }

    @Test
    void whateverTheContractTakesGivesNumbersThatAModelCanRead() {
        String month = "\"key\": \"actor_id\", \"window_ms\": 2592000000, \"bucket_ms\": 43200000, \"field\": \"amount\"";
        JobSpec spec =
                Specs.with(
                        Specs.feature("sum", "sum", month),
                        Specs.feature("max", "max", month),
                        Specs.feature("mean", "mean", month),
                        Specs.feature("std", "std", month),
                        Specs.feature("ratio", "ratio", month),
                        Specs.feature("since", "seconds_since", "\"key\": \"actor_id\""));
        double[] extremes = {1e15, -1e15, 4.9e-324, -4.9e-324, 0.0, 1e-300, 1e12, 0.0001};
        // From the earliest to the latest time that a contract could name, and back within the lateness.
        long[] times = {946_684_800_000L, 4_102_444_800_000L, 4_102_444_799_000L, 4_102_444_829_000L};
        Random random = new Random(9);
        for (int round = 0; round < 2_000; round++) {
            Event[] events = new Event[1 + random.nextInt(12)];
            long[] sorted = new long[events.length];
            for (int i = 0; i < events.length; i++) {
                sorted[i] = times[random.nextInt(times.length)];
            }
            Arrays.sort(sorted);
            for (int i = 0; i < events.length; i++) {
                events[i] = new Event(sorted[i], extremes[random.nextInt(extremes.length)], "t", "a", "d");
            }
            for (double value : last(spec, "actor_id", events)) {
                assertEquals(false, Double.isInfinite(value), Arrays.toString(events));
            }
        }
    }

    private static double[] readAfter(JobSpec spec, Event[] events, Event reader) {
        Event[] all = Arrays.copyOf(events, events.length + 1);
        all[events.length] = reader;
        return last(spec, "device_id", all);
    }

    @Test
    void whatAWaitingEventNeedsIsKeptThoughNewerOnesAreDaysAhead() {
        JobSpec spec = Specs.with(Specs.feature("events", "count", DEVICE_WINDOW));
        FeatureEngine engine = new FeatureEngine(spec, "device_id");
        KeyState state = engine.newState();
        long watermark = 10_000;
        for (long time : new long[] {20_000, 21_000, 22_000, 2 * 86_400_000L, 3 * 86_400_000L}) {
            Event event = new Event(time, 1, "t", "a", "d");
            engine.add(state, time, event.numbers(), event.texts(), watermark);
        }
        Event waiting = new Event(25_000, 1, "t", "a", "d");
        double[] out = {Double.NaN};
        engine.after(state, 25_000, waiting.numbers(), waiting.texts(), out);
        assertArrayEquals(new double[] {3.0}, out);
    }

    @Test
    void stateForgetsWhatNoWindowCanReach() {
        JobSpec spec = Specs.with(Specs.feature("count", "count", HOUR_WINDOW));
        FeatureEngine engine = new FeatureEngine(spec, "actor_id");
        KeyState state = engine.newState();
        for (int minute = 0; minute < 10_000; minute++) {
            Event event = event(minute, 1, "d");
            engine.add(state, event.timeMs, event.numbers(), event.texts());
        }
        // One hour of one-minute buckets, one more for the lateness, one for the bucket that the window's edge cuts.
        assertEquals(63, state.numbers[0].size, 1);
    }
}
