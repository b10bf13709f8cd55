package dev.patternalarm.flink;

import java.util.Arrays;
import org.apache.flink.metrics.Counter;
import org.apache.flink.table.annotation.ArgumentHint;
import org.apache.flink.table.annotation.ArgumentTrait;
import org.apache.flink.table.annotation.DataTypeHint;
import org.apache.flink.table.annotation.FunctionHint;
import org.apache.flink.table.annotation.StateHint;
import org.apache.flink.table.data.GenericArrayData;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.functions.FunctionContext;
import org.apache.flink.table.functions.ProcessTableFunction;

/**
 * Parses an event and computes the features of its actor, one row out for each record in, at once: it never waits for
 * the watermark.
 *
 * <p>What is no event comes out with the reason, and so does what {@link Admission} does not count: copies and late events.
 * An actor's events are in one partition, so this is a function of Kafka's order and nothing else; and as state and
 * source offsets are of one checkpoint, a restart repeats it.
 *
 * <p>{@code behind_watermark} is true when the row's time, min(event_time, sent_at), is not after the watermark that this
 * operator has reached. Patterns drop what is not after theirs, which is never ahead of this one: so they saw every
 * event that is not flagged, and may have missed any that is.
 *
 * <p>{@code identity_forgotten} is true when an older event of the actor had to be forgotten before its time for this one to
 * be remembered: a copy of that one would count again.
 *
 * <p>Input: {@link #INPUT}, partitioned by {@link ActorKey}. Output: {@link #OUTPUT}, beside that key and rowtime;
 * payload for what has a reason (of an oversized record its beginning), the event's fields for what has none.
 */
@FunctionHint(output = @DataTypeHint(value = ActorFeatures.OUTPUT, bridgedTo = RowData.class))
public final class ActorFeatures extends ProcessTableFunction<RowData> {

    static final String OUTPUT =
            "ROW<reason STRING, detail STRING, payload BYTES, source_partition INT, source_offset BIGINT,"
                    + " sent_at_ms BIGINT, source_crc BIGINT, event_time_ms BIGINT, behind_watermark BOOLEAN,"
                    + " amount DECIMAL(18, 4), amount_base DECIMAL(18, 4), numbers ARRAY<DOUBLE>, texts ARRAY<STRING>, `values` ARRAY<DOUBLE>,"
                    + " identity_forgotten BOOLEAN>";

    static final String INPUT =
            "ROW<event_time TIMESTAMP_LTZ(3), payload BYTES, source_partition INT, source_offset BIGINT,"
                    + " sent_at TIMESTAMP_LTZ(3), actor_key STRING>";

    /** Metric: events forgotten before their time, because their actor had more of them than are remembered. */
    static final String FORGOTTEN = "identities_forgotten";

    private static final int WIDTH = 15;

    private transient JobSpec spec;
    private transient EventParser parser;
    private transient Admission admission;
    private transient FeatureEngine engine;
    private transient KeyState key;
    private transient long keepMs;
    private transient Counter forgotten;

    /** Flink's handle on {@link KeyState}. */
    public static class Memory {
        public byte[] bytes;
    }

    @Override
    public void open(FunctionContext context) {
        spec = JobSpec.from(context);
        parser = new EventParser(spec);
        engine = new FeatureEngine(spec, FeatureEngine.ACTOR_KEY);
        key = engine.newState();
        admission = new Admission(spec);
        keepMs = Math.max(engine.keepMs(), admission.memoryMs());
        forgotten = context.getMetricGroup().counter(FORGOTTEN);
    }

    public void eval(
            Context context,
            // Without a ttl Flink 2.3 takes 2^63 ms for one and wraps every value in a time stamp that it looks after.
            @StateHint(ttl = "0 s") Memory memory,
            @ArgumentHint(
                            value = {ArgumentTrait.SET_SEMANTIC_TABLE, ArgumentTrait.REQUIRE_ON_TIME},
                            type = @DataTypeHint(value = INPUT, bridgedTo = RowData.class))
                    RowData input) {
        byte[] payload = input.isNullAt(1) ? null : input.getBinary(1);
        long sentAtMs = input.getTimestamp(4, 3).getMillisecond();
        EventParser.Parsed event = parser.parse(payload, sentAtMs);
        GenericRowData out = new GenericRowData(WIDTH);
        if (event.reason == null) {
            featurise(context, memory, event, input, out);
        }
        if (event.reason != null) {
            out.setField(0, StringData.fromString(event.reason));
            out.setField(1, StringData.fromString(event.detail));
            out.setField(2, kept(payload));
        }
        out.setField(3, input.getInt(2));
        out.setField(4, input.getLong(3));
        out.setField(5, sentAtMs);
        out.setField(6, event.crc);
        collect(out);
    }

    /** As much as any event may have: a dead letter that holds a larger record as text could be too large for Kafka itself. */
    private byte[] kept(byte[] payload) {
        return payload == null || payload.length <= spec.maxEventBytes ? payload : Arrays.copyOf(payload, spec.maxEventBytes);
    }

    private void featurise(Context context, Memory memory, EventParser.Parsed event, RowData input, GenericRowData out) {
        long timeMs = event.eventTimeMs;
        int partition = input.getInt(2);
        long offset = input.getLong(3);
        key.read(memory.bytes);
        Admission.Verdict verdict = admission.judge(key, event, partition, offset);
        if (event.reason != null) {
            return;
        }
        TimeContext<Long> time = context.timeContext(Long.class);
        GenericArrayData numbers = new GenericArrayData(event.numbers);
        GenericArrayData texts = new GenericArrayData(event.texts);
        double[] values = new double[spec.features.size()];
        Arrays.fill(values, Double.NaN);
        engine.before(key, timeMs, numbers, texts, values);
        boolean forgot = false;
        // What was counted and is read again is in the sums already.
        if (verdict == Admission.Verdict.FIRST) {
            engine.add(key, timeMs, numbers, texts);
            forgot = admission.remember(key, event, partition, offset);
            if (forgot) {
                forgotten.inc();
            }
        }
        engine.after(key, timeMs, numbers, texts, values);
        Long watermark = time.currentWatermark();
        out.setField(7, timeMs);
        out.setField(8, watermark != null && input.getTimestamp(0, 3).getMillisecond() <= watermark);
        out.setField(9, event.amount);
        out.setField(10, event.amountBase);
        out.setField(11, EventArrays.of(event.numbers));
        out.setField(12, EventArrays.of(event.texts));
        out.setField(13, EventArrays.of(values));
        out.setField(14, forgot);
        if (!key.timerSet) {
            key.timerSet = true;
            time.registerOnTime(key.newestMs + keepMs + 1);
        }
        memory.bytes = key.write();
    }

    /** Forgets the actor once nothing of it can matter. State TTL would go by the wall clock, which a replay outruns. */
    public void onTimer(OnTimerContext context, Memory memory) {
        TimeContext<Long> time = context.timeContext(Long.class);
        key.read(memory.bytes);
        long due = key.newestMs + keepMs + 1;
        if (due <= time.time() || time.currentWatermark() == Long.MAX_VALUE) {
            // Not clearAll(): see SharedKeyFeatures.
            context.clearAllState();
        } else {
            time.registerOnTime(due);
        }
    }
}
