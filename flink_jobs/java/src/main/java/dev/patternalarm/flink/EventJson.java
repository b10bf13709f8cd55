package dev.patternalarm.flink;

import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonFactory;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonParser;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonToken;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.StreamReadConstraints;

/**
 * The one way in which a record's bytes are read: strict UTF-8, strict JSON, fields of the top level only.
 *
 * <p>{@link EventTime}, {@link ActorKey} and {@link EventParser} all read by it, so that for an event that is accepted
 * they cannot differ.
 */
final class EventJson {

    // Of the reader's own limits only two may ever speak: names, because it remembers them from record to record, and
    // its nesting of 500, which is wider than the contract's. Lengths of numbers and texts are the contract's to bound,
    // with reasons of its own, and a record's size bounds them before.
    private static final int MAX_NAME_LENGTH = 1024;

    private static final JsonFactory FACTORY =
            JsonFactory.builder()
                    .streamReadConstraints(
                            StreamReadConstraints.builder()
                                    .maxNestingDepth(500)
                                    .maxNameLength(MAX_NAME_LENGTH)
                                    .maxNumberLength(Integer.MAX_VALUE)
                                    .maxStringLength(Integer.MAX_VALUE)
                                    .build())
                    // UTF-16 would be another spelling of the same record.
                    .disable(JsonFactory.Feature.CHARSET_DETECTION)
                    // A producer chooses the names: they may neither stay in the JVM's string table nor, by colliding
                    // on purpose, stop the reading of others' records.
                    .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
                    .disable(JsonFactory.Feature.FAIL_ON_SYMBOL_HASH_OVERFLOW)
                    .build();

    private static final VarHandle LONGS = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.nativeOrder());
    private static final long HIGH_BITS = 0x8080808080808080L;

    private EventJson() {}

    /** A parser of {@code raw}, which must be UTF-8. */
    static JsonParser open(byte[] raw) throws IOException {
        return FACTORY.createParser(raw);
    }

    /** Moves to the value of the first top-level field {@code name} and gives its token; null when there is none. */
    static JsonToken find(JsonParser parser, String name) throws IOException {
        if (parser.nextToken() != JsonToken.START_OBJECT) {
            return null;
        }
        while (parser.nextToken() == JsonToken.FIELD_NAME) {
            boolean here = name.equals(parser.currentName());
            JsonToken value = parser.nextToken();
            if (here) {
                return value;
            }
            parser.skipChildren();
        }
        return null;
    }

    /** The top-level field of a whole JSON object whose name or value holds byte {@code at}; null when there is none. */
    static String fieldAt(byte[] raw, int at) {
        String field = null;
        try (JsonParser parser = open(raw)) {
            if (parser.nextToken() != JsonToken.START_OBJECT) {
                return null;
            }
            while (parser.nextToken() == JsonToken.FIELD_NAME) {
                if (parser.currentTokenLocation().getByteOffset() <= at) {
                    field = parser.currentName();
                }
                parser.nextToken();
                parser.skipChildren();
            }
            return field;
        } catch (IOException | RuntimeException e) {
            return null;
        }
    }

    /** Position at or after {@code from} of the first byte that is not UTF-8 (Unicode 3.9, table 3-7); -1 when all is. */
    static int invalidUtf8(byte[] raw, int from) {
        int i = from;
        while (i < raw.length) {
            while (i + 8 <= raw.length && ((long) LONGS.get(raw, i) & HIGH_BITS) == 0) {
                i += 8;
            }
            if (i >= raw.length) {
                return -1;
            }
            int length = sequenceLength(raw, i);
            if (length == 0) {
                return i;
            }
            i += length;
        }
        return -1;
    }

    /** Bytes of the character that starts at {@code i}; 0 when none does. */
    private static int sequenceLength(byte[] raw, int i) {
        int first = raw[i] & 0xff;
        if (first < 0x80) {
            return 1;
        }
        if (first < 0xc2 || first > 0xf4 || i + 1 >= raw.length) {
            return 0;
        }
        int second = raw[i + 1] & 0xff;
        // Overlong forms, surrogates and what is past U+10FFFF show in the second byte.
        int low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
        int high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
        if (second < low || second > high) {
            return 0;
        }
        int length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
        if (i + length > raw.length) {
            return 0;
        }
        for (int j = i + 2; j < i + length; j++) {
            if ((raw[j] & 0xc0) != 0x80) {
                return 0;
            }
        }
        return length;
    }
}
