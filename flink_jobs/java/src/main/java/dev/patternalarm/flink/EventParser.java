package dev.patternalarm.flink;

import java.io.IOException;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.zip.CRC32;
import org.apache.flink.shaded.guava33.com.google.common.net.InetAddresses;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonParser;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonProcessingException;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonToken;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.exc.StreamConstraintsException;
import org.apache.flink.table.data.DecimalData;
import org.apache.flink.table.data.StringData;

/**
 * Parses one raw record: the event's fields, or the reason why it is none.
 *
 * <p>One parse decides both ways, so that no event can be in the features and in the dead letters, or in neither. What
 * it accepts it leaves as it is; what has another spelling is refused with the right one. No bytes make it throw, and
 * none take longer than their length allows. The rules are those of {@code contracts/events.py}, by {@link JobSpec}.
 */
final class EventParser {

    /** What a record holds: {@code reason} and {@code detail}, or the event's fields. */
    static final class Parsed {
        String reason;

        /** What was found and what to do about it, for a person: printable and short. */
        String detail;

        long crc;
        long eventTimeMs;
        String actor;

        /** The amount as sent, and in the pack's base currency, rounded half to even; null without one. */
        DecimalData amount;

        DecimalData amountBase;

        /**
         * Numeric fields by their position in {@link JobSpec}, null where there is none; {@code texts} likewise. The
         * amount among them is the base amount.
         */
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

    private static final int PRECISION = 18;
    private static final int PLACES = 4;
    private static final double UNIT = 10_000.0;
    private static final long EXACT_DOUBLE = 1L << 53;
    private static final int EXCERPT_BYTES = 16;

    private static final String ONE_OBJECT = "send one JSON object (RFC 8259), UTF-8 without a byte order mark";

    private final JobSpec spec;
    private final Map<String, JobSpec.Field> byName = new HashMap<>();
    private final JobSpec.Field actorId;
    private final JobSpec.Field schemaVersion;
    private final JobSpec.Field domain;
    private final JobSpec.Field amount;
    private final JobSpec.Field currency;
    private final long maxUnscaled;
    private final JsonNumber number = new JsonNumber();

    EventParser(JobSpec spec) {
        this.spec = spec;
        spec.fields.forEach(field -> byName.put(field.name, field));
        actorId = byName.get("actor_id");
        schemaVersion = byName.get("schema_version");
        domain = byName.get("domain");
        amount = byName.get("amount");
        currency = byName.get("currency");
        maxUnscaled = spec.maxAmount * (long) UNIT;
    }

    /** Parses {@code raw}, a record that Kafka took at {@code sentAtMs}. */
    Parsed parse(byte[] raw, long sentAtMs) {
        Parsed parsed = new Parsed();
        try {
            if (raw == null) {
                throw new Refused("malformed_json", "the record has no value: " + ONE_OBJECT);
            }
            if (raw.length > spec.maxEventBytes) {
                throw new Refused(
                        "oversized",
                        raw.length + " bytes, at most " + spec.maxEventBytes
                                + ": send less in one event (the dead letter holds its beginning)");
            }
            int invalid = EventJson.invalidUtf8(raw, 0);
            if (invalid >= 0) {
                throw notUtf8(raw, invalid);
            }
            read(raw, sentAtMs, parsed);
        } catch (Refused refused) {
            parsed.reason = refused.reason;
            parsed.detail = Texts.printable(refused.getMessage(), spec.maxDetailCharacters);
            parsed.amount = null;
            parsed.amountBase = null;
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
        boolean[] given = new boolean[spec.fields.size()];
        Set<String> others = null;
        long eventTimeMs = 0;
        long amountUnscaled = 0;
        try (JsonParser parser = EventJson.open(raw)) {
            if (parser.nextToken() != JsonToken.START_OBJECT) {
                throw new Refused("malformed_json", "the record is no JSON object: " + ONE_OBJECT);
            }
            while (parser.nextToken() == JsonToken.FIELD_NAME) {
                String name = parser.currentName();
                JobSpec.Field field = byName.get(name);
                JsonToken token = parser.nextToken();
                if (field == null) {
                    others = others == null ? new HashSet<>() : others;
                    checkUnknown(name, others);
                    skip(parser, token);
                    continue;
                }
                if (seen[field.position]) {
                    throw new Refused("duplicate_field", name + " stands twice: send it once");
                }
                seen[field.position] = true;
                if (token == JsonToken.VALUE_NULL || token == JsonToken.VALUE_STRING && parser.getTextLength() == 0) {
                    continue;
                }
                given[field.position] = true;
                switch (field.type) {
                    case TIME -> eventTimeMs = time(parser, token, sentAtMs);
                    case STRING -> texts[field.textIndex] = StringData.fromString(text(field, parser, token));
                    case DECIMAL -> amountUnscaled = decimal(field, parser, token);
                    case BOOLEAN -> {
                        require(token.isBoolean(), field, parser, "true or false, without quotes");
                        numbers[field.numberIndex] = token == JsonToken.VALUE_TRUE ? 1.0 : 0.0;
                        texts[field.textIndex] = StringData.fromString(parser.getText());
                    }
                    case INTEGER -> numbers[field.numberIndex] = integer(field, parser, token);
                    case NUMBER -> numbers[field.numberIndex] = real(field, parser, token);
                    default -> throw new IllegalStateException(field.type.name());
                }
            }
            if (parser.nextToken() != null) {
                throw new Refused("malformed_json", "something follows the JSON object: " + ONE_OBJECT);
            }
        } catch (StreamConstraintsException e) {
            throw new Refused("bad_value", "a field's name is too long: at most " + spec.maxNameCharacters + " characters");
        } catch (IOException e) {
            throw malformed(raw, e);
        } catch (RuntimeException e) {
            // The reader is a library: what it was never seen to throw must not stop the job either.
            throw new Refused("malformed_json", "cannot be read (" + e.getClass().getSimpleName() + "): " + ONE_OBJECT);
        }
        checkContract(given, texts);
        if (given[amount.position]) {
            takeAmount(amountUnscaled, texts[currency.textIndex], numbers, parsed);
        }
        parsed.eventTimeMs = eventTimeMs;
        parsed.actor = texts[actorId.textIndex].toString();
        parsed.numbers = numbers;
        parsed.texts = texts;
    }

    private void checkUnknown(String name, Set<String> others) throws Refused {
        if (name.length() > spec.maxNameCharacters) {
            throw new Refused(
                    "bad_value", "a field's name is " + name.length() + " long: at most " + spec.maxNameCharacters + " characters");
        }
        if (!others.add(name)) {
            throw new Refused("duplicate_field", Texts.shown(name) + " stands twice: send it once");
        }
    }

    /** Passes over an unknown field's value, no deeper than the contract allows: the object itself is the first level. */
    private void skip(JsonParser parser, JsonToken token) throws IOException, Refused {
        int depth = 1;
        JsonToken at = token;
        while (true) {
            if (at == null) {
                return;
            }
            if (at.isStructStart() && ++depth > spec.maxNesting) {
                throw new Refused(
                        "too_deep", "nested over " + spec.maxNesting + " levels deep: flatten it, or leave the field out");
            }
            if (at.isStructEnd()) {
                depth--;
            }
            if (depth == 1) {
                return;
            }
            at = parser.nextToken();
        }
    }

    private void checkContract(boolean[] given, StringData[] texts) throws Refused {
        if (given[schemaVersion.position]) {
            String version = texts[schemaVersion.textIndex].toString();
            if (!knownVersion(version)) {
                throw new Refused(
                        "unknown_schema_version",
                        "schema_version " + Texts.shown(version) + " is not known here: send " + spec.schemaMajor
                                + ".<minor>, or upgrade the platform first");
            }
        }
        for (int i = 0; i < given.length; i++) {
            JobSpec.Field field = spec.fields.get(i);
            if (field.required && !given[i]) {
                throw new Refused("missing_field", field.name + " is missing (so are null and \"\"): send it in every event");
            }
        }
        String of = texts[domain.textIndex].toString();
        if (!spec.domain.equals(of)) {
            throw new Refused(
                    "wrong_domain",
                    "domain " + Texts.shown(of) + " in the topic of " + spec.domain
                            + ": send it to its own domain's topic, or correct domain");
        }
        if (given[amount.position] && !given[currency.position]) {
            throw new Refused("missing_field", "currency is missing beside amount: send the amount's ISO 4217 code");
        }
    }

    /** Whether {@code version} is the known major, a point and a minor without leading zeros. */
    private boolean knownVersion(String version) {
        int minor = spec.schemaMajor.length() + 1;
        if (!version.startsWith(spec.schemaMajor) || version.length() <= minor || version.charAt(minor - 1) != '.') {
            return false;
        }
        for (int i = minor; i < version.length(); i++) {
            if (version.charAt(i) < '0' || version.charAt(i) > '9') {
                return false;
            }
        }
        return version.charAt(minor) != '0' || version.length() == minor + 1;
    }

    private String text(JobSpec.Field field, JsonParser parser, JsonToken token) throws IOException, Refused {
        require(token == JsonToken.VALUE_STRING, field, parser, "a text, in quotes");
        String text = parser.getText();
        boolean isId = field.meaning == JobSpec.Meaning.ID;
        String problem = Texts.problem(text, isId ? spec.maxIdCharacters : spec.maxTextCharacters);
        if (problem != null) {
            throw new Refused(isId ? "bad_id" : "bad_value", field.name + " " + Texts.shown(text) + " " + problem);
        }
        switch (field.meaning) {
            case COUNTRY -> {
                if (!spec.countries.contains(text)) {
                    throw new Refused("bad_value", notACode(field, text, "ISO 3166-1 alpha-2", spec.countries, "DE"));
                }
            }
            case CURRENCY -> {
                if (!spec.currencies.contains(text)) {
                    throw new Refused("unknown_currency", notACode(field, text, "ISO 4217", spec.currencies, "EUR"));
                }
            }
            case IP -> checkAddress(field, text);
            default -> {}
        }
        return text;
    }

    private static String notACode(JobSpec.Field field, String text, String standard, Set<String> codes, String example) {
        String upper = text.toUpperCase(Locale.ROOT);
        String remedy = codes.contains(upper) ? "write " + upper : "write one, like " + example + ", or leave it out";
        return field.name + " " + Texts.shown(text) + " is no " + standard + " code: " + remedy;
    }

    private static void checkAddress(JobSpec.Field field, String text) throws Refused {
        String canonical = null;
        // A zone, fe80::1%eth0, is the name of a device of one machine.
        if (text.indexOf('%') < 0) {
            try {
                canonical = InetAddresses.toAddrString(InetAddresses.forString(text));
            } catch (IllegalArgumentException e) {
                canonical = null;
            }
        }
        if (canonical == null) {
            throw new Refused(
                    "bad_value",
                    field.name + " " + Texts.shown(text) + " is no network address: write it like 192.0.2.1 or 2001:db8::1");
        }
        if (!canonical.equals(text)) {
            throw new Refused(
                    "bad_value", field.name + " " + Texts.shown(text) + " has another spelling (RFC 5952): write " + canonical);
        }
    }

    private long time(JsonParser parser, JsonToken token, long sentAtMs) throws IOException, Refused {
        boolean scalar = token == JsonToken.VALUE_STRING || token.isNumeric();
        if (!scalar) {
            throw new Refused(
                    "wrong_type",
                    "event_time must be a text or a number, found " + Texts.shown(parser.getText()) + ": write "
                            + "ISO 8601 with a zone, or epoch milliseconds");
        }
        long millis = IsoTime.of(parser, token);
        long earliest = spec.earliestEventTimeMs;
        long latest = spec.latestEventTimeMs;
        if (millis == IsoTime.UNREADABLE) {
            throw new Refused(
                    "bad_event_time",
                    "event_time " + Texts.shown(parser.getText()) + " is no time from " + day(earliest) + " to " + day(latest)
                            + ": write ISO 8601 with a zone, like 2026-11-24T05:30:00Z, or epoch milliseconds");
        }
        if (millis < earliest || millis > latest) {
            String unit = unitOf(millis);
            throw new Refused(
                    "bad_event_time",
                    unit != null
                            ? day(millis) + ": " + unit + "? event_time is ISO 8601 or epoch milliseconds"
                            : "event_time " + Texts.shown(parser.getText()) + " is not from " + day(earliest) + " to " + day(latest)
                                    + ": correct the clock, or the contract's earliest and latest event time");
        }
        if (millis - spec.maxFutureMs > sentAtMs) {
            throw new Refused(
                    "bad_event_time",
                    "event_time is " + (millis - sentAtMs) + " ms ahead of the broker's clock, at most " + spec.maxFutureMs
                            + ": set the clock of what sent it");
        }
        return millis;
    }

    /** The unit in which {@code value}, as milliseconds out of the contract's range, would be within it; or null. */
    private String unitOf(long value) {
        if (value > 0 && value <= Long.MAX_VALUE / 1000 && isInRange(value * 1000)) {
            return "seconds";
        }
        return isInRange(value / 1000) ? "microseconds" : isInRange(value / 1_000_000) ? "nanoseconds" : null;
    }

    private boolean isInRange(long millis) {
        return millis >= spec.earliestEventTimeMs && millis <= spec.latestEventTimeMs;
    }

    private static String day(long millis) {
        return Instant.ofEpochMilli(millis).toString().split("T", 2)[0];
    }

    /** Reads a JSON number, bare or in quotes, into {@link #number}. */
    private void readNumber(JobSpec.Field field, JsonParser parser, JsonToken token, String wanted)
            throws IOException, Refused {
        require(token.isNumeric() || token == JsonToken.VALUE_STRING, field, parser, wanted);
        int length = parser.getTextLength();
        if (length > spec.maxNumberCharacters) {
            throw new Refused(
                    "bad_value",
                    field.name + " is written in " + length + " characters: write it in at most " + spec.maxNumberCharacters);
        }
        require(number.read(parser.getTextCharacters(), parser.getTextOffset(), length), field, parser, wanted);
    }

    private long decimal(JobSpec.Field field, JsonParser parser, JsonToken token) throws IOException, Refused {
        readNumber(field, parser, token, "a number, like 12.50");
        long unscaled = number.scaled(PLACES);
        if (unscaled == JsonNumber.TOO_FINE) {
            throw new Refused(
                    "bad_value",
                    field.name + " " + Texts.shown(parser.getText()) + " has over " + PLACES + " decimal places: round it");
        }
        if (unscaled > maxUnscaled || unscaled < -maxUnscaled) {
            throw tooLarge(field, parser, spec.maxAmount);
        }
        return unscaled;
    }

    private double integer(JobSpec.Field field, JsonParser parser, JsonToken token) throws IOException, Refused {
        readNumber(field, parser, token, "a whole number, like 5");
        long value = number.scaled(0);
        require(value != JsonNumber.TOO_FINE, field, parser, "a whole number, like 5");
        if (value > spec.maxNumber || value < -spec.maxNumber) {
            throw tooLarge(field, parser, spec.maxNumber);
        }
        return value;
    }

    private double real(JobSpec.Field field, JsonParser parser, JsonToken token) throws IOException, Refused {
        readNumber(field, parser, token, "a number, like 0.5");
        double value = number.nearest();
        if (Double.isNaN(value)) {
            throw new Refused(
                    "bad_value",
                    field.name + " " + Texts.shown(parser.getText()) + " is too small for a double: round it to 0");
        }
        if (Math.abs(value) > spec.maxNumber) {
            throw tooLarge(field, parser, spec.maxNumber);
        }
        return value;
    }

    private static Refused tooLarge(JobSpec.Field field, JsonParser parser, long limit) throws IOException {
        return new Refused(
                "bad_value",
                field.name + " " + Texts.shown(parser.getText()) + " is not from -" + limit + " to " + limit + ": correct it");
    }

    private void takeAmount(long unscaled, StringData code, Double[] numbers, Parsed parsed) throws Refused {
        String unit = code.toString();
        BigDecimal rate = spec.rates.get(unit);
        if (rate == null) {
            throw new Refused(
                    "unknown_currency",
                    spec.baseCurrency == null
                            ? "pack " + spec.domain + " takes no amounts: give it a currency block, or leave amount out"
                            : "no rate for currency " + unit + ": add it to currency.rates of pack " + spec.domain
                                    + ", or correct it");
        }
        parsed.amount = DecimalData.fromUnscaledLong(unscaled, PRECISION, PLACES);
        long base = unscaled;
        if (!unit.equals(spec.baseCurrency)) {
            BigDecimal exact = BigDecimal.valueOf(unscaled, PLACES).multiply(rate).setScale(PLACES, RoundingMode.HALF_EVEN);
            if (exact.abs().compareTo(BigDecimal.valueOf(spec.maxAmount)) > 0) {
                throw new Refused(
                        "bad_value",
                        "amount is " + exact.toPlainString() + " " + spec.baseCurrency + ", at most " + spec.maxAmount
                                + ": correct amount or currency");
            }
            base = exact.unscaledValue().longValueExact();
        }
        parsed.amountBase = DecimalData.fromUnscaledLong(base, PRECISION, PLACES);
        boolean isExact = Math.abs(base) <= EXACT_DOUBLE;
        numbers[amount.numberIndex] = isExact ? base / UNIT : BigDecimal.valueOf(base, PLACES).doubleValue();
    }

    /** Refuses bytes that are not UTF-8: read leniently, two ids would become one. */
    private Refused notUtf8(byte[] raw, int invalid) {
        byte[] readable = raw.clone();
        for (int at = invalid; at >= 0; at = EventJson.invalidUtf8(readable, at + 1)) {
            readable[at] = '?';
        }
        JobSpec.Field field = byName.get(EventJson.fieldAt(readable, invalid));
        boolean isId = field != null && field.meaning == JobSpec.Meaning.ID;
        return new Refused(
                isId ? "bad_id" : "malformed_json",
                (field == null ? "the record" : field.name) + " is not UTF-8 (byte " + invalid
                        + "): encode as UTF-8, and cut texts between characters");
    }

    private static Refused malformed(byte[] raw, IOException error) {
        // An error of the reader need not have a location.
        long at = -1;
        if (error instanceof JsonProcessingException json
                && json.getLocation() != null) {
            at = json.getLocation().getByteOffset();
        }
        if (at < 0 || at >= raw.length) {
            return new Refused("malformed_json", "the JSON object is not complete: " + ONE_OBJECT);
        }
        int from = (int) Math.max(0, at - EXCERPT_BYTES / 2);
        String near = new String(raw, from, Math.min(EXCERPT_BYTES, raw.length - from), StandardCharsets.ISO_8859_1);
        return new Refused("malformed_json", "no JSON at byte " + at + ", near " + Texts.shown(near) + ": " + ONE_OBJECT);
    }

    private static void require(boolean holds, JobSpec.Field field, JsonParser parser, String wanted)
            throws IOException, Refused {
        if (!holds) {
            throw new Refused(
                    "wrong_type", field.name + " must be " + wanted + ", found " + Texts.shown(parser.getText()) + ": correct it");
        }
    }
}
