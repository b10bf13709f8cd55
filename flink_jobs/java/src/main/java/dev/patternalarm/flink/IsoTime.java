package dev.patternalarm.flink;

import java.io.IOException;
import java.time.LocalDate;
import java.time.Month;
import java.time.Year;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonParser;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonToken;

/**
 * Reads a time to epoch milliseconds: ISO 8601 with a zone, or a whole number of epoch milliseconds.
 *
 * <p>ISO 8601's extended form with a year of four digits: {@code 2026-11-24T05:30[:00[.123]]} and {@code Z} or
 * {@code +01[:00]}; a comma is as good as the point. What is finer than a millisecond is cut off. There is no hour 24 and
 * no second 60: either would be the second spelling of another time.
 */
final class IsoTime {

    /** Stands for a text or a number that is no time. */
    static final long UNREADABLE = Long.MIN_VALUE;

    private static final int MAX_FRACTION_DIGITS = 9;
    private static final int MAX_OFFSET_MINUTES = 18 * 60;

    private IsoTime() {}

    /** Epoch milliseconds of the value at which {@code parser} stands, a text or a number; else {@link #UNREADABLE}. */
    static long of(JsonParser parser, JsonToken token) throws IOException {
        if (token != JsonToken.VALUE_STRING && !token.isNumeric()) {
            return UNREADABLE;
        }
        char[] text = parser.getTextCharacters();
        int from = parser.getTextOffset();
        int length = parser.getTextLength();
        long millis = token == JsonToken.VALUE_STRING ? millis(text, from, length) : UNREADABLE;
        if (millis != UNREADABLE) {
            return millis;
        }
        JsonNumber number = new JsonNumber();
        long whole = number.read(text, from, length) ? number.scaled(0) : UNREADABLE;
        return whole == JsonNumber.TOO_FINE || whole == JsonNumber.TOO_LARGE ? UNREADABLE : whole;
    }

    /** Epoch milliseconds of the ISO 8601 time in {@code text[from, from + length)}; else {@link #UNREADABLE}. */
    static long millis(char[] text, int from, int length) {
        int end = from + length;
        if (length < 17 || text[from + 4] != '-' || text[from + 7] != '-' || (text[from + 10] | 0x20) != 't'
                || text[from + 13] != ':') {
            return UNREADABLE;
        }
        int year = digits(text, from, 4);
        int month = digits(text, from + 5, 2);
        int day = digits(text, from + 8, 2);
        int hour = digits(text, from + 11, 2);
        int minute = digits(text, from + 14, 2);
        int second = 0;
        int millis = 0;
        int i = from + 16;
        if (text[i] == ':') {
            if (i + 3 >= end) {
                return UNREADABLE;
            }
            second = digits(text, i + 1, 2);
            i += 3;
            if (text[i] == '.' || text[i] == ',') {
                int first = ++i;
                for (int unit = 100; i < end && text[i] >= '0' && text[i] <= '9'; i++, unit /= 10) {
                    millis += (text[i] - '0') * unit;
                }
                if (i == first || i - first > MAX_FRACTION_DIGITS) {
                    return UNREADABLE;
                }
            }
        }
        int offset = offsetMinutes(text, i, end);
        boolean real =
                year >= 0 && month >= 1 && month <= 12 && day >= 1 && hour >= 0 && hour < 24 && minute >= 0 && minute < 60
                        && second >= 0 && second < 60 && Math.abs(offset) <= MAX_OFFSET_MINUTES;
        if (!real || day > Month.of(month).length(Year.isLeap(year))) {
            return UNREADABLE;
        }
        long days = LocalDate.of(year, month, day).toEpochDay();
        return ((days * 24 + hour) * 60 + minute - offset) * 60_000L + second * 1_000L + millis;
    }

    /** Minutes east of UTC of the zone in {@code text[i, end)}; beyond any when that is no zone. */
    private static int offsetMinutes(char[] text, int i, int end) {
        int length = end - i;
        if (length == 1 && (text[i] | 0x20) == 'z') {
            return 0;
        }
        boolean signed = length > 0 && (text[i] == '+' || text[i] == '-');
        if (!signed || length != 3 && (length != 6 || text[i + 3] != ':')) {
            return Integer.MAX_VALUE;
        }
        int hours = digits(text, i + 1, 2);
        int minutes = length == 3 ? 0 : digits(text, i + 4, 2);
        if (hours < 0 || minutes < 0 || minutes > 59) {
            return Integer.MAX_VALUE;
        }
        int offset = hours * 60 + minutes;
        return text[i] == '-' ? -offset : offset;
    }

    private static int digits(char[] text, int from, int count) {
        int value = 0;
        for (int i = from; i < from + count; i++) {
            int digit = text[i] - '0';
            if (digit < 0 || digit > 9) {
                return -1;
            }
            value = value * 10 + digit;
        }
        return value;
    }
}
