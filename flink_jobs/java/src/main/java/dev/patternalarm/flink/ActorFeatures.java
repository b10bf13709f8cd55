package dev.patternalarm.flink;

import java.time.Instant;
import org.apache.flink.table.annotation.ArgumentHint;
import org.apache.flink.table.annotation.ArgumentTrait;
import org.apache.flink.table.annotation.DataTypeHint;
import org.apache.flink.table.annotation.FunctionHint;
import org.apache.flink.table.annotation.StateHint;
import org.apache.flink.table.data.ArrayData;
import org.apache.flink.table.data.GenericArrayData;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.functions.FunctionContext;
import org.apache.flink.table.functions.ProcessTableFunction;

/**
 * Features of the actor, one row out for each row in, at once: it never waits for the watermark.
 *
 * <p>An event that is older than its actor's newest by more than the pack's lateness comes out with reason "late"
 * instead. An actor's events are in one partition, so this is a function of Kafka's order and nothing else.
 *
 * <p>Input: {@link #INPUT}. Output: {@link #OUTPUT}, beside actor_id (the partition key) and rowtime.
 */
@FunctionHint(output = @DataTypeHint(value = ActorFeatures.OUTPUT, bridgedTo = RowData.class))
public final class ActorFeatures extends ProcessTableFunction<RowData> {

    static final String OUTPUT =
            "ROW<reason STRING, detail STRING, payload BYTES, source_partition INT, source_offset BIGINT, sent_at_ms BIGINT,"
                    + " source_crc BIGINT, event_id STRING, event_type STRING, event_time_ms BIGINT,"
                    + " counterparty_id STRING, device_id STRING, ip STRING, country STRING, channel STRING,"
                    + " amount DECIMAL(18, 4), currency STRING, numbers ARRAY<DOUBLE>, texts ARRAY<STRING>,"
                    + " `values` ARRAY<DOUBLE>>";

    static final String INPUT =
            "ROW<event_time TIMESTAMP_LTZ(3), payload BYTES, source_partition INT, source_offset BIGINT,"
                    + " sent_at_ms BIGINT, source_crc BIGINT, event_id STRING, event_type STRING, event_time_ms BIGINT,"
                    + " actor_id STRING, counterparty_id STRING, device_id STRING, ip STRING, country STRING,"
                    + " channel STRING, amount DECIMAL(18, 4), currency STRING, numbers ARRAY<DOUBLE>,"
                    + " texts ARRAY<STRING>>";

    private static final int WIDTH = 20;
    private static final StringData LATE = StringData.fromString("late");

    private transient JobSpec spec;
    private transient FeatureEngine engine;
    private transient KeyState key;

    /** Flink's handle on {@link KeyState}. */
    public static class Memory {
        public byte[] bytes;
    }

    @Override
    public void open(FunctionContext context) {
        spec = JobSpec.from(context);
        engine = new FeatureEngine(spec, FeatureEngine.ACTOR_KEY);
        key = engine.newState();
    }

    public void eval(
            Context context,
            @StateHint Memory memory,
            @ArgumentHint(
                            value = {ArgumentTrait.SET_SEMANTIC_TABLE, ArgumentTrait.REQUIRE_ON_TIME},
                            type = @DataTypeHint(value = INPUT, bridgedTo = RowData.class))
                    RowData input) {
        long timeMs = input.getLong(8);
        key.read(memory.bytes);
        GenericRowData out = new GenericRowData(WIDTH);
        if (key.newestMs != Long.MIN_VALUE && timeMs < key.newestMs - spec.latenessMs) {
            out.setField(0, LATE);
            out.setField(1, StringData.fromString("event_time is " + (key.newestMs - timeMs) + " ms behind the actor's newest event"));
            out.setField(2, input.getBinary(1));
        } else {
            ArrayData numbers = input.getArray(17);
            ArrayData texts = input.getArray(18);
            Double[] values = new Double[spec.features.size()];
            java.util.Arrays.fill(values, Double.NaN);
            engine.before(key, timeMs, numbers, texts, values);
            engine.add(key, timeMs, numbers, texts);
            engine.after(key, timeMs, numbers, texts, values);
            out.setField(17, numbers);
            out.setField(18, texts);
            out.setField(19, new GenericArrayData(values));
            if (!key.timerSet) {
                key.timerSet = true;
                context.timeContext(Long.class).registerOnTime(key.newestMs + engine.keepMs() + 1);
            }
            memory.bytes = key.write();
        }
        out.setField(3, input.getInt(2));
        out.setField(4, input.getLong(3));
        out.setField(5, input.getLong(4));
        out.setField(6, input.getLong(5));
        out.setField(7, input.getString(6));
        out.setField(8, input.getString(7));
        out.setField(9, timeMs);
        for (int i = 10; i <= 14; i++) {
            out.setField(i, input.isNullAt(i) ? null : input.getString(i));
        }
        out.setField(15, input.isNullAt(15) ? null : input.getDecimal(15, 18, 4));
        out.setField(16, input.isNullAt(16) ? null : input.getString(16));
        collect(out);
    }

    /** Forgets the actor once nothing of it can matter. State TTL would go by the wall clock, which a replay outruns. */
    public void onTimer(OnTimerContext context, Memory memory) {
        TimeContext<Long> time = context.timeContext(Long.class);
        key.read(memory.bytes);
        long due = key.newestMs + engine.keepMs() + 1;
        if (due <= time.time() || time.currentWatermark() == Long.MAX_VALUE) {
            // Not clearAll(): see SharedKeyFeatures.
            context.clearAllState();
        } else {
            time.registerOnTime(due);
        }
    }
}
