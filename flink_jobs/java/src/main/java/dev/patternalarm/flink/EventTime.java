package dev.patternalarm.flink;

import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Instant;
import org.apache.flink.table.annotation.DataTypeHint;
import org.apache.flink.table.functions.ScalarFunction;

/**
 * The clock of the watermark: event_time found in the raw bytes without parsing them.
 *
 * <p>Flink declares watermarks in the source's DDL only, before anything is parsed. A time that cannot be read, or
 * that is further ahead of Kafka's clock than the contract allows, gives epoch 0: one bad clock must not make every
 * honest event late. {@link EventParser} reads the time again, strictly, for everything but the watermark.
 */
public final class EventTime extends ScalarFunction {

    private static final byte[] KEY = "\"event_time\"".getBytes(StandardCharsets.US_ASCII);

    /** Event time of {@code raw}, or epoch 0. The limit is an argument: a watermark's context has no job parameters. */
    public @DataTypeHint("TIMESTAMP_LTZ(3)") Instant eval(
            @DataTypeHint("BYTES") byte[] raw, @DataTypeHint("TIMESTAMP_LTZ(3)") Instant sentAt, long maxFutureMs) {
        long millis = raw == null ? -1 : scan(raw);
        if (millis < 0 || millis > sentAt.toEpochMilli() + maxFutureMs) {
            return Instant.EPOCH;
        }
        return Instant.ofEpochMilli(millis);
    }

    /** Epoch milliseconds of the first event_time in {@code raw}; -1 when there is none that can be read. */
    static long scan(byte[] raw) {
        int at = indexOfKey(raw);
        if (at < 0) {
            return -1;
        }
        int i = at + KEY.length;
        while (i < raw.length && (raw[i] == ' ' || raw[i] == ':' || raw[i] == '\t' || raw[i] == '\n' || raw[i] == '\r')) {
            i++;
        }
        int from = i;
        if (i < raw.length && raw[i] == '"') {
            from = ++i;
            while (i < raw.length && raw[i] != '"') {
                i++;
            }
            try {
                return IsoTime.millis(raw, from, i);
            } catch (DateTimeException e) {
                return -1;
            }
        }
        long value = 0;
        while (i < raw.length && raw[i] >= '0' && raw[i] <= '9' && i - from < 15) {
            value = value * 10 + (raw[i++] - '0');
        }
        return i == from ? -1 : value;
    }

    private static int indexOfKey(byte[] raw) {
        outer:
        for (int i = 0; i <= raw.length - KEY.length; i++) {
            for (int j = 0; j < KEY.length; j++) {
                if (raw[i + j] != KEY[j]) {
                    continue outer;
                }
            }
            return i;
        }
        return -1;
    }
}
