package dev.patternalarm.flink;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.zip.CRC32;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.data.TimestampData;
import org.apache.flink.table.functions.ProcessTableFunction;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The function over the state of one actor, as Flink calls it. */
class ActorFeaturesTest {

    private static final long START = Instant.parse("2026-11-24T12:00:00Z").toEpochMilli();
    private static final String HOUR = "\"key\": \"actor_id\", \"window_ms\": 3600000, \"bucket_ms\": 60000";

    private final ActorFeatures function = new ActorFeatures();
    private final ActorFeatures.Memory memory = new ActorFeatures.Memory();
    private final List<RowData> out = new ArrayList<>();
    private final FlinkOfTests flink = new FlinkOfTests();

    @BeforeEach
    void open() {
        String spec =
                Specs.json(
                        Specs.feature("count", "count", HOUR),
                        Specs.feature("mean", "mean", HOUR + ", \"field\": \"amount\""),
                        Specs.feature("new", "is_new", HOUR + ", \"field\": \"device_id\""));
        function.open(flink.functionContext(spec));
        function.setCollector(FlinkOfTests.into(out));
    }

    /** What comes out for the event {@code id} that happened {@code seconds} after the start. */
    private RowData take(String id, double seconds, double amount, int partition, long offset) {
        long timeMs = START + (long) (seconds * 1_000);
        String json =
                "{\"event_id\":\"%s\",\"schema_version\":\"1.0\",\"domain\":\"payments\",\"event_type\":\"t\",\"event_time\":%d,"
                        + "\"actor_id\":\"a1\",\"device_id\":\"%s\",\"amount\":%s,\"currency\":\"EUR\"}";
        return take(json.formatted(id, timeMs, "d" + id, amount).getBytes(StandardCharsets.UTF_8), timeMs, partition, offset);
    }

    private RowData take(byte[] payload, long timeMs, int partition, long offset) {
        GenericRowData input =
                GenericRowData.of(
                        TimestampData.fromEpochMillis(timeMs),
                        payload,
                        partition,
                        offset,
                        TimestampData.fromEpochMillis(timeMs + 5),
                        StringData.fromString("a1"));
        function.eval(flink.context(ProcessTableFunction.Context.class, timeMs), memory, input);
        return out.get(out.size() - 1);
    }

    private static String reason(RowData row) {
        return row.isNullAt(0) ? null : row.getString(0).toString();
    }

    private static double[] values(RowData row) {
        return row.getArray(13).toDoubleArray();
    }

    @Test
    void aKilledTaskManagerMakesNoFalseDuplicates() {
        List<double[]> before = new ArrayList<>();
        byte[] checkpoint = null;
        for (int i = 0; i < 10; i++) {
            before.add(values(take("e" + i, i, i, 2, i)));
            checkpoint = i == 4 ? memory.bytes.clone() : checkpoint;
        }
        byte[] newest = memory.bytes.clone();

        // State and source offsets are of one checkpoint: what came after it is read again, and gives the same.
        memory.bytes = checkpoint;
        for (int i = 5; i < 10; i++) {
            assertArrayEquals(before.get(i), values(take("e" + i, i, i, 2, i)));
        }
        assertArrayEquals(newest, memory.bytes);

        // Even with the newer state a record is no copy of itself, nor does it count again.
        for (int i = 5; i < 10; i++) {
            RowData again = take("e" + i, i, i, 2, i);
            assertEquals(null, reason(again));
            assertEquals(10.0, values(again)[0]);
        }
        assertArrayEquals(newest, memory.bytes);

        // A copy is one, on whichever side of the restart its first stands.
        for (int i : new int[] {1, 9}) {
            RowData copy = take("e" + i, i, i, 2, 100 + i);
            assertEquals("duplicate", reason(copy));
            assertTrue(copy.getString(1).toString().contains("partition 2, offset " + i));
        }
        assertArrayEquals(newest, memory.bytes);
    }

    @Test
    void whatIsNoEventComesOutWithNoMoreBytesThanAnEventMayHave() {
        RowData none = take((byte[]) null, START, 0, 0);
        assertEquals("malformed_json", reason(none));
        assertTrue(none.isNullAt(2));

        byte[] large = "x".repeat(900_000).getBytes(StandardCharsets.UTF_8);
        RowData oversized = take(large, START, 0, 1);
        assertEquals("oversized", reason(oversized));
        assertArrayEquals(Arrays.copyOf(large, 2_000), oversized.getBinary(2));
        CRC32 whole = new CRC32();
        whole.update(large);
        assertEquals(whole.getValue(), oversized.getLong(6));
    }

    @Test
    void copiesChangeNothing() {
        take("e1", 0, 10, 0, 0);
        byte[] state = memory.bytes.clone();
        assertEquals("duplicate", reason(take("e1", 0, 10, 0, 1)));
        assertEquals("conflicting", reason(take("e1", 0, 11, 0, 2)));
        assertEquals("conflicting", reason(take("e1", 3_000, 10, 0, 3)));
        assertArrayEquals(state, memory.bytes);
        // Identity goes before lateness: nothing was lost.
        take("e2", 300, 10, 0, 4);
        assertEquals("duplicate", reason(take("e1", 0, 10, 0, 5)));
        assertEquals("late", reason(take("e3", 1, 10, 0, 6)));
        assertEquals(2.0, values(take("e2", 300, 10, 0, 4))[0]);
    }

    @Test
    void whatIsForgottenBeforeItsTimeIsCountedAndFlaggedOverARestart() {
        byte[] checkpoint = null;
        for (int i = 0; i < 513; i++) {
            checkpoint = memory.bytes;
            RowData row = take("e" + i, i, 1, 0, i);
            assertEquals(null, reason(row));
            assertEquals(i == 512, row.getBoolean(14));
        }
        assertEquals(1, flink.counter.getCount());
        memory.bytes = checkpoint;
        assertTrue(take("e512", 512, 1, 0, 512).getBoolean(14));
        assertEquals("late", reason(take("e0", 0, 1, 0, 600)));
        assertEquals("duplicate", reason(take("e1", 1, 1, 0, 601)));
    }

    @Test
    void anEventThatIsNotAfterTheWatermarkIsFlagged() {
        assertFalse(take("e1", 0, 1, 0, 0).getBoolean(8));
        flink.watermark = START + 9_999;
        assertFalse(take("e2", 10, 1, 0, 1).getBoolean(8));
        flink.watermark = START + 11_000;
        assertTrue(take("e3", 11, 1, 0, 2).getBoolean(8));
    }

    @Test
    void theActorIsKeptForAsLongAsItsCopiesCanCome() {
        take("e1", 0, 1, 0, 0);
        assertEquals(Set.of(START + 3_600_000 + 60_000 + 1), flink.timers);
    }
}
