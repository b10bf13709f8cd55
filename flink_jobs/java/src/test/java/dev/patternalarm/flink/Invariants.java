package dev.patternalarm.flink;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Set;
import org.apache.flink.table.data.DecimalData;
import org.apache.flink.table.data.StringData;

/** What holds for any bytes whatever, once they were parsed. */
final class Invariants {

    /** Reasons of the parser; all of them have cases. Others are the actor's to give. */
    private static final Set<String> REASONS =
            Set.of(
                    "malformed_json",
                    "oversized",
                    "too_deep",
                    "duplicate_field",
                    "missing_field",
                    "wrong_type",
                    "unknown_schema_version",
                    "wrong_domain",
                    "bad_event_time",
                    "bad_id",
                    "bad_value",
                    "unknown_currency");

    private Invariants() {}

    static void check(JobSpec spec, byte[] raw, long sentAtMs, long maxFutureMs, EventParser.Parsed event) {
        Instant clock = new EventTime().eval(raw, Instant.ofEpochMilli(sentAtMs), maxFutureMs);
        assertTrue(clock.toEpochMilli() <= Math.max(0, sentAtMs), "the clock is ahead of the broker's");
        ActorKey key = new ActorKey();
        key.open(spec);
        String actor = key.eval(raw, 3, 17L);
        if (event.reason != null) {
            checkRefused(spec, event);
            return;
        }
        assertNull(event.detail);
        assertEquals(event.actor, actor);
        assertEquals(Math.min(event.eventTimeMs, sentAtMs), clock.toEpochMilli());
        assertTrue(event.eventTimeMs >= spec.earliestEventTimeMs && event.eventTimeMs <= spec.latestEventTimeMs);
        assertTrue(event.eventTimeMs <= sentAtMs + maxFutureMs);
        assertEquals(event.amount == null, event.amountBase == null);
        checkAmount(spec, event.amount);
        checkAmount(spec, event.amountBase);
        for (JobSpec.Field field : spec.fields) {
            Double number = field.numberIndex < 0 ? null : event.numbers[field.numberIndex];
            if (number != null && (Math.abs(number) > spec.maxNumber || number == 0 && 1 / number < 0)) {
                fail(field.name + " is " + number);
            }
            StringData text = field.textIndex < 0 ? null : event.texts[field.textIndex];
            if (text != null) {
                int limit = field.meaning == JobSpec.Meaning.ID ? spec.maxIdCharacters : spec.maxTextCharacters;
                assertNull(Texts.problem(text.toString(), limit));
                assertEquals(text.toString(), new String(text.toBytes(), StandardCharsets.UTF_8));
            }
            if (field.required && text == null && field.type == JobSpec.FieldType.STRING) {
                fail(field.name + " is missing");
            }
        }
    }

    private static void checkRefused(JobSpec spec, EventParser.Parsed event) {
        assertTrue(REASONS.contains(event.reason), event.reason);
        assertNotNull(event.detail);
        assertNull(event.actor);
        assertNull(event.amount);
        assertNull(event.amountBase);
        assertNull(event.numbers);
        assertNull(event.texts);
        assertTrue(event.detail.length() <= spec.maxDetailCharacters, event.detail);
        assertEquals(event.detail, Texts.printable(event.detail, spec.maxDetailCharacters));
        assertTrue(event.detail.contains(": ") || event.detail.contains("? "), event.detail);
        assertFalse(event.detail.startsWith("cannot be read"), event.detail);
    }

    private static void checkAmount(JobSpec spec, DecimalData amount) {
        if (amount != null) {
            assertEquals(4, amount.scale());
            assertTrue(amount.toBigDecimal().abs().compareTo(BigDecimal.valueOf(spec.maxAmount)) <= 0);
        }
    }
}
