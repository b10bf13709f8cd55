package dev.patternalarm.flink;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.zip.CRC32;
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

    @Test
    void anOversizedEventIsRefusedBeforeItIsParsed() {
        assertEquals("oversized", parse("x".repeat(2001)).reason);
    }

    @Test
    void aRecordWithoutValueIsADeadLetter() {
        assertEquals("malformed_json", parser.parse(null, SENT).reason);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '~',
            quoteCharacter = '`',
            value = {
                "{\"x\":{\"actor_id\":\"no\"},\"actor_id\":\"a\\u0031\"}  ~ a1",
                "{\"actor_id\":\"a1\", broken                               ~ a1",
                "{\"actor_id\":17}                                          ~",
                "{\"actor_id\":\"\"}                                         ~",
                "{\"actor_id\":\" a1\"}                                      ~",
                "{\"actor_id\":\"phone \\ud83d\"}                            ~",
                "{\"actor\":\"a1\"}                                         ~",
                "[\"actor_id\"]                                             ~",
                "{broken                                                  ~",
            })
    void theKeyIsTheActorThatTheParserFinds(String json, String actor) {
        assertEquals(actor, ActorKey.find(json.getBytes(StandardCharsets.UTF_8), 128));
    }

    @Test
    void whatHasNoActorGoesByItsCoordinates() {
        ActorKey key = new ActorKey();
        key.open(Specs.with());
        assertEquals(" 3:17", key.eval(null, 3, 17L));
        assertEquals(" 3:18", key.eval("{}".getBytes(StandardCharsets.UTF_8), 3, 18L));
        assertEquals("a1", key.eval(GOOD.getBytes(StandardCharsets.UTF_8), 3, 19L));
    }

    @Test
    void theWatermarksClockNeverRunsAheadOfTheBrokers() {
        EventTime function = new EventTime();
        Instant sent = Instant.ofEpochMilli(SENT);
        assertEquals(sent.minusMillis(750), function.eval(at("2026-11-24T11:59:59.250Z"), sent, 30_000));
        assertEquals(sent, function.eval(at("2026-11-24T12:00:30Z"), sent, 30_000));
        assertEquals(Instant.EPOCH, function.eval(at("2026-11-24T12:00:30.001Z"), sent, 30_000));
    }

    @Test
    void aClockThatCannotBeReadGivesTheEpoch() {
        EventTime function = new EventTime();
        Instant sent = Instant.ofEpochMilli(SENT);
        assertEquals(Instant.EPOCH, function.eval(null, sent, 30_000));
        for (String record : new String[] {"", "{}", "[]", "{\"event_time\":{}}", "{\"event_time\":-9300000000000000}"}) {
            assertEquals(Instant.EPOCH, function.eval(record.getBytes(StandardCharsets.UTF_8), sent, 30_000), record);
        }
        assertEquals(Instant.EPOCH, function.eval(at("2099-11-24T11:00:00Z"), sent, 30_000));
        assertEquals(Instant.EPOCH, function.eval(at("2026-11-24T11:00:00Z"), Instant.ofEpochMilli(-1), 30_000));
        assertEquals(sent, function.eval(at("2026-11-24T12:00:00Z"), Instant.ofEpochMilli(Long.MAX_VALUE), 30_000));
    }

    private static byte[] at(String time) {
        return GOOD.replace("2026-11-24T11:59:59.250Z", time).getBytes(StandardCharsets.UTF_8);
    }
}
