package dev.patternalarm.flink;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.flink.table.api.dataview.ListView;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.data.TimestampData;
import org.apache.flink.table.functions.ProcessTableFunction;

/**
 * The whole path of a record under a coverage-guided fuzzer: clock, key, parser, and both functions as Flink calls them,
 * their state written and read again.
 *
 * <p>{@link FuzzRun} runs it. An input is one record or several, one after another.
 */
public final class RecordFuzzer {

    static final byte BETWEEN_RECORDS = 0x1e;
    private static final long SENT = Instant.parse("2026-11-24T12:00:00Z").toEpochMilli();
    private static final Set<String> OF_THE_ACTOR = Set.of("duplicate", "conflicting", "late");

    private static final String DAY = "\"key\": \"actor_id\", \"window_ms\": 86400000, \"bucket_ms\": 1440000";
    private static final String SHARED = "\"key\": \"device_id\", \"window_ms\": 600000, \"bucket_ms\": 10000";
    private static final String JSON =
            Specs.shopJson(
                    Specs.feature("amount", "field", "\"field\": \"amount\""),
                    Specs.feature("hour", "hour", ""),
                    Specs.feature("count", "count", DAY),
                    Specs.feature("sum", "sum", DAY + ", \"field\": \"amount\""),
                    Specs.feature("max", "max", DAY + ", \"field\": \"weight\""),
                    Specs.feature("std", "std", DAY + ", \"field\": \"pieces\""),
                    Specs.feature("ratio", "ratio", DAY + ", \"field\": \"amount\""),
                    Specs.feature("distinct", "distinct", DAY + ", \"field\": \"device_id\""),
                    Specs.feature("is_new", "is_new", DAY + ", \"field\": \"label\""),
                    Specs.feature("since", "seconds_since", "\"key\": \"actor_id\""),
                    Specs.feature("shared_sum", "sum", SHARED + ", \"field\": \"amount\""),
                    Specs.feature("shared_distinct", "distinct", SHARED + ", \"field\": \"actor_id\""));
    private static final JobSpec SPEC = JobSpec.parse(JSON);
    private static final int DEVICE = SPEC.textIndex("device_id");
    private static final EventParser PARSER = new EventParser(SPEC);
    private static final KeyState ACTOR_STATE = new FeatureEngine(SPEC, FeatureEngine.ACTOR_KEY).newState();
    private static final KeyState DEVICE_STATE = new FeatureEngine(SPEC, "device_id").newState();

    private static final FlinkOfTests FLINK = new FlinkOfTests();
    private static final List<RowData> OUT = new ArrayList<>();
    private static final ActorFeatures ACTOR = new ActorFeatures();
    private static final SharedKeyFeatures SHARED_KEY = new SharedKeyFeatures();

    static {
        ACTOR.open(FLINK.functionContext(JSON));
        ACTOR.setCollector(FlinkOfTests.into(OUT));
        SHARED_KEY.open(FLINK.functionContext(JSON));
        SHARED_KEY.setCollector(FlinkOfTests.into(OUT));
    }

    // Flink's state, by key.
    private final Map<String, ActorFeatures.Memory> actors = new HashMap<>();
    private final Map<String, SharedKeyFeatures.Memory> devices = new HashMap<>();
    private final Map<String, ListView<SharedKeyFeatures.Waiting>> waiting = new HashMap<>();

    private RecordFuzzer() {}

    /** Loads what an input needs: on a busy machine that takes longer than an input may. */
    public static void fuzzerInitialize() throws Exception {
        fuzzerTestOneInput("{}".getBytes(StandardCharsets.UTF_8));
    }

    /** Takes {@code input} through the path; throws where a promise does not hold. */
    public static void fuzzerTestOneInput(byte[] input) throws Exception {
        FLINK.watermark = null;
        FLINK.timers.clear();
        RecordFuzzer path = new RecordFuzzer();
        int from = 0;
        int accepted = 0;
        int through = 0;
        for (int i = 0; i <= input.length; i++) {
            if (i == input.length || input[i] == BETWEEN_RECORDS) {
                RowData event = path.take(Arrays.copyOfRange(input, from, i), i);
                if (event != null) {
                    accepted++;
                    through += path.share(event);
                }
                from = i + 1;
            }
        }
        assertEquals(accepted, through + path.end());
    }

    /** The row of an event; null for what comes out as a dead letter. */
    private RowData take(byte[] raw, long offset) {
        EventParser.Parsed event = PARSER.parse(raw, SENT);
        Invariants.check(SPEC, raw, SENT, SPEC.maxFutureMs, event);
        Instant clock = new EventTime().eval(raw, Instant.ofEpochMilli(SENT), SPEC.maxFutureMs);
        ActorKey key = new ActorKey();
        key.open(SPEC);
        String actor = key.eval(raw, 0, offset);
        GenericRowData input =
                GenericRowData.of(
                        TimestampData.fromEpochMillis(clock.toEpochMilli()),
                        raw,
                        0,
                        offset,
                        TimestampData.fromEpochMillis(SENT),
                        StringData.fromString(actor));
        ActorFeatures.Memory memory = actors.computeIfAbsent(actor, name -> new ActorFeatures.Memory());
        ACTOR.eval(FLINK.context(ProcessTableFunction.Context.class, SENT), memory, input);
        RowData row = onlyRow();
        checkState(ACTOR_STATE, memory.bytes);
        if (row.isNullAt(0)) {
            assertEquals(null, event.reason);
            checkValues(row.getArray(13).toDoubleArray());
            return row;
        }
        String reason = row.getString(0).toString();
        String detail = row.getString(1).toString();
        assertTrue(event.reason == null ? OF_THE_ACTOR.contains(reason) : reason.equals(event.reason), reason);
        assertEquals(detail, Texts.printable(detail, SPEC.maxDetailCharacters));
        return null;
    }

    /** Takes an event to the function of shared keys; how many rows came out. */
    private int share(RowData event) throws Exception {
        StringData device = event.getArray(12).isNullAt(DEVICE) ? null : event.getArray(12).getString(DEVICE);
        long timeMs = event.getLong(7);
        GenericRowData input =
                GenericRowData.of(
                        TimestampData.fromEpochMillis(timeMs), device, event.getInt(3), event.getLong(4), event.getLong(5),
                        event.getLong(6), timeMs, event.getBoolean(8),
                        event.isNullAt(9) ? null : event.getDecimal(9, 18, 4),
                        event.isNullAt(10) ? null : event.getDecimal(10, 18, 4),
                        event.getArray(11), event.getArray(12), event.getArray(13), event.getBoolean(14));
        String key = String.valueOf(device);
        SharedKeyFeatures.Memory memory = devices.computeIfAbsent(key, name -> new SharedKeyFeatures.Memory());
        SHARED_KEY.eval(
                FLINK.context(ProcessTableFunction.Context.class, timeMs), memory,
                waiting.computeIfAbsent(key, name -> new ListView<>()), input, "device_id");
        checkState(DEVICE_STATE, memory.bytes);
        return checkShared();
    }

    /** Lets time run out; how many rows came out. */
    private int end() throws Exception {
        FLINK.watermark = Long.MAX_VALUE;
        ProcessTableFunction.OnTimerContext context = FLINK.context(ProcessTableFunction.OnTimerContext.class, Long.MAX_VALUE);
        for (ActorFeatures.Memory memory : actors.values()) {
            ACTOR.onTimer(context, memory);
        }
        for (Map.Entry<String, SharedKeyFeatures.Memory> device : devices.entrySet()) {
            if (device.getValue().keyName != null) {
                SHARED_KEY.onTimer(context, device.getValue(), waiting.get(device.getKey()));
            }
        }
        return checkShared();
    }

    private static int checkShared() {
        OUT.forEach(row -> checkValues(row.getArray(10).toDoubleArray()));
        int rows = OUT.size();
        OUT.clear();
        return rows;
    }

    private static RowData onlyRow() {
        assertEquals(1, OUT.size());
        return OUT.remove(0);
    }

    private static void checkState(KeyState state, byte[] bytes) {
        if (bytes != null) {
            state.read(bytes);
            assertArrayEquals(bytes, state.write());
        }
    }

    private static void checkValues(double[] values) {
        for (int i = 0; i < values.length; i++) {
            if (Double.isInfinite(values[i])) {
                throw new AssertionError("feature " + SPEC.features.get(i).name + " is infinite");
            }
        }
    }
}
