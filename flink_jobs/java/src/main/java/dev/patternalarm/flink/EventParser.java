package dev.patternalarm.flink;

import java.io.IOException;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.util.HashMap;
import java.util.Map;
import java.util.zip.CRC32;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonFactory;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonParser;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonProcessingException;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonToken;
import org.apache.flink.table.data.DecimalData;
import org.apache.flink.table.data.StringData;

/**
 * Parses one raw record: the event's fields, or the reason why it is none.
 *
 * <p>One parse decides both ways, so that no event can be in the features and in the dead letters, or in neither.
 */
final class EventParser {

    /** What a record holds: {@code reason} and {@code detail}, or the event's fields. */
    static final class Parsed {
        String reason;
        String detail;
        long crc;
        long eventTimeMs;
        String actor;
        DecimalData amount;

        /** Numeric fields by their position in {@link JobSpec}, null where there is none; {@code texts} likewise. */
        Double[] numbers;

        StringData[] texts;
    }

    /** A record that breaks the event contract. */
    private static final class Refused extends Exception {
        final String reason;

        Refused(String reason, String detail) {
            super(detail, null, false, false);
            this.reason = reason;
        }
    }

    private final JobSpec spec;
    private final JsonFactory json = new JsonFactory();
    private final Map<String, JobSpec.Field> byName = new HashMap<>();

    EventParser(JobSpec spec) {
        this.spec = spec;
        spec.fields.forEach(field -> byName.put(field.name, field));
    }

    /** Parses {@code raw}, a record that Kafka took at {@code sentAtMs}. */
    Parsed parse(byte[] raw, long sentAtMs) {
        Parsed parsed = new Parsed();
        try {
            if (raw == null) {
                throw new Refused("malformed_json", "the record has no value");
            }
            if (raw.length > spec.maxEventBytes) {
                throw new Refused("oversized", raw.length + " bytes, at most " + spec.maxEventBytes);
            }
            read(raw, sentAtMs, parsed);
        } catch (Refused refused) {
            parsed.reason = refused.reason;
            parsed.detail = refused.getMessage();
        }
        CRC32 crc = new CRC32();
        if (raw != null) {
            crc.update(raw);
        }
        parsed.crc = crc.getValue();
        return parsed;
    }

    private void read(byte[] raw, long sentAtMs, Parsed parsed) throws Refused {
        Double[] numbers = new Double[spec.numberCount];
        StringData[] texts = new StringData[spec.textCount];
        boolean[] seen = new boolean[spec.fields.size()];
        Long eventTime = null;
        try (JsonParser parser = json.createParser(raw)) {
            if (parser.nextToken() != JsonToken.START_OBJECT) {
                throw new Refused("malformed_json", "the record is no JSON object");
            }
            while (parser.nextToken() != JsonToken.END_OBJECT) {
                JobSpec.Field field = byName.get(parser.currentName());
                JsonToken token = parser.nextToken();
                if (field == null) {
                    parser.skipChildren();
                    continue;
                }
                if (token == JsonToken.VALUE_NULL) {
                    continue;
                }
                seen[field.position] = true;
                switch (field.type) {
                    case TIME -> eventTime = time(parser, token);
                    case STRING -> {
                        require(token == JsonToken.VALUE_STRING, field, parser);
                        texts[field.textIndex] = StringData.fromString(parser.getText());
                    }
                    case DECIMAL -> {
                        require(token.isNumeric(), field, parser);
                        BigDecimal exact = parser.getDecimalValue().setScale(4, RoundingMode.HALF_EVEN);
                        require(exact.precision() <= 18, field, parser);
                        parsed.amount = DecimalData.fromBigDecimal(exact, 18, 4);
                        numbers[field.numberIndex] = exact.doubleValue();
                    }
                    case BOOLEAN -> {
                        require(token.isBoolean(), field, parser);
                        numbers[field.numberIndex] = token == JsonToken.VALUE_TRUE ? 1.0 : 0.0;
                        texts[field.textIndex] = StringData.fromString(parser.getText());
                    }
                    case INTEGER -> {
                        require(token == JsonToken.VALUE_NUMBER_INT, field, parser);
                        numbers[field.numberIndex] = parser.getDoubleValue();
                    }
                    case NUMBER -> {
                        require(token.isNumeric(), field, parser);
                        numbers[field.numberIndex] = parser.getDoubleValue();
                    }
                    default -> throw new IllegalStateException(field.type.name());
                }
            }
            if (parser.nextToken() != null) {
                throw new Refused("malformed_json", "something follows the JSON object");
            }
        } catch (JsonProcessingException e) {
            throw new Refused("malformed_json", e.getOriginalMessage() + " at byte " + e.getLocation().getByteOffset());
        } catch (IOException e) {
            throw new Refused("malformed_json", String.valueOf(e.getMessage()));
        }
        checkContract(seen, texts, numbers);
        if (eventTime == null || eventTime > sentAtMs + spec.maxFutureMs) {
            throw new Refused("bad_event_time", "event_time is ahead of the time of sending by over " + spec.maxFutureMs + " ms");
        }
        parsed.eventTimeMs = eventTime;
        parsed.actor = texts[byName.get("actor_id").textIndex].toString();
        parsed.numbers = numbers;
        parsed.texts = texts;
    }

    private void checkContract(boolean[] seen, StringData[] texts, Double[] numbers) throws Refused {
        JobSpec.Field version = byName.get("schema_version");
        StringData versionText = texts[version.textIndex];
        if (versionText != null && !versionText.toString().split("\\.", 2)[0].equals(spec.schemaMajor)) {
            throw new Refused("unknown_schema_version", "schema_version " + versionText + ", known is " + spec.schemaMajor + ".x");
        }
        for (int i = 0; i < seen.length; i++) {
            JobSpec.Field field = spec.fields.get(i);
            if (field.required && !seen[i]) {
                throw new Refused("missing_field", field.name + " is missing");
            }
        }
        StringData domain = texts[byName.get("domain").textIndex];
        if (!spec.domain.equals(domain.toString())) {
            throw new Refused("wrong_domain", "domain " + domain + ", this is the topic of " + spec.domain);
        }
        if (texts[byName.get("actor_id").textIndex].toString().isEmpty()) {
            throw new Refused("missing_field", "actor_id is empty");
        }
        if (numbers[byName.get("amount").numberIndex] != null && texts[byName.get("currency").textIndex] == null) {
            throw new Refused("missing_field", "currency is missing beside amount");
        }
    }

    private static long time(JsonParser parser, JsonToken token) throws IOException, Refused {
        if (token == JsonToken.VALUE_NUMBER_INT) {
            return parser.getLongValue();
        }
        if (token == JsonToken.VALUE_STRING) {
            byte[] text = parser.getText().getBytes(StandardCharsets.UTF_8);
            try {
                return IsoTime.millis(text, 0, text.length);
            } catch (DateTimeException e) {
                throw new Refused("bad_event_time", "event_time " + parser.getText() + " is no ISO 8601 time with a zone");
            }
        }
        throw new Refused("wrong_type", "event_time must be a string or epoch milliseconds");
    }

    private static void require(boolean holds, JobSpec.Field field, JsonParser parser) throws IOException, Refused {
        if (!holds) {
            String found = parser.getText();
            throw new Refused(
                    "wrong_type",
                    field.name + " must be a " + field.type.name().toLowerCase() + ", found "
                            + found.substring(0, Math.min(found.length(), 64)));
        }
    }
}
