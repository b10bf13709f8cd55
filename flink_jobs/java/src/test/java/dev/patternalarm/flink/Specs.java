package dev.patternalarm.flink;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.JsonNode;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.ObjectMapper;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.node.ObjectNode;

/** A small job spec for the tests: one number field and one text field of the pack, features as given. */
final class Specs {

    static final long MINUTE = 60_000;

    // Positions by the order of fields: numbers are amount 0 and weight 1; texts are the strings in order.
    static final int AMOUNT = 0;
    static final int ACTOR = 4;
    static final int TYPE = 3;
    static final int DEVICE = 5;
    static final int TEXTS = 8;

    private Specs() {}

    /** A file that Python's tests and these read. */
    static JsonNode shared(String name) {
        try {
            return new ObjectMapper().readTree(Files.readString(Path.of("../../tests/contracts", name)));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The contract of the pack of the contract's cases, with {@code features}. */
    static JobSpec shop(String... features) {
        return JobSpec.parse(shopJson(features));
    }

    static String shopJson(String... features) {
        return jsonOf("{\"features\": [" + String.join(",", features) + "]}");
    }

    static JobSpec of(String more) {
        return JobSpec.parse(jsonOf(more));
    }

    private static String jsonOf(String more) {
        try {
            ObjectNode spec = (ObjectNode) shared("shop_contract.json");
            spec.put("lateness_ms", 60_000).put("shared_key_delay_ms", 2_000);
            new ObjectMapper().readTree(more).fields().forEachRemaining(entry -> spec.set(entry.getKey(), entry.getValue()));
            return spec.toString();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static JobSpec with(String... features) {
        return JobSpec.parse(json(features));
    }

    static String json(String... features) {
        return jsonOf(
                """
                {"domain": "payments", "max_event_bytes": 2000,
                 "fields": [
                   {"name": "event_id", "type": "string", "meaning": "id", "required": true},
                   {"name": "schema_version", "type": "string", "meaning": "text", "required": true},
                   {"name": "domain", "type": "string", "meaning": "text", "required": true},
                   {"name": "event_type", "type": "string", "meaning": "text", "required": true},
                   {"name": "event_time", "type": "time", "meaning": "text", "required": true},
                   {"name": "actor_id", "type": "string", "meaning": "id", "required": true},
                   {"name": "device_id", "type": "string", "meaning": "id", "required": false},
                   {"name": "amount", "type": "decimal", "meaning": "text", "required": false},
                   {"name": "currency", "type": "string", "meaning": "currency", "required": false},
                   {"name": "weight", "type": "number", "meaning": "text", "required": false},
                   {"name": "known", "type": "boolean", "meaning": "text", "required": false}],
                 "features": [%s]}
                """
                        .formatted(String.join(",", features)));
    }

    /** A feature as JSON; {@code more} are further members, such as {@code "field": "amount"}. */
    static String feature(String name, String op, String more) {
        String body = "\"name\": \"%s\", \"op\": \"%s\"".formatted(name, op);
        for (String member : new String[] {"key", "window_ms", "bucket_ms", "field"}) {
            if (!more.contains('"' + member + '"')) {
                body += ", \"%s\": null".formatted(member);
            }
        }
        for (String member : new String[] {"fields", "categories"}) {
            if (!more.contains('"' + member + '"')) {
                body += ", \"%s\": []".formatted(member);
            }
        }
        if (!more.contains("\"where\"")) {
            body += ", \"where\": {}";
        }
        return "{" + body + (more.isEmpty() ? "" : ", " + more) + "}";
    }
}
