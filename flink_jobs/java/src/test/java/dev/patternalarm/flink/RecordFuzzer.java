package dev.patternalarm.flink;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import java.time.Instant;
import java.util.Arrays;
import org.apache.flink.table.data.GenericArrayData;

/**
 * The whole path of a record under a coverage-guided fuzzer: clock, key, parser, features, state written and read again.
 *
 * <p>{@link FuzzRun} runs it. An input is one record or several of one actor's, one after another.
 */
public final class RecordFuzzer {

    static final byte BETWEEN_RECORDS = 0x1e;
    private static final long SENT = Instant.parse("2026-11-24T12:00:00Z").toEpochMilli();

    private static final String DAY = "\"key\": \"actor_id\", \"window_ms\": 86400000, \"bucket_ms\": 1440000";
    private static final JobSpec SPEC =
            Specs.shop(
                    Specs.feature("amount", "field", "\"field\": \"amount\""),
                    Specs.feature("hour", "hour", ""),
                    Specs.feature("count", "count", DAY),
                    Specs.feature("sum", "sum", DAY + ", \"field\": \"amount\""),
                    Specs.feature("max", "max", DAY + ", \"field\": \"weight\""),
                    Specs.feature("std", "std", DAY + ", \"field\": \"pieces\""),
                    Specs.feature("ratio", "ratio", DAY + ", \"field\": \"amount\""),
                    Specs.feature("distinct", "distinct", DAY + ", \"field\": \"device_id\""),
                    Specs.feature("is_new", "is_new", DAY + ", \"field\": \"label\""),
                    Specs.feature("since", "seconds_since", "\"key\": \"actor_id\""));
    private static final EventParser PARSER = new EventParser(SPEC);
    private static final FeatureEngine ENGINE = new FeatureEngine(SPEC, FeatureEngine.ACTOR_KEY);

    private RecordFuzzer() {}

    /** Takes {@code input} through the path; throws where a promise does not hold. */
    public static void fuzzerTestOneInput(byte[] input) {
        KeyState state = ENGINE.newState();
        byte[] memory = null;
        int from = 0;
        for (int i = 0; i <= input.length; i++) {
            if (i == input.length || input[i] == BETWEEN_RECORDS) {
                memory = take(Arrays.copyOfRange(input, from, i), state, memory);
                from = i + 1;
            }
        }
    }

    private static byte[] take(byte[] raw, KeyState state, byte[] memory) {
        EventParser.Parsed event = PARSER.parse(raw, SENT);
        Invariants.check(SPEC, raw, SENT, SPEC.maxFutureMs, event);
        if (event.reason != null) {
            return memory;
        }
        GenericArrayData numbers = new GenericArrayData(event.numbers);
        GenericArrayData texts = new GenericArrayData(event.texts);
        double[] values = new double[SPEC.features.size()];
        Arrays.fill(values, Double.NaN);
        state.read(memory);
        ENGINE.before(state, event.eventTimeMs, numbers, texts, values);
        ENGINE.add(state, event.eventTimeMs, numbers, texts);
        ENGINE.after(state, event.eventTimeMs, numbers, texts, values);
        for (int i = 0; i < values.length; i++) {
            if (Double.isInfinite(values[i])) {
                throw new AssertionError("feature " + SPEC.features.get(i).name + " is infinite");
            }
        }
        byte[] written = state.write();
        state.read(written);
        assertArrayEquals(written, state.write());
        return written;
    }
}
