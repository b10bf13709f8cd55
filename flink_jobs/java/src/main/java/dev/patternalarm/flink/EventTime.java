package dev.patternalarm.flink;

import java.io.IOException;
import java.time.Instant;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonParser;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonToken;
import org.apache.flink.table.annotation.DataTypeHint;
import org.apache.flink.table.functions.ScalarFunction;

/**
 * The clock of the watermark: a record's event_time, but never ahead of the broker's own clock.
 *
 * <p>Flink declares watermarks in the source's DDL only, before anything is parsed. One clock that runs ahead must not
 * make every honest event late: within the contract's allowance the broker's time stands in for it, and a time that
 * cannot be read or is further ahead gives epoch 0. {@link EventParser} decides, by the same reading, whether the event
 * is one.
 */
public final class EventTime extends ScalarFunction {

    private static final String FIELD = "event_time";

    /** Clock of {@code raw}, or epoch 0. The limit is an argument: a watermark's context has no job parameters. */
    public @DataTypeHint("TIMESTAMP_LTZ(3)") Instant eval(
            @DataTypeHint("BYTES") byte[] raw, @DataTypeHint("TIMESTAMP_LTZ(3)") Instant sentAt, long maxFutureMs) {
        long sentAtMs = sentAt.toEpochMilli();
        long millis = raw == null ? IsoTime.UNREADABLE : find(raw);
        if (millis < 0 || sentAtMs < 0 || millis - maxFutureMs > sentAtMs) {
            return Instant.EPOCH;
        }
        return Instant.ofEpochMilli(Math.min(millis, sentAtMs));
    }

    /** Epoch milliseconds of the event_time in {@code raw}; {@link IsoTime#UNREADABLE} when there is none. */
    static long find(byte[] raw) {
        if (EventJson.invalidUtf8(raw, 0) >= 0) {
            return IsoTime.UNREADABLE;
        }
        try (JsonParser parser = EventJson.open(raw)) {
            JsonToken token = EventJson.find(parser, FIELD);
            return token == null ? IsoTime.UNREADABLE : IsoTime.of(parser, token);
        } catch (IOException | RuntimeException e) {
            return IsoTime.UNREADABLE;
        }
    }
}
