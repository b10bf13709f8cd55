package dev.patternalarm.flink;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.zip.CRC32;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonFactory;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class EventParserTest {

    private static final long SENT = Instant.parse("2026-11-24T12:00:00Z").toEpochMilli();
    private static final String GOOD =
            "{\"event_id\":\"e1\",\"schema_version\":\"1.0\",\"domain\":\"payments\",\"event_type\":\"purchase\","
                    + "\"event_time\":\"2026-11-24T11:59:59.250Z\",\"actor_id\":\"a1\",\"amount\":12.34,\"currency\":\"EUR\","
                    + "\"weight\":2,\"known\":true,\"unheard_of\":{\"x\":[1]}}";

    private EventParser parser;

    @BeforeEach
    void open() {
        parser = new EventParser(Specs.with());
    }

    private EventParser.Parsed parse(String json) {
        return parser.parse(json.getBytes(StandardCharsets.UTF_8), SENT);
    }

    @Test
    void aGoodEventComesOutWithEveryField() {
        EventParser.Parsed event = parse(GOOD);
        assertNull(event.reason);
        assertEquals(Instant.parse("2026-11-24T11:59:59.250Z").toEpochMilli(), event.eventTimeMs);
        assertEquals("a1", event.actor);
        assertEquals("12.3400", event.amount.toString());
        assertArrayEquals(new Double[] {12.34, 2.0, 1.0}, event.numbers);
        assertEquals("e1", event.texts[0].toString());
        assertEquals("true", event.texts[7].toString());
    }

    @Test
    void theChecksumIsThatOfTheRawBytes() {
        CRC32 crc = new CRC32();
        crc.update("{broken".getBytes(StandardCharsets.UTF_8));
        assertEquals(crc.getValue(), parse("{broken").crc);
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
        EventParser.Parsed event = parse(GOOD.replace(old.strip(), replacement.strip()));
        assertEquals(reason.strip(), event.reason);
        assertNull(event.texts);
        assertTrue(event.detail.length() > 5);
    }

    @Test
    void anOversizedEventIsRefusedBeforeItIsParsed() {
        assertEquals("oversized", parse("x".repeat(2001)).reason);
    }

    @Test
    void aRecordWithoutValueIsADeadLetter() {
        assertEquals("malformed_json", parser.parse(null, SENT).reason);
    }

    @Test
    void aNewerMinorVersionIsRead() {
        assertNull(parse(GOOD.replace("\"1.0\"", "\"1.7\"")).reason);
    }

    @Test
    void epochMillisecondsAreATimeToo() {
        assertEquals(SENT, parse(GOOD.replace("\"2026-11-24T11:59:59.250Z\"", Long.toString(SENT))).eventTimeMs);
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
        assertEquals(millis, parse(json).eventTimeMs);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '~',
            quoteCharacter = '`',
            value = {
                "{\"x\":{\"actor_id\":\"no\"},\"actor_id\":\"a\\u0031\"}  ~ a1",
                "{\"actor_id\":\"a1\", broken                               ~ a1",
                "{\"actor_id\":17}                                          ~",
                "{\"actor\":\"a1\"}                                         ~",
                "[\"actor_id\"]                                             ~",
                "{broken                                                  ~",
            })
    void theKeyIsTheActorThatTheParserFinds(String json, String actor) {
        assertEquals(actor, ActorKey.find(new JsonFactory(), json.getBytes(StandardCharsets.UTF_8)));
    }

    @Test
    void whatHasNoActorGoesByItsCoordinates() {
        ActorKey key = new ActorKey();
        key.open(null);
        assertEquals(" 3:17", key.eval(null, 3, 17L));
        assertEquals(" 3:18", key.eval("{}".getBytes(StandardCharsets.UTF_8), 3, 18L));
        assertEquals("a1", key.eval(GOOD.getBytes(StandardCharsets.UTF_8), 3, 19L));
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
