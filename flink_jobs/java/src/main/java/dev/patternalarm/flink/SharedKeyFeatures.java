package dev.patternalarm.flink;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.flink.table.annotation.ArgumentHint;
import org.apache.flink.table.annotation.ArgumentTrait;
import org.apache.flink.table.annotation.DataTypeHint;
import org.apache.flink.table.annotation.FunctionHint;
import org.apache.flink.table.annotation.StateHint;
import org.apache.flink.table.api.dataview.ListView;
import org.apache.flink.table.data.ArrayData;
import org.apache.flink.table.data.DecimalData;
import org.apache.flink.table.data.GenericArrayData;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.functions.FunctionContext;
import org.apache.flink.table.functions.ProcessTableFunction;

/**
 * Fills in the features of a key that many actors share: a device, a counterparty, an address.
 *
 * <p>The events of such a key come from several partitions, so what was seen "so far" depends on how they interleave.
 * Therefore an event reads only whole buckets older than the pack's delay, and waits when the watermark has not passed
 * them yet. As the delay is no shorter than the allowed disorder, a steady stream never waits.
 *
 * <p>Input: {@link #INPUT}, output: {@link #OUTPUT}. An event without the key passes
 * unchanged; its shared_key is a stand-in of its actor's own, so that no single key gathers them all.
 */
@FunctionHint(output = @DataTypeHint(value = SharedKeyFeatures.OUTPUT, bridgedTo = RowData.class))
public final class SharedKeyFeatures extends ProcessTableFunction<RowData> {

    private static final String COLUMNS =
            "source_partition INT, source_offset BIGINT, sent_at_ms BIGINT, source_crc BIGINT, event_id STRING,"
                    + " event_type STRING, event_time_ms BIGINT, actor_id STRING, counterparty_id STRING,"
                    + " device_id STRING, ip STRING, country STRING, channel STRING, amount DECIMAL(18, 4),"
                    + " currency STRING, numbers ARRAY<DOUBLE>, texts ARRAY<STRING>, `values` ARRAY<DOUBLE>>";

    static final String INPUT = "ROW<event_time TIMESTAMP_LTZ(3), shared_key STRING, " + COLUMNS;
    static final String OUTPUT = "ROW<" + COLUMNS;

    private static final int FIRST = 2;
    private static final int EVENT_TIME = FIRST + 6;
    private static final int FIRST_TEXT = FIRST + 7;
    private static final int AMOUNT = FIRST + 13;
    private static final int CURRENCY = FIRST + 14;
    private static final int NUMBERS = FIRST + 15;
    private static final int TEXTS = FIRST + 16;
    private static final int VALUES = FIRST + 17;
    private static final List<String> KEYS =
            List.of("actor_id", "counterparty_id", "device_id", "ip", "country", "channel");

    private transient JobSpec spec;
    private transient Map<String, FeatureEngine> engines;
    private transient Map<String, KeyState> states;

    /** Flink's handle on {@link KeyState}. */
    public static class Memory {
        public byte[] bytes;
        public String keyName;
        public int waiting;
    }

    /** An event that waits for the watermark. */
    public static class Waiting {
        public int sourcePartition;
        public long sourceOffset;
        public long sentAtMs;
        public long sourceCrc;
        public String eventId;
        public String eventType;
        public long eventTimeMs;
        public String[] texts;
        public @DataTypeHint("DECIMAL(18, 4)") BigDecimal amount;
        public String currency;
        public Double[] packNumbers;
        public String[] packTexts;
        public Double[] values;
    }

    @Override
    public void open(FunctionContext context) {
        spec = JobSpec.from(context);
        engines = new HashMap<>();
        states = new HashMap<>();
    }

    private FeatureEngine engine(String keyName) {
        return engines.computeIfAbsent(keyName, name -> new FeatureEngine(spec, name));
    }

    private KeyState state(String keyName, Memory memory) {
        KeyState state = states.computeIfAbsent(keyName, name -> engine(name).newState());
        state.read(memory.bytes);
        return state;
    }

    public void eval(
            Context context,
            @StateHint Memory memory,
            @StateHint ListView<Waiting> waiting,
            @ArgumentHint(
                            value = {ArgumentTrait.SET_SEMANTIC_TABLE, ArgumentTrait.REQUIRE_ON_TIME},
                            type = @DataTypeHint(value = INPUT, bridgedTo = RowData.class))
                    RowData input,
            String keyName)
            throws Exception {
        if (input.isNullAt(FIRST_TEXT + KEYS.indexOf(keyName))) {
            collect(output(input));
            return;
        }
        FeatureEngine engine = engine(keyName);
        KeyState state = state(keyName, memory);
        long timeMs = input.getLong(EVENT_TIME);
        ArrayData numbers = input.getArray(NUMBERS);
        ArrayData texts = input.getArray(TEXTS);
        TimeContext<Long> time = context.timeContext(Long.class);
        Long watermark = time.currentWatermark();
        engine.add(state, timeMs, numbers, texts, watermark == null ? Long.MIN_VALUE : watermark);
        long needed = engine.completeUntil(timeMs);
        if (watermark != null && watermark >= needed) {
            GenericRowData out = output(input);
            Double[] values = doubles(input.getArray(VALUES));
            engine.after(state, timeMs, numbers, texts, values);
            out.setField(VALUES - FIRST, new GenericArrayData(values));
            collect(out);
        } else {
            waiting.add(waitingEvent(input));
            memory.waiting++;
            time.registerOnTime(needed);
        }
        if (!state.timerSet) {
            state.timerSet = true;
            time.registerOnTime(state.newestMs + engine.keepMs() + 1);
        }
        memory.keyName = keyName;
        memory.bytes = state.write();
    }

    /** Lets go the events that the watermark has caught up with, and forgets the key once nothing of it can matter. */
    public void onTimer(OnTimerContext context, Memory memory, ListView<Waiting> waiting) throws Exception {
        TimeContext<Long> time = context.timeContext(Long.class);
        FeatureEngine engine = engine(memory.keyName);
        KeyState state = state(memory.keyName, memory);
        long watermark = Math.max(time.time(), time.currentWatermark());
        if (memory.waiting > 0) {
            List<Waiting> still = new ArrayList<>();
            for (Waiting event : waiting.getList()) {
                if (engine.completeUntil(event.eventTimeMs) <= watermark) {
                    engine.after(
                            state, event.eventTimeMs, new GenericArrayData(event.packNumbers), texts(event.packTexts), event.values);
                    collect(output(event));
                } else {
                    still.add(event);
                }
            }
            waiting.setList(still);
            memory.waiting = still.size();
        }
        long due = state.newestMs + engine.keepMs() + 1;
        if (memory.waiting == 0 && (due <= watermark || watermark == Long.MAX_VALUE)) {
            // Not clearAll(): in Flink 2.3.0 its clearing of timers walks those of all keys, leaves another key current and
            // drops that one's timers and state; a run lost 116 of 3,000 events by it.
            context.clearAllState();
        } else {
            // Registering a time twice is one timer.
            time.registerOnTime(due);
        }
    }

    private static GenericRowData output(RowData input) {
        GenericRowData out = new GenericRowData(VALUES - FIRST + 1);
        out.setField(0, input.getInt(FIRST));
        for (int i : new int[] {1, 2, 3, 6}) {
            out.setField(i, input.getLong(FIRST + i));
        }
        for (int i : new int[] {4, 5, 7, 8, 9, 10, 11, 12, 14}) {
            out.setField(i, input.isNullAt(FIRST + i) ? null : input.getString(FIRST + i));
        }
        out.setField(AMOUNT - FIRST, input.isNullAt(AMOUNT) ? null : input.getDecimal(AMOUNT, 18, 4));
        out.setField(NUMBERS - FIRST, input.getArray(NUMBERS));
        out.setField(TEXTS - FIRST, input.getArray(TEXTS));
        out.setField(VALUES - FIRST, input.getArray(VALUES));
        return out;
    }

    private static Waiting waitingEvent(RowData input) {
        Waiting event = new Waiting();
        event.sourcePartition = input.getInt(FIRST);
        event.sourceOffset = input.getLong(FIRST + 1);
        event.sentAtMs = input.getLong(FIRST + 2);
        event.sourceCrc = input.getLong(FIRST + 3);
        event.eventId = text(input, FIRST + 4);
        event.eventType = text(input, FIRST + 5);
        event.eventTimeMs = input.getLong(EVENT_TIME);
        event.texts = new String[KEYS.size()];
        for (int i = 0; i < event.texts.length; i++) {
            event.texts[i] = text(input, FIRST_TEXT + i);
        }
        event.amount = input.isNullAt(AMOUNT) ? null : input.getDecimal(AMOUNT, 18, 4).toBigDecimal();
        event.currency = text(input, CURRENCY);
        event.packNumbers = doubles(input.getArray(NUMBERS));
        ArrayData texts = input.getArray(TEXTS);
        event.packTexts = new String[texts.size()];
        for (int i = 0; i < event.packTexts.length; i++) {
            event.packTexts[i] = texts.isNullAt(i) ? null : texts.getString(i).toString();
        }
        event.values = doubles(input.getArray(VALUES));
        return event;
    }

    private static GenericRowData output(Waiting event) {
        GenericRowData out = new GenericRowData(VALUES - FIRST + 1);
        out.setField(0, event.sourcePartition);
        out.setField(1, event.sourceOffset);
        out.setField(2, event.sentAtMs);
        out.setField(3, event.sourceCrc);
        out.setField(4, StringData.fromString(event.eventId));
        out.setField(5, StringData.fromString(event.eventType));
        out.setField(6, event.eventTimeMs);
        for (int i = 0; i < event.texts.length; i++) {
            out.setField(7 + i, StringData.fromString(event.texts[i]));
        }
        out.setField(AMOUNT - FIRST, event.amount == null ? null : DecimalData.fromBigDecimal(event.amount, 18, 4));
        out.setField(CURRENCY - FIRST, StringData.fromString(event.currency));
        out.setField(NUMBERS - FIRST, new GenericArrayData(event.packNumbers));
        out.setField(TEXTS - FIRST, texts(event.packTexts));
        out.setField(VALUES - FIRST, new GenericArrayData(event.values));
        return out;
    }

    private static String text(RowData input, int column) {
        return input.isNullAt(column) ? null : input.getString(column).toString();
    }

    private static GenericArrayData texts(String[] values) {
        Object[] converted = new Object[values.length];
        for (int i = 0; i < values.length; i++) {
            converted[i] = StringData.fromString(values[i]);
        }
        return new GenericArrayData(converted);
    }

    private static Double[] doubles(ArrayData array) {
        Double[] values = new Double[array.size()];
        for (int i = 0; i < values.length; i++) {
            values[i] = array.isNullAt(i) ? null : array.getDouble(i);
        }
        return values;
    }
}
