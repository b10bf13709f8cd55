package dev.patternalarm.flink;

/**
 * A JSON number read digit by digit: exact, and in time that its length alone decides.
 *
 * <p>1e999999999 is twelve characters and, as a decimal, a billion digits. Here it stays a digit and a scale.
 */
final class JsonNumber {

    private static final int LONG_DIGITS = 18;
    private static final int SATURATED = 1_000_000;
    private static final long EXACT_DOUBLE = 1L << 53;
    private static final long[] POWERS = new long[LONG_DIGITS + 1];
    private static final double[] EXACT_POWERS = new double[23];

    static {
        POWERS[0] = 1;
        for (int i = 1; i < POWERS.length; i++) {
            POWERS[i] = POWERS[i - 1] * 10;
        }
        for (int i = 0; i < EXACT_POWERS.length; i++) {
            EXACT_POWERS[i] = Double.parseDouble("1e" + i);
        }
    }

    /** What {@link #scaled} gives for a number with more places than were asked for. */
    static final long TOO_FINE = Long.MIN_VALUE;

    /** What {@link #scaled} gives for a number that has no room in 18 digits or in a long. */
    static final long TOO_LARGE = Long.MAX_VALUE;

    // The number is digits * 10^-scale, digits without trailing zeros; fits tells whether 18 digits held it.
    private boolean negative;
    private long digits;
    private int count;
    private int scale;
    private char[] text;
    private int from;
    private int length;

    /** Takes the number in {@code text[from, from + length)}; false when that is none by JSON's grammar. */
    boolean read(char[] text, int from, int length) {
        this.text = text;
        this.from = from;
        this.length = length;
        digits = 0;
        count = 0;
        int pendingZeros = 0;
        int places = 0;
        int i = from;
        int end = from + length;
        negative = i < end && text[i] == '-';
        if (negative) {
            i++;
        }
        int whole = i;
        boolean inFraction = false;
        int part = i;
        for (; i < end; i++) {
            char c = text[i];
            if (c == '.' && !inFraction && i > whole) {
                inFraction = true;
                part = i + 1;
                continue;
            }
            if (c < '0' || c > '9') {
                break;
            }
            if (!inFraction && i == whole + 1 && text[whole] == '0') {
                return false;
            }
            if (inFraction) {
                places++;
            }
            if (c != '0') {
                push(pendingZeros, c - '0');
                pendingZeros = 0;
            } else if (count > 0) {
                pendingZeros++;
            }
        }
        if (i == part) {
            return false;
        }
        int exponent = 0;
        if (i < end && (text[i] == 'e' || text[i] == 'E')) {
            i++;
            boolean down = i < end && text[i] == '-';
            if (i < end && (text[i] == '-' || text[i] == '+')) {
                i++;
            }
            if (i == end) {
                return false;
            }
            for (; i < end && text[i] >= '0' && text[i] <= '9'; i++) {
                exponent = Math.min(SATURATED, exponent * 10 + (text[i] - '0'));
            }
            exponent = down ? -exponent : exponent;
        }
        if (i != end) {
            return false;
        }
        scale = places - pendingZeros - exponent;
        if (count == 0) {
            scale = 0;
            negative = false;
        }
        return true;
    }

    private void push(int zeros, int digit) {
        count += (count == 0 ? 0 : zeros) + 1;
        if (count <= LONG_DIGITS) {
            digits = digits * POWERS[zeros + 1] + digit;
        }
    }

    /** The number times 10^{@code places}, exact; or {@link #TOO_FINE}, or {@link #TOO_LARGE} whatever its sign. */
    long scaled(int places) {
        if (scale > places) {
            return TOO_FINE;
        }
        int up = places - scale;
        if (count > LONG_DIGITS || digits != 0 && (up > LONG_DIGITS || digits > (TOO_LARGE - 1) / POWERS[up])) {
            return TOO_LARGE;
        }
        long value = digits == 0 ? 0 : digits * POWERS[up];
        return negative ? -value : value;
    }

    /** The nearest double: infinite when it is past them all, NaN when it is not zero and rounds to it. */
    double nearest() {
        double value;
        if (count <= LONG_DIGITS && digits <= EXACT_DOUBLE && Math.abs(scale) < EXACT_POWERS.length) {
            value = scale >= 0 ? digits / EXACT_POWERS[scale] : digits * EXACT_POWERS[-scale];
            return negative ? -value : value;
        }
        value = Double.parseDouble(new String(text, from, length));
        return value == 0 ? Double.NaN : value;
    }
}
