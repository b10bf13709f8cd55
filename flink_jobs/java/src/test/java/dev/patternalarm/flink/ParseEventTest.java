package dev.patternalarm.flink;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.zip.CRC32;
import org.apache.flink.table.data.GenericRowData;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ParseEventTest {

    private static final long SENT = Instant.parse("2026-11-24T12:00:00Z").toEpochMilli();
    private static final String GOOD =
            "{\"event_id\":\"e1\",\"schema_version\":\"1.0\",\"domain\":\"payments\",\"event_type\":\"purchase\","
                    + "\"event_time\":\"2026-11-24T11:59:59.250Z\",\"actor_id\":\"a1\",\"amount\":12.34,\"currency\":\"EUR\","
                    + "\"weight\":2,\"known\":true,\"unheard_of\":{\"x\":[1]}}";

    private ParseEvent parser;

    @BeforeEach
    void open() {
        parser = new ParseEvent();
        parser.open(Specs.with());
    }

    private GenericRowData parse(String json) {
        return parser.parse(json.getBytes(StandardCharsets.UTF_8), SENT);
    }

    @Test
    void aGoodEventComesOutWithEveryField() {
        GenericRowData row = parse(GOOD);
        assertNull(row.getField(0));
        assertEquals("e1", row.getString(3).toString());
        assertEquals(Instant.parse("2026-11-24T11:59:59.250Z").toEpochMilli(), row.getLong(5));
        assertEquals("a1", row.getString(6).toString());
        assertEquals("12.3400", row.getDecimal(12, 18, 4).toString());
        assertEquals(12.34, row.getArray(14).getDouble(0));
        assertEquals(2.0, row.getArray(14).getDouble(1));
        assertEquals(1.0, row.getArray(14).getDouble(2));
        assertEquals("true", row.getArray(15).getString(7).toString());
    }

    @Test
    void theChecksumIsThatOfTheRawBytes() {
        CRC32 crc = new CRC32();
        crc.update("{broken".getBytes(StandardCharsets.UTF_8));
        assertEquals(crc.getValue(), parse("{broken").getLong(2));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '~',
            quoteCharacter = '`',
            value = {
                "malformed_json  ~ \"event_id\":\"e1\"       ~ \"event_id\":",
                "malformed_json  ~ {\"x\":[1]}}              ~ {\"x\":[1]}",
                "malformed_json  ~ {\"x\":[1]}}              ~ {\"x\":[1]}} {}",
                "missing_field   ~ \"event_id\":\"e1\",      ~ ``",
                "missing_field   ~ \"actor_id\":\"a1\"       ~ \"actor_id\":null",
                "missing_field   ~ \"actor_id\":\"a1\"       ~ \"actor_id\":\"\"",
                "missing_field   ~ ,\"currency\":\"EUR\"     ~ ``",
                "wrong_type      ~ 12.34                     ~ \"12.34\"",
                "wrong_type      ~ 12.34                     ~ 123456789012345678.5",
                "wrong_type      ~ \"known\":true            ~ \"known\":1",
                "wrong_type      ~ \"a1\"                    ~ 17",
                "wrong_domain    ~ payments                  ~ gaming",
                "unknown_schema_version ~ \"1.0\"            ~ \"2.0\"",
                "bad_event_time  ~ 2026-11-24T11:59:59.250Z  ~ yesterday",
                "bad_event_time  ~ 2026-11-24T11:59:59.250Z  ~ 2026-11-24T11:59:59",
                "bad_event_time  ~ 2026-11-24T11:59:59.250Z  ~ 2026-11-24T12:05:01Z",
            })
    void aBrokenEventSaysWhy(String reason, String old, String replacement) {
        assertTrue(GOOD.contains(old.strip()), old);
        GenericRowData row = parse(GOOD.replace(old.strip(), replacement.strip()));
        assertEquals(reason.strip(), String.valueOf(row.getField(0)));
        assertNull(row.getField(3));
        assertTrue(row.getString(1).toString().length() > 5);
    }

    @Test
    void anOversizedEventIsRefusedBeforeItIsParsed() {
        assertEquals("oversized", parse("x".repeat(2001)).getString(0).toString());
    }

    @Test
    void aRecordWithoutValueIsADeadLetter() {
        assertEquals("malformed_json", parser.parse(null, SENT).getString(0).toString());
    }

    @Test
    void aNewerMinorVersionIsRead() {
        assertNull(parse(GOOD.replace("\"1.0\"", "\"1.7\"")).getField(0));
    }

    @Test
    void epochMillisecondsAreATimeToo() {
        assertEquals(SENT, parse(GOOD.replace("\"2026-11-24T11:59:59.250Z\"", Long.toString(SENT))).getLong(5));
    }

    @ParameterizedTest
    @CsvSource({
        "2026-11-24T11:59:59.250Z, 2026-11-24T11:59:59.250Z",
        "2026-11-24T11:59:59Z, 2026-11-24T11:59:59Z",
        "2026-11-24T11:59:59.123456789Z, 2026-11-24T11:59:59.123Z",
        "2026-11-24T12:59:59+01:00, 2026-11-24T11:59:59Z",
        "2024-02-29T00:00:00.5Z, 2024-02-29T00:00:00.500Z",
    })
    void theWatermarksClockReadsWhatTheParserReads(String text, String expected) {
        long millis = Instant.parse(expected).toEpochMilli();
        String json = GOOD.replace("2026-11-24T11:59:59.250Z", text);
        assertEquals(millis, EventTime.scan(json.getBytes(StandardCharsets.UTF_8)));
        assertEquals(millis, parse(json).getLong(5));
    }

    @Test
    void aClockThatCannotBeReadGivesTheEpoch() {
        EventTime function = new EventTime();
        Instant sent = Instant.ofEpochMilli(SENT);
        assertEquals(Instant.EPOCH, function.eval("{}".getBytes(StandardCharsets.UTF_8), sent, 300_000));
        assertEquals(Instant.EPOCH, function.eval(null, sent, 300_000));
        byte[] future = GOOD.replace("2026-11-24T11", "2099-11-24T11").getBytes(StandardCharsets.UTF_8);
        assertEquals(Instant.EPOCH, function.eval(future, sent, 300_000));
    }
}
