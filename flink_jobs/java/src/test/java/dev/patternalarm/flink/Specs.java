package dev.patternalarm.flink;

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

    static JobSpec with(String... features) {
        return JobSpec.parse(
                """
                {"domain": "payments", "schema_major": "1", "max_event_bytes": 2000, "max_future_ms": 300000,
                 "lateness_ms": 60000, "shared_key_delay_ms": 2000,
                 "fields": [
                   {"name": "event_id", "type": "string", "required": true},
                   {"name": "schema_version", "type": "string", "required": true},
                   {"name": "domain", "type": "string", "required": true},
                   {"name": "event_type", "type": "string", "required": true},
                   {"name": "event_time", "type": "time", "required": true},
                   {"name": "actor_id", "type": "string", "required": true},
                   {"name": "device_id", "type": "string", "required": false},
                   {"name": "amount", "type": "decimal", "required": false},
                   {"name": "currency", "type": "string", "required": false},
                   {"name": "weight", "type": "number", "required": false},
                   {"name": "known", "type": "boolean", "required": false}],
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
