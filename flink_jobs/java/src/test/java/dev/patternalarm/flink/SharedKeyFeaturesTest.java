package dev.patternalarm.flink;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.apache.flink.table.api.dataview.ListView;
import org.apache.flink.table.data.DecimalData;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.data.TimestampData;
import org.apache.flink.table.functions.ProcessTableFunction;
import org.junit.jupiter.api.Test;

/** The function over the state of one device, as Flink calls it. */
class SharedKeyFeaturesTest {

    private static final String DEVICE = "\"key\": \"device_id\", \"window_ms\": 60000, \"bucket_ms\": 1000";
    private static final String COUNT = Specs.feature("count", "count", DEVICE);
    private static final String SUM = Specs.feature("sum", "sum", DEVICE + ", \"field\": \"amount\"");
    private static final String AMOUNT = Specs.feature("amount", "field", "\"field\": \"amount\"");
    private static final String WEIGHT = Specs.feature("weight", "field", "\"field\": \"weight\"");
    private static final long NOW = 1_795_000_000_000L;

    private final FlinkOfTests flink = new FlinkOfTests();
    private final SharedKeyFeatures.Memory memory = new SharedKeyFeatures.Memory();
    private final ListView<SharedKeyFeatures.Waiting> waiting = new ListView<>();
    private final List<RowData> out = new ArrayList<>();

    private SharedKeyFeatures function(String spec) {
        SharedKeyFeatures function = new SharedKeyFeatures();
        function.open(flink.functionContext(spec));
        function.setCollector(FlinkOfTests.into(out));
        return function;
    }

    private void take(SharedKeyFeatures function, long timeMs, double amount, double... values) throws Exception {
        StringData[] texts = new StringData[Specs.TEXTS];
        texts[Specs.ACTOR] = StringData.fromString("a1");
        texts[Specs.DEVICE] = StringData.fromString("d1");
        DecimalData exact = DecimalData.fromUnscaledLong((long) (amount * 10_000), 18, 4);
        GenericRowData input =
                GenericRowData.of(
                        TimestampData.fromEpochMillis(timeMs), StringData.fromString("d1"), 1, timeMs, timeMs + 5, 7L, timeMs, true,
                        exact, exact, EventArrays.of(new Double[] {amount, 2.5, null}), EventArrays.of(texts), EventArrays.of(values),
                        amount == 6);
        function.eval(flink.context(ProcessTableFunction.Context.class, timeMs), memory, waiting, input, "device_id");
    }

    private void timer(SharedKeyFeatures function, long timeMs) throws Exception {
        flink.watermark = timeMs;
        function.onTimer(flink.context(ProcessTableFunction.OnTimerContext.class, timeMs), memory, waiting);
    }

    @Test
    void whatWaitsIsLetGoWithAllItsColumns() throws Exception {
        SharedKeyFeatures function = function(Specs.json(AMOUNT, COUNT, SUM));
        take(function, NOW, 5, 5, Double.NaN, Double.NaN);
        take(function, NOW + 10_000, 6, 6, Double.NaN, Double.NaN);
        assertTrue(out.isEmpty());
        timer(function, NOW + 8_000);
        assertEquals(2, out.size());
        assertArrayEquals(new double[] {6, 1, 5}, out.get(1).getArray(10).toDoubleArray());
        assertTrue(out.get(1).getBoolean(5));
        assertFalse(out.get(0).getBoolean(11));
        assertTrue(out.get(1).getBoolean(11));
        assertEquals("6.0000", out.get(1).getDecimal(7, 18, 4).toString());
        assertEquals(null, memory.columns);
    }

    @Test
    void whatWaitsFollowsThePackOverARestart() throws Exception {
        take(function(Specs.json(AMOUNT, SUM)), NOW, 5, 5, Double.NaN);
        // Features moved, one is new, one field of each kind comes first.
        String fields =
                Specs.json(WEIGHT, SUM, COUNT, AMOUNT)
                        .replaceFirst(
                                "\\{\"name\":\"event_id\"",
                                "{\"name\":\"score\",\"type\":\"number\",\"meaning\":\"text\",\"required\":false},"
                                        + "{\"name\":\"note\",\"type\":\"string\",\"meaning\":\"text\",\"required\":false},"
                                        + "{\"name\":\"event_id\"");
        SharedKeyFeatures function = function(fields);
        timer(function, NOW);
        RowData row = out.get(0);
        assertArrayEquals(new double[] {Double.NaN, 0, 0, 5}, row.getArray(10).toDoubleArray());
        assertTrue(row.getArray(8).isNullAt(0));
        assertEquals(5.0, row.getArray(8).getDouble(1));
        assertEquals("a1", row.getArray(9).getString(Specs.ACTOR + 1).toString());
        // The sum's channel was restored, the count's starts with what comes now.
        SharedKeyFeatures moved = function(Specs.json(WEIGHT, SUM, COUNT, AMOUNT));
        take(moved, NOW + 10_000, 7, Double.NaN, Double.NaN, Double.NaN, 7);
        timer(moved, NOW + 20_000);
        assertArrayEquals(new double[] {Double.NaN, 5, 0, 7}, out.get(1).getArray(10).toDoubleArray());
    }

    @Test
    void whatWaitsInAnotherCurrencyIsRefused() throws Exception {
        take(function(Specs.json(AMOUNT, SUM)), NOW, 5, 5, Double.NaN);
        String euros = Specs.json(AMOUNT, SUM);
        String yen = euros.replaceFirst("\"base_currency\":\"[A-Z]+\"", "\"base_currency\":\"JPY\"");
        String message = assertThrows(IllegalStateException.class, () -> timer(function(yen), NOW)).getMessage();
        assertTrue(message.contains("drain"), message);
    }
}
