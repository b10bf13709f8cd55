package dev.patternalarm.flink;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
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
            "source_partition INT, source_offset BIGINT, sent_at_ms BIGINT, source_crc BIGINT, event_time_ms BIGINT,"
                    + " behind_watermark BOOLEAN, amount DECIMAL(18, 4), amount_base DECIMAL(18, 4), numbers ARRAY<DOUBLE>, texts ARRAY<STRING>, `values` ARRAY<DOUBLE>,"
                    + " identity_forgotten BOOLEAN>";

    static final String INPUT = "ROW<event_time TIMESTAMP_LTZ(3), shared_key STRING, " + COLUMNS;
    static final String OUTPUT = "ROW<" + COLUMNS;

    private static final int FIRST = 2;
    private static final int EVENT_TIME = FIRST + 4;
    private static final int BEHIND_WATERMARK = FIRST + 5;
    private static final int AMOUNT = FIRST + 6;
    private static final int AMOUNT_BASE = FIRST + 7;
    private static final int NUMBERS = FIRST + 8;
    private static final int TEXTS = FIRST + 9;
    private static final int VALUES = FIRST + 10;
    private static final int IDENTITY_FORGOTTEN = FIRST + 11;
    private static final int WIDTH = 12;

    private transient JobSpec spec;
    private transient Map<String, FeatureEngine> engines;
    private transient Map<String, KeyState> states;
    private transient Map<String, Integer> keyIndexes;
    private transient long[] columns;

    /** Flink's handle on {@link KeyState}. */
    public static class Memory {
        public byte[] bytes;
        public String keyName;
        public int waiting;

        /** Hashes of what stands in the arrays of the events that wait: numbers, texts, values; null when none waits. */
        public long[] columns;
    }

    /** An event that waits for the watermark. */
    public static class Waiting {
        public int sourcePartition;
        public long sourceOffset;
        public long sentAtMs;
        public long sourceCrc;
        public long eventTimeMs;
        public boolean behindWatermark;
        public @DataTypeHint("DECIMAL(18, 4)") BigDecimal amount;
        public @DataTypeHint("DECIMAL(18, 4)") BigDecimal amountBase;
        public Double[] numbers;
        public String[] texts;
        public double[] values;
        public boolean identityForgotten;
    }

    @Override
    public void open(FunctionContext context) {
        spec = JobSpec.from(context);
        engines = new HashMap<>();
        states = new HashMap<>();
        keyIndexes = new HashMap<>();
        columns =
                Stream.of(
                                IntStream.range(0, spec.numberCount).mapToObj(spec::numberName),
                                IntStream.range(0, spec.textCount).mapToObj(spec::textName),
                                spec.features.stream().map(f -> f.name + "/" + f.op + "/" + FeatureEngine.contentOf(spec, f)))
                        .flatMap(names -> names)
                        .mapToLong(Hashes::of)
                        .toArray();
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
            @StateHint(ttl = "0 s") Memory memory,
            @StateHint(ttl = "0 s") ListView<Waiting> waiting,
            @ArgumentHint(
                            value = {ArgumentTrait.SET_SEMANTIC_TABLE, ArgumentTrait.REQUIRE_ON_TIME},
                            type = @DataTypeHint(value = INPUT, bridgedTo = RowData.class))
                    RowData input,
            String keyName)
            throws Exception {
        ArrayData texts = input.getArray(TEXTS);
        if (texts.isNullAt(keyIndexes.computeIfAbsent(keyName, spec::textIndex))) {
            collect(output(input));
            return;
        }
        FeatureEngine engine = engine(keyName);
        KeyState state = state(keyName, memory);
        long timeMs = input.getLong(EVENT_TIME);
        ArrayData numbers = input.getArray(NUMBERS);
        TimeContext<Long> time = context.timeContext(Long.class);
        Long watermark = time.currentWatermark();
        engine.add(state, timeMs, numbers, texts, watermark == null ? Long.MIN_VALUE : watermark);
        long needed = engine.completeUntil(timeMs);
        if (watermark != null && watermark >= needed) {
            GenericRowData out = output(input);
            double[] values = input.getArray(VALUES).toDoubleArray();
            engine.after(state, timeMs, numbers, texts, values);
            out.setField(VALUES - FIRST, EventArrays.of(values));
            collect(out);
        } else {
            if (memory.waiting > 0 && !Arrays.equals(memory.columns, columns)) {
                waiting.setList(events(memory, waiting));
            }
            waiting.add(waitingEvent(input));
            memory.waiting++;
            memory.columns = columns;
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
            for (Waiting event : events(memory, waiting)) {
                if (engine.completeUntil(event.eventTimeMs) <= watermark) {
                    StringData[] texts = texts(event.texts);
                    engine.after(
                            state, event.eventTimeMs, new GenericArrayData(event.numbers), new GenericArrayData(texts), event.values);
                    collect(output(event, texts));
                } else {
                    still.add(event);
                }
            }
            waiting.setList(still);
            memory.waiting = still.size();
            memory.columns = still.isEmpty() ? null : columns;
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

    /** The events that wait, as this pack has them: what it lacks is dropped, what it gained is missing. */
    private List<Waiting> events(Memory memory, ListView<Waiting> waiting) throws Exception {
        List<Waiting> events = waiting.getList();
        if (!Arrays.equals(memory.columns, columns)) {
            for (Waiting event : events) {
                adopt(event, memory.columns);
            }
        }
        return events;
    }

    private void adopt(Waiting event, long[] written) {
        int texts = event.numbers.length;
        int values = texts + event.texts.length;
        if (written == null || written.length != values + event.values.length) {
            throw new IllegalStateException(
                    "an event that waits does not have the fields that it was written with. Start the job without this savepoint");
        }
        Double[] newNumbers = new Double[spec.numberCount];
        for (int i = 0; i < newNumbers.length; i++) {
            int at = indexOf(written, 0, texts, columns[i]);
            newNumbers[i] = at < 0 ? null : event.numbers[at];
            if (at < 0 && event.amount != null && spec.isAmount(i)) {
                throw new IllegalStateException(
                        "an event waits with an amount in another currency than the pack's " + spec.baseCurrency
                                + ". Stop the job with drain before the base currency changes");
            }
        }
        String[] newTexts = new String[spec.textCount];
        for (int i = 0; i < newTexts.length; i++) {
            int at = indexOf(written, texts, values, columns[newNumbers.length + i]);
            newTexts[i] = at < 0 ? null : event.texts[at - texts];
        }
        double[] newValues = new double[spec.features.size()];
        for (int i = 0; i < newValues.length; i++) {
            int at = indexOf(written, values, written.length, columns[newNumbers.length + newTexts.length + i]);
            newValues[i] = at < 0 ? Double.NaN : event.values[at - values];
        }
        event.numbers = newNumbers;
        event.texts = newTexts;
        event.values = newValues;
    }

    private static int indexOf(long[] hashes, int from, int to, long wanted) {
        for (int i = from; i < to; i++) {
            if (hashes[i] == wanted) {
                return i;
            }
        }
        return -1;
    }

    private static GenericRowData output(RowData input) {
        GenericRowData out = new GenericRowData(WIDTH);
        out.setField(0, input.getInt(FIRST));
        for (int i = 1; i <= EVENT_TIME - FIRST; i++) {
            out.setField(i, input.getLong(FIRST + i));
        }
        out.setField(BEHIND_WATERMARK - FIRST, input.getBoolean(BEHIND_WATERMARK));
        out.setField(AMOUNT - FIRST, input.isNullAt(AMOUNT) ? null : input.getDecimal(AMOUNT, 18, 4));
        out.setField(AMOUNT_BASE - FIRST, input.isNullAt(AMOUNT_BASE) ? null : input.getDecimal(AMOUNT_BASE, 18, 4));
        out.setField(NUMBERS - FIRST, input.getArray(NUMBERS));
        out.setField(TEXTS - FIRST, input.getArray(TEXTS));
        out.setField(VALUES - FIRST, input.getArray(VALUES));
        out.setField(IDENTITY_FORGOTTEN - FIRST, input.getBoolean(IDENTITY_FORGOTTEN));
        return out;
    }

    private static Waiting waitingEvent(RowData input) {
        Waiting event = new Waiting();
        event.sourcePartition = input.getInt(FIRST);
        event.sourceOffset = input.getLong(FIRST + 1);
        event.sentAtMs = input.getLong(FIRST + 2);
        event.sourceCrc = input.getLong(FIRST + 3);
        event.eventTimeMs = input.getLong(EVENT_TIME);
        event.behindWatermark = input.getBoolean(BEHIND_WATERMARK);
        event.amount = input.isNullAt(AMOUNT) ? null : input.getDecimal(AMOUNT, 18, 4).toBigDecimal();
        event.amountBase = input.isNullAt(AMOUNT_BASE) ? null : input.getDecimal(AMOUNT_BASE, 18, 4).toBigDecimal();
        ArrayData numbers = input.getArray(NUMBERS);
        event.numbers = new Double[numbers.size()];
        for (int i = 0; i < event.numbers.length; i++) {
            event.numbers[i] = numbers.isNullAt(i) ? null : numbers.getDouble(i);
        }
        ArrayData texts = input.getArray(TEXTS);
        event.texts = new String[texts.size()];
        for (int i = 0; i < event.texts.length; i++) {
            event.texts[i] = texts.isNullAt(i) ? null : texts.getString(i).toString();
        }
        event.values = input.getArray(VALUES).toDoubleArray();
        event.identityForgotten = input.getBoolean(IDENTITY_FORGOTTEN);
        return event;
    }

    private static GenericRowData output(Waiting event, StringData[] texts) {
        GenericRowData out = new GenericRowData(WIDTH);
        out.setField(0, event.sourcePartition);
        out.setField(1, event.sourceOffset);
        out.setField(2, event.sentAtMs);
        out.setField(3, event.sourceCrc);
        out.setField(EVENT_TIME - FIRST, event.eventTimeMs);
        out.setField(BEHIND_WATERMARK - FIRST, event.behindWatermark);
        out.setField(AMOUNT - FIRST, decimal(event.amount));
        out.setField(AMOUNT_BASE - FIRST, decimal(event.amountBase));
        out.setField(NUMBERS - FIRST, EventArrays.of(event.numbers));
        out.setField(TEXTS - FIRST, EventArrays.of(texts));
        out.setField(VALUES - FIRST, EventArrays.of(event.values));
        out.setField(IDENTITY_FORGOTTEN - FIRST, event.identityForgotten);
        return out;
    }

    private static DecimalData decimal(BigDecimal amount) {
        return amount == null ? null : DecimalData.fromBigDecimal(amount, 18, 4);
    }

    private static StringData[] texts(String[] values) {
        StringData[] converted = new StringData[values.length];
        for (int i = 0; i < values.length; i++) {
            converted[i] = StringData.fromString(values[i]);
        }
        return converted;
    }
}
