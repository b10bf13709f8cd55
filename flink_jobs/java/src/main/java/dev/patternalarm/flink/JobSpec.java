package dev.patternalarm.flink;

import java.io.IOException;
import java.io.Serializable;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.JsonNode;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.ObjectMapper;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.functions.FunctionContext;

/**
 * What the Python side tells the functions: the event contract's limits and the domain pack, as one JSON job parameter.
 *
 * <p>An event's fields are held by position: numeric ones in {@code numbers}, text ones in {@code texts}. A boolean
 * stands in both, as 1/0 and as "true"/"false".
 */
final class JobSpec implements Serializable {

    /** Name of the job parameter, base64 of UTF-8 JSON: Flink's own map syntax would split at commas and colons. */
    static final String PARAMETER = "patternalarm.spec";

    enum FieldType {
        STRING,
        NUMBER,
        INTEGER,
        BOOLEAN,
        DECIMAL,
        TIME
    }

    /** What a text field's values are, beyond being texts. */
    enum Meaning {
        TEXT,
        ID,
        COUNTRY,
        CURRENCY,
        IP
    }

    /** One field of the event: common (own column) or of the pack (in {@code numbers} and {@code texts}). */
    static final class Field implements Serializable {
        final String name;
        final FieldType type;
        final Meaning meaning;
        final boolean required;
        final int numberIndex;
        final int textIndex;
        final int position;

        Field(
                String name,
                FieldType type,
                Meaning meaning,
                boolean required,
                int numberIndex,
                int textIndex,
                int position) {
            this.position = position;
            this.name = name;
            this.type = type;
            this.meaning = meaning;
            this.required = required;
            this.numberIndex = numberIndex;
            this.textIndex = textIndex;
        }
    }

    /** A condition on one text field: it must hold one of the values. */
    static final class Where implements Serializable {
        final int textIndex;
        final List<StringData> values;

        Where(int textIndex, List<StringData> values) {
            this.textIndex = textIndex;
            this.values = values;
        }
    }

    /** One feature of the pack, its fields resolved to positions. */
    static final class Feature implements Serializable {
        final String name;
        final String op;
        final String key;
        final long windowMs;
        final long bucketMs;
        final int numberIndex;
        final int textIndex;
        final int[] points;
        final List<StringData> categories;
        final List<Where> where;

        Feature(
                String name,
                String op,
                String key,
                long windowMs,
                long bucketMs,
                int numberIndex,
                int textIndex,
                int[] points,
                List<StringData> categories,
                List<Where> where) {
            this.name = name;
            this.op = op;
            this.key = key;
            this.windowMs = windowMs;
            this.bucketMs = bucketMs;
            this.numberIndex = numberIndex;
            this.textIndex = textIndex;
            this.points = points;
            this.categories = categories;
            this.where = where;
        }
    }

    final String domain;
    final String schemaMajor;
    final int maxEventBytes;
    final long maxFutureMs;
    final int maxNesting;
    final int maxNameCharacters;
    final int maxIdCharacters;
    final int maxTextCharacters;
    final int maxNumberCharacters;
    final int maxDetailCharacters;
    final long maxAmount;
    final long maxNumber;
    final long earliestEventTimeMs;
    final long latestEventTimeMs;
    final Set<String> countries = new HashSet<>();
    final Set<String> currencies = new HashSet<>();

    /** The currency that amounts of features are in; null for a pack that takes no amounts. */
    final String baseCurrency;

    /** Units of the base currency per unit of a currency, the base's own 1 among them. */
    final Map<String, BigDecimal> rates = new HashMap<>();

    final long latenessMs;
    final long sharedKeyDelayMs;
    final List<Field> fields = new ArrayList<>();
    final List<Feature> features = new ArrayList<>();
    final int numberCount;
    final int textCount;

    private JobSpec(JsonNode root) {
        domain = root.get("domain").asText();
        schemaMajor = root.get("schema_major").asText();
        maxEventBytes = root.get("max_event_bytes").asInt();
        maxFutureMs = root.get("max_future_ms").asLong();
        maxNesting = root.get("max_nesting").asInt();
        maxNameCharacters = root.get("max_name_characters").asInt();
        maxIdCharacters = root.get("max_id_characters").asInt();
        maxTextCharacters = root.get("max_text_characters").asInt();
        maxNumberCharacters = root.get("max_number_characters").asInt();
        maxDetailCharacters = root.get("max_detail_characters").asInt();
        maxAmount = root.get("max_amount").asLong();
        maxNumber = root.get("max_number").asLong();
        earliestEventTimeMs = root.get("earliest_event_time_ms").asLong();
        latestEventTimeMs = root.get("latest_event_time_ms").asLong();
        root.get("countries").forEach(code -> countries.add(code.asText()));
        root.get("currencies").forEach(code -> currencies.add(code.asText()));
        baseCurrency = root.hasNonNull("base_currency") ? root.get("base_currency").asText() : null;
        root.get("rates")
                .fields()
                .forEachRemaining(entry -> rates.put(entry.getKey(), new BigDecimal(entry.getValue().asText())));
        latenessMs = root.get("lateness_ms").asLong();
        sharedKeyDelayMs = root.get("shared_key_delay_ms").asLong();
        int numbers = 0;
        int texts = 0;
        Map<String, Field> byName = new HashMap<>();
        for (JsonNode node : root.get("fields")) {
            FieldType type = FieldType.valueOf(node.get("type").asText().toUpperCase(Locale.ROOT));
            boolean isNumber = type != FieldType.STRING && type != FieldType.TIME;
            boolean isText = type == FieldType.STRING || type == FieldType.BOOLEAN;
            Field field =
                    new Field(
                            node.get("name").asText(),
                            type,
                            Meaning.valueOf(node.get("meaning").asText().toUpperCase(Locale.ROOT)),
                            node.get("required").asBoolean(),
                            isNumber ? numbers++ : -1,
                            isText ? texts++ : -1,
                            fields.size());
            fields.add(field);
            byName.put(field.name, field);
        }
        numberCount = numbers;
        textCount = texts;
        for (JsonNode node : root.get("features")) {
            features.add(feature(node, byName));
        }
    }

    private static Feature feature(JsonNode node, Map<String, Field> byName) {
        Field field = node.hasNonNull("field") ? byName.get(node.get("field").asText()) : null;
        List<StringData> categories = new ArrayList<>();
        node.get("categories").forEach(c -> categories.add(StringData.fromString(c.asText())));
        int[] points = new int[node.get("fields").size()];
        for (int i = 0; i < points.length; i++) {
            points[i] = byName.get(node.get("fields").get(i).asText()).numberIndex;
        }
        List<Where> where = new ArrayList<>();
        node.get("where")
                .fields()
                .forEachRemaining(
                        entry -> {
                            List<StringData> values = new ArrayList<>();
                            entry.getValue().forEach(v -> values.add(StringData.fromString(v.asText())));
                            where.add(new Where(byName.get(entry.getKey()).textIndex, values));
                        });
        return new Feature(
                node.get("name").asText(),
                node.get("op").asText(),
                node.hasNonNull("key") ? node.get("key").asText() : null,
                node.hasNonNull("window_ms") ? node.get("window_ms").asLong() : 0,
                node.hasNonNull("bucket_ms") ? node.get("bucket_ms").asLong() : 0,
                field == null ? -1 : field.numberIndex,
                field == null ? -1 : field.textIndex,
                points,
                categories,
                where);
    }

    /** Name and type of the numeric field at this position, and for money its currency; "1" for -1, which stands for a count. */
    String numberName(int index) {
        return fields.stream()
                .filter(field -> index >= 0 && field.numberIndex == index)
                .findFirst()
                .map(field -> field.name + ":" + field.type + (field.type == FieldType.DECIMAL ? ":" + baseCurrency : ""))
                .orElse("1");
    }

    /** Whether the numeric field at this position is an amount of money. */
    boolean isAmount(int index) {
        return fields.stream().anyMatch(field -> field.numberIndex == index && field.type == FieldType.DECIMAL);
    }

    /** Name of the text field at this position. */
    String textName(int index) {
        return fields.stream().filter(field -> field.textIndex == index).findFirst().orElseThrow().name;
    }

    /** Position among the text fields of the field of this name. */
    int textIndex(String name) {
        return fields.stream().filter(field -> field.name.equals(name)).findFirst().orElseThrow().textIndex;
    }

    /** Reads the spec from {@code json}. */
    static JobSpec parse(String json) {
        try {
            return new JobSpec(new ObjectMapper().readTree(json));
        } catch (IOException e) {
            throw new IllegalArgumentException("job parameter " + PARAMETER + " is no JSON", e);
        }
    }

    /** Reads the spec from the job's parameters. */
    static JobSpec from(FunctionContext context) {
        String encoded = context.getJobParameter(PARAMETER, "");
        if (encoded.isEmpty()) {
            throw new IllegalStateException("job parameter " + PARAMETER + " is missing: start the job by detect_patterns.py");
        }
        return parse(new String(Base64.getDecoder().decode(encoded), StandardCharsets.UTF_8));
    }
}
