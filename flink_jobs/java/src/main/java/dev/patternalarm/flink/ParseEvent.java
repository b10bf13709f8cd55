package dev.patternalarm.flink;

import java.io.IOException;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.zip.CRC32;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonFactory;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonParser;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonProcessingException;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonToken;
import org.apache.flink.table.annotation.DataTypeHint;
import org.apache.flink.table.annotation.FunctionHint;
import org.apache.flink.table.data.DecimalData;
import org.apache.flink.table.data.GenericArrayData;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.functions.FunctionContext;
import org.apache.flink.table.functions.TableFunction;

/**
 * Parses one raw record into one row: the event's fields, or the reason why it is none.
 *
 * <p>One parse decides both ways, so that no event can be in the features and in the dead letters, or in neither.
 */
@FunctionHint(output = @DataTypeHint(value = ParseEvent.OUTPUT, bridgedTo = RowData.class))
public final class ParseEvent extends TableFunction<RowData> {

    static final String OUTPUT =
            "ROW<reason STRING, detail STRING, source_crc BIGINT, event_id STRING, event_type STRING,"
                    + " event_time_ms BIGINT, actor_id STRING, counterparty_id STRING, device_id STRING, ip STRING,"
                    + " country STRING, channel STRING, amount DECIMAL(18, 4), currency STRING,"
                    + " numbers ARRAY<DOUBLE>, texts ARRAY<STRING>, sent_at_ms BIGINT>";

    private static final int WIDTH = 17;
    private static final Map<String, Integer> COLUMN =
            Map.ofEntries(
                    Map.entry("event_id", 3),
                    Map.entry("event_type", 4),
                    Map.entry("actor_id", 6),
                    Map.entry("counterparty_id", 7),
                    Map.entry("device_id", 8),
                    Map.entry("ip", 9),
                    Map.entry("country", 10),
                    Map.entry("channel", 11),
                    Map.entry("currency", 13));
    private static final int EVENT_TIME = 5;
    private static final int AMOUNT = 12;
    private static final int NUMBERS = 14;
    private static final int TEXTS = 15;
    private static final int SENT_AT = 16;

    private transient JobSpec spec;
    private transient JsonFactory json;
    private transient Map<String, JobSpec.Field> byName;

    /** A record that breaks the event contract. */
    private static final class Refused extends Exception {
        final String reason;

        Refused(String reason, String detail) {
            super(detail, null, false, false);
            this.reason = reason;
        }
    }

    @Override
    public void open(FunctionContext context) {
        open(JobSpec.from(context));
    }

    void open(JobSpec jobSpec) {
        spec = jobSpec;
        json = new JsonFactory();
        byName = new HashMap<>();
        spec.fields.forEach(field -> byName.put(field.name, field));
    }

    /** Emits exactly one row for {@code raw}, a record that Kafka took at {@code sentAt}. */
    public void eval(@DataTypeHint("BYTES") byte[] raw, @DataTypeHint("TIMESTAMP_LTZ(3)") Instant sentAt) {
        collect(parse(raw, sentAt.toEpochMilli()));
    }

    GenericRowData parse(byte[] raw, long sentAtMs) {
        GenericRowData row = new GenericRowData(WIDTH);
        try {
            if (raw == null) {
                throw new Refused("malformed_json", "the record has no value");
            }
            if (raw.length > spec.maxEventBytes) {
                throw new Refused("oversized", raw.length + " bytes, at most " + spec.maxEventBytes);
            }
            read(raw, sentAtMs, row);
        } catch (Refused refused) {
            row = new GenericRowData(WIDTH);
            row.setField(0, StringData.fromString(refused.reason));
            row.setField(1, StringData.fromString(refused.getMessage()));
        }
        CRC32 crc = new CRC32();
        if (raw != null) {
            crc.update(raw);
        }
        row.setField(2, crc.getValue());
        row.setField(SENT_AT, sentAtMs);
        return row;
    }

    private void read(byte[] raw, long sentAtMs, GenericRowData row) throws Refused {
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
                        Integer column = COLUMN.get(field.name);
                        if (column != null) {
                            row.setField(column, texts[field.textIndex]);
                        }
                    }
                    case DECIMAL -> {
                        require(token.isNumeric(), field, parser);
                        BigDecimal exact = parser.getDecimalValue().setScale(4, RoundingMode.HALF_EVEN);
                        require(exact.precision() <= 18, field, parser);
                        row.setField(AMOUNT, DecimalData.fromBigDecimal(exact, 18, 4));
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
        row.setField(EVENT_TIME, eventTime);
        row.setField(NUMBERS, new GenericArrayData(numbers));
        row.setField(TEXTS, new GenericArrayData(texts));
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
