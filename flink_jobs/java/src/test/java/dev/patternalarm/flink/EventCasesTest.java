package dev.patternalarm.flink;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.JsonNode;
import org.apache.flink.table.data.DecimalData;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** The event contract's cases, by the parser; {@code tests/event_cases.py} says how they are written. */
class EventCasesTest {

    private static final JsonNode CASES = Specs.shared("event_cases.json");
    private static final long SENT = Instant.parse(CASES.get("sent_at").asText()).toEpochMilli();
    private static final long MAX_FUTURE_MS = 30_000;

    private final JobSpec spec = Specs.shop();

    static byte[] record(JsonNode item) {
        if (item.has("base64")) {
            return Base64.getDecoder().decode(item.get("base64").asText());
        }
        if (item.has("record")) {
            return item.get("record").asText().getBytes(StandardCharsets.UTF_8);
        }
        if (item.has("repeat")) {
            JsonNode repeat = item.get("repeat");
            String middle = repeat.get("text").asText().repeat(repeat.get("times").asInt());
            String whole = repeat.get("prefix").asText() + middle + repeat.get("suffix").asText();
            return whole.getBytes(StandardCharsets.UTF_8);
        }
        List<String> fields = new ArrayList<>();
        JsonNode changed = item.path("fields");
        CASES.get("event")
                .fields()
                .forEachRemaining(
                        field -> {
                            JsonNode value = changed.has(field.getKey()) ? changed.get(field.getKey()) : field.getValue();
                            if (!value.isNull()) {
                                fields.add("\"" + field.getKey() + "\":" + value.asText());
                            }
                        });
        changed.fields()
                .forEachRemaining(
                        field -> {
                            if (!CASES.get("event").has(field.getKey()) && !field.getValue().isNull()) {
                                fields.add("\"" + field.getKey() + "\":" + field.getValue().asText());
                            }
                        });
        String body = "{" + String.join(",", fields) + item.path("append").asText("") + "}";
        return body.getBytes(StandardCharsets.UTF_8);
    }

    /** The records of all cases. */
    static Stream<byte[]> records() {
        return StreamSupport.stream(CASES.get("cases").spliterator(), false).map(EventCasesTest::record);
    }

    @TestFactory
    Stream<DynamicTest> everyCase() {
        return StreamSupport.stream(CASES.get("cases").spliterator(), false)
                .map(item -> DynamicTest.dynamicTest(item.get("name").asText(), () -> check(item)));
    }

    private void check(JsonNode item) {
        byte[] raw = record(item);
        EventParser.Parsed event =
                assertTimeoutPreemptively(Duration.ofSeconds(2), () -> new EventParser(spec).parse(raw, SENT));
        Invariants.check(spec, raw, SENT, MAX_FUTURE_MS, event);
        String reason = item.path("reason").asText(null);
        assertEquals(reason, event.reason, event.detail);
        if (reason != null) {
            assertTrue(event.detail.contains(item.path("detail").asText("")), event.detail);
            return;
        }
        JsonNode expected = item.path("expect");
        if (expected.has("event_time_ms")) {
            assertEquals(expected.get("event_time_ms").asLong(), event.eventTimeMs);
        }
        if (expected.has("actor")) {
            assertEquals(expected.get("actor").asText(), event.actor);
        }
        checkAmount(expected, "amount", event.amount);
        checkAmount(expected, "amount_base", event.amountBase);
        for (JobSpec.Field field : spec.fields) {
            JsonNode number = expected.path("numbers").path(field.name);
            JsonNode text = expected.path("texts").path(field.name);
            if (!number.isMissingNode()) {
                assertEquals(number.isNull() ? null : number.asDouble(), event.numbers[field.numberIndex], field.name);
            }
            if (!text.isMissingNode()) {
                Object found = event.texts[field.textIndex];
                assertEquals(text.isNull() ? null : text.asText(), found == null ? null : found.toString(), field.name);
            }
        }
    }

    private static void checkAmount(JsonNode expected, String name, DecimalData found) {
        if (expected.has(name) && expected.get(name).isNull()) {
            assertNull(found);
        } else if (expected.has(name)) {
            assertEquals(expected.get(name).asText(), found.toString(), name);
        }
    }
}
