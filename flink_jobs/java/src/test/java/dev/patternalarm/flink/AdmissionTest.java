package dev.patternalarm.flink;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.apache.flink.table.data.DecimalData;
import org.apache.flink.table.data.StringData;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class AdmissionTest {

    private static final long START = 1_795_000_000_000L;
    private static final long SENT = START + 3_600_000;
    private static final JobSpec SPEC = Specs.with(Specs.feature("amount", "field", "\"field\": \"amount\""));

    private final Admission admission = new Admission(SPEC);
    private final FeatureEngine engine = new FeatureEngine(SPEC, FeatureEngine.ACTOR_KEY);

    private record Sent(String id, long amount, long timeMs, int partition, long offset) {
        EventParser.Parsed parsed() {
            EventParser.Parsed event = new EventParser.Parsed();
            event.eventTimeMs = timeMs;
            event.amount = DecimalData.fromUnscaledLong(amount, 18, 4);
            event.numbers = new Double[] {amount / 10_000.0, null, null};
            event.texts = new StringData[Specs.TEXTS];
            event.texts[0] = StringData.fromString(id);
            return event;
        }
    }

    /** What is counted of one actor, in the few lines that say the rule. */
    private static final class Twin {
        private final List<Sent> counted = new ArrayList<>();
        private long newestMs = Long.MIN_VALUE;
        private int forgotten;

        Admission.Verdict take(Sent event) {
            for (Sent first : counted) {
                if (first.id.equals(event.id)) {
                    return first.equals(event)
                            ? Admission.Verdict.AGAIN
                            : first.amount == event.amount && first.timeMs == event.timeMs
                                    ? Admission.Verdict.DUPLICATE
                                    : Admission.Verdict.CONFLICTING;
                }
            }
            if (newestMs != Long.MIN_VALUE && event.timeMs < newestMs - 60_000) {
                return Admission.Verdict.LATE;
            }
            newestMs = Math.max(newestMs, event.timeMs);
            counted.removeIf(old -> old.timeMs < newestMs - 600_000);
            if (counted.size() == 512) {
                counted.remove(counted.stream().min(Comparator.comparingLong(Sent::timeMs)).orElseThrow());
                forgotten++;
            }
            counted.add(event);
            return Admission.Verdict.FIRST;
        }
    }

    @ParameterizedTest
    // Milliseconds from one event to the next on average: with 300 over 512 events are within the ten minutes.
    @ValueSource(longs = {300, 5_000, 120_000})
    void whatCountsIsWhatTheNaiveTwinCounts(long stepMs) {
        for (int seed = 0; seed < 5; seed++) {
            Random random = new Random(seed);
            KeyState key = engine.newState();
            byte[] bytes = null;
            Twin twin = new Twin();
            List<Sent> sent = new ArrayList<>();
            Map<Admission.Verdict, Integer> seen = new EnumMap<>(Admission.Verdict.class);
            int forgotten = 0;
            for (int n = 0; n < 4_000; n++) {
                Sent event = next(random, sent, n, stepMs);
                sent.add(event);
                Admission.Verdict expected = twin.take(event);

                key.read(bytes);
                EventParser.Parsed parsed = event.parsed();
                Admission.Verdict verdict = admission.judge(key, parsed, event.partition, event.offset);
                assertEquals(expected, verdict, "seed " + seed + ", event " + n);
                boolean counts = verdict == Admission.Verdict.FIRST || verdict == Admission.Verdict.AGAIN;
                assertEquals(counts ? null : verdict.name().toLowerCase(), parsed.reason);
                if (verdict == Admission.Verdict.FIRST) {
                    key.newestMs = Math.max(key.newestMs, event.timeMs);
                    forgotten += admission.remember(key, parsed, event.partition, event.offset) ? 1 : 0;
                    bytes = key.write();
                }
                seen.merge(verdict, 1, Integer::sum);
            }
            assertEquals(twin.forgotten, forgotten);
            assertEquals(stepMs == 300, forgotten > 0);
            assertEquals(5, seen.size(), seen.toString());
        }
    }

    /** A new event, or what a hostile or broken gateway makes of an earlier one. */
    private static Sent next(Random random, List<Sent> sent, int n, long stepMs) {
        // No two new events share a time, so that "the oldest" is one.
        long timeMs = START + n * stepMs / 7 * 7 + random.nextInt(100) * 700L + n % 7;
        Sent fresh = new Sent("e" + n, random.nextInt(1_000), timeMs, 0, n);
        if (sent.isEmpty() || random.nextInt(10) < 6) {
            return fresh;
        }
        Sent old = sent.get(sent.size() - 1 - random.nextInt(Math.min(sent.size(), 1 + random.nextInt(800))));
        return switch (random.nextInt(5)) {
            case 0 -> old;
            case 1 -> new Sent(old.id, old.amount, old.timeMs, 1, n);
            case 2 -> new Sent(old.id, old.amount + 1, old.timeMs, 0, n);
            case 3 -> new Sent(old.id, old.amount, old.timeMs + 1, 0, n);
            default -> new Sent("e" + n, 1, timeMs - 90_000 - n % 7, 0, n);
        };
    }

    @Test
    void aCopyNeverCountsTwiceHoweverLateItComes() {
        Random random = new Random(11);
        KeyState key = engine.newState();
        List<Sent> counted = new ArrayList<>();
        for (int n = 0; n < 20_000; n++) {
            Sent event = new Sent("e" + n, 1, START + n * 2_000L, 0, n);
            EventParser.Parsed parsed = event.parsed();
            assertEquals(Admission.Verdict.FIRST, admission.judge(key, parsed, 0, n));
            key.newestMs = event.timeMs;
            assertTrue(!admission.remember(key, parsed, 0, n));
            counted.add(event);
            Sent copied = counted.get(random.nextInt(counted.size()));
            EventParser.Parsed copy = copied.parsed();
            admission.judge(key, copy, 1, n);
            assertEquals(copied.timeMs < key.newestMs - 600_000 ? "late" : "duplicate", copy.reason);
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '~',
            quoteCharacter = '`',
            value = {
                "duplicate   ~ {\"amount\":12.50,\"currency\":\"EUR\",~ {\"currency\":\"EUR\" , \"amount\": 1.25e1,",
                "duplicate   ~ {\"amount\":12.50,             ~ {\"amount\":\"12.5000\",",
                "duplicate   ~ {\"amount\":12.50,             ~ {\"amount\":12.5,\"unheard_of\":[1],",
                "duplicate   ~ \"2026-11-24T11:59:59.250Z\"   ~ \"2026-11-24T12:59:59.25+01:00\"",
                "duplicate   ~ \"weight\":0                   ~ \"weight\":-0.0",
                "conflicting ~ {\"amount\":12.50,             ~ {\"amount\":12.51,",
                "conflicting ~ {\"amount\":12.50,             ~ {",
                "conflicting ~ 59.250Z                        ~ 59.251Z",
                "conflicting ~ \"known\":true                 ~ \"known\":false",
                "conflicting ~ \"weight\":0                   ~ \"weight\":1e-300",
                "conflicting ~ \"event_type\":\"purchase\"    ~ \"event_type\":\"login\"",
                "conflicting ~ \"EUR\"                        ~ \"USD\"",
            })
    void contentIsWhatTheEventSaysAndNotHowItIsWritten(String reason, String old, String replacement) {
        String json =
                "{\"amount\":12.50,\"currency\":\"EUR\",\"event_id\":\"e1\",\"schema_version\":\"1.0\",\"domain\":\"payments\","
                        + "\"event_type\":\"purchase\",\"event_time\":\"2026-11-24T11:59:59.250Z\",\"actor_id\":\"a1\","
                        + "\"weight\":0,\"known\":true}";
        long sent = java.time.Instant.parse("2026-11-24T12:00:00Z").toEpochMilli();
        EventParser parser = new EventParser(SPEC);
        EventParser.Parsed first = parser.parse(json.getBytes(StandardCharsets.UTF_8), sent);
        String changed = json.replace(old.strip(), replacement.strip());
        assertNotEquals(json, changed);
        EventParser.Parsed second = parser.parse(changed.getBytes(StandardCharsets.UTF_8), sent);
        assertEquals(null, first.reason, first.detail);
        assertEquals(null, second.reason, second.detail);
        KeyState key = engine.newState();
        key.newestMs = first.eventTimeMs;
        admission.remember(key, first, 2, 17);
        admission.judge(key, second, 3, 4);
        assertEquals(reason, second.reason);
        assertTrue(second.detail.contains("partition 2, offset 17"), second.detail);
    }

    @Test
    void contentDoesNotFollowTheOrderOfThePacksFieldsNorItsRates() {
        EventParser.Parsed event = new Sent("e1", 5, SENT, 0, 0).parsed();
        event.texts[Specs.DEVICE] = StringData.fromString("d1");
        long content = admission.content(event);
        event.numbers[Specs.AMOUNT] *= 0.86;
        assertEquals(content, admission.content(event));
        // The same text in another field is another content.
        event.texts[Specs.TYPE] = event.texts[Specs.DEVICE];
        event.texts[Specs.DEVICE] = null;
        assertNotEquals(content, admission.content(event));
    }
}
