package dev.patternalarm.flink;

import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * What is remembered of one key: sparse time buckets of numbers, seen values, last times.
 *
 * <p>It lives in Flink's state as one byte array. As a POJO it would be converted field by field at every access; one
 * array is handed over as it is.
 */
final class KeyState {

    /**
     * Pairs of value and bucket kept per channel. Beyond it {@code distinct} is a lower bound: a key this busy costs
     * 16 KB a read already.
     */
    static final int MAX_VALUES = 1024;

    private static final int[] NO_INTS = {};
    private static final long[] NO_LONGS = {};
    private static final double[] NO_DOUBLES = {};

    /** Counts, sums, squares and maxima of one quantity by bucket, oldest bucket first. */
    static final class Numbers {
        int size;
        long[] bucket = NO_LONGS;
        int[] count = NO_INTS;
        double[] sum = NO_DOUBLES;
        double[] squares = NO_DOUBLES;
        double[] max = NO_DOUBLES;

        void add(long at, double value) {
            int i = size;
            while (i > 0 && bucket[i - 1] > at) {
                i--;
            }
            if (i > 0 && bucket[i - 1] == at) {
                i--;
                count[i]++;
                sum[i] += value;
                squares[i] += value * value;
                max[i] = Math.max(max[i], value);
                return;
            }
            ensure(size + 1);
            int moved = size - i;
            System.arraycopy(bucket, i, bucket, i + 1, moved);
            System.arraycopy(count, i, count, i + 1, moved);
            System.arraycopy(sum, i, sum, i + 1, moved);
            System.arraycopy(squares, i, squares, i + 1, moved);
            System.arraycopy(max, i, max, i + 1, moved);
            bucket[i] = at;
            count[i] = 1;
            sum[i] = value;
            squares[i] = value * value;
            max[i] = value;
            size++;
        }

        void dropBefore(long first) {
            int drop = 0;
            while (drop < size && bucket[drop] < first) {
                drop++;
            }
            if (drop > 0) {
                size -= drop;
                System.arraycopy(bucket, drop, bucket, 0, size);
                System.arraycopy(count, drop, count, 0, size);
                System.arraycopy(sum, drop, sum, 0, size);
                System.arraycopy(squares, drop, squares, 0, size);
                System.arraycopy(max, drop, max, 0, size);
            }
        }

        private void ensure(int wanted) {
            if (bucket.length < wanted) {
                int room = Math.max(8, wanted * 2);
                bucket = Arrays.copyOf(bucket, room);
                count = Arrays.copyOf(count, room);
                sum = Arrays.copyOf(sum, room);
                squares = Arrays.copyOf(squares, room);
                max = Arrays.copyOf(max, room);
            }
        }
    }

    /** Which values were seen in which bucket, as pairs without order. */
    static final class Values {
        int size;
        long[] hash = NO_LONGS;
        long[] bucket = NO_LONGS;

        /** Remembers a value; over {@link #MAX_VALUES}, forgets the oldest, or by {@code largestHash} that one. */
        void add(long at, long value, boolean largestHash) {
            for (int i = 0; i < size; i++) {
                if (hash[i] == value && bucket[i] == at) {
                    return;
                }
            }
            if (hash.length < size + 1) {
                int room = Math.max(4, size * 2);
                hash = Arrays.copyOf(hash, room);
                bucket = Arrays.copyOf(bucket, room);
            }
            hash[size] = value;
            bucket[size] = at;
            size++;
            if (size > MAX_VALUES) {
                int victim = 0;
                for (int i = 1; i < size; i++) {
                    boolean worse = largestHash ? hash[i] > hash[victim] : bucket[i] < bucket[victim];
                    victim = worse ? i : victim;
                }
                size--;
                hash[victim] = hash[size];
                bucket[victim] = bucket[size];
            }
        }

        void dropBefore(long first) {
            int kept = 0;
            for (int i = 0; i < size; i++) {
                if (bucket[i] >= first) {
                    hash[kept] = hash[i];
                    bucket[kept] = bucket[i];
                    kept++;
                }
            }
            size = kept;
        }
    }

    long newestMs = Long.MIN_VALUE;
    boolean timerSet;
    final Numbers[] numbers;
    final Values[] values;
    final long[] lastMs;

    KeyState(int numberChannels, int valueChannels, int lastChannels) {
        numbers = new Numbers[numberChannels];
        values = new Values[valueChannels];
        lastMs = new long[lastChannels];
        for (int i = 0; i < numberChannels; i++) {
            numbers[i] = new Numbers();
        }
        for (int i = 0; i < valueChannels; i++) {
            values[i] = new Values();
        }
    }

    /** Overwrites this state by what {@code bytes} hold; null means a key never seen. */
    void read(byte[] bytes) {
        ByteBuffer in = bytes == null ? null : ByteBuffer.wrap(bytes);
        newestMs = in == null ? Long.MIN_VALUE : in.getLong();
        timerSet = in != null && in.get() != 0;
        for (Numbers channel : numbers) {
            channel.size = 0;
            int size = in == null ? 0 : in.getInt();
            channel.ensure(size);
            for (int i = 0; i < size; i++) {
                channel.bucket[i] = in.getLong();
                channel.count[i] = in.getInt();
                channel.sum[i] = in.getDouble();
                channel.squares[i] = in.getDouble();
                channel.max[i] = in.getDouble();
            }
            channel.size = size;
        }
        for (Values channel : values) {
            int size = in == null ? 0 : in.getInt();
            if (channel.hash.length < size) {
                channel.hash = new long[size + 4];
                channel.bucket = new long[size + 4];
            }
            for (int i = 0; i < size; i++) {
                channel.hash[i] = in.getLong();
                channel.bucket[i] = in.getLong();
            }
            channel.size = size;
        }
        for (int i = 0; i < lastMs.length; i++) {
            lastMs[i] = in == null ? Long.MIN_VALUE : in.getLong();
        }
    }

    /** This state as bytes for {@link #read}. */
    byte[] write() {
        int length = 9 + 4 * (numbers.length + values.length) + 8 * lastMs.length;
        for (Numbers channel : numbers) {
            length += channel.size * 36;
        }
        for (Values channel : values) {
            length += channel.size * 16;
        }
        ByteBuffer out = ByteBuffer.allocate(length);
        out.putLong(newestMs).put((byte) (timerSet ? 1 : 0));
        for (Numbers channel : numbers) {
            out.putInt(channel.size);
            for (int i = 0; i < channel.size; i++) {
                out.putLong(channel.bucket[i]).putInt(channel.count[i]).putDouble(channel.sum[i]);
                out.putDouble(channel.squares[i]).putDouble(channel.max[i]);
            }
        }
        for (Values channel : values) {
            out.putInt(channel.size);
            for (int i = 0; i < channel.size; i++) {
                out.putLong(channel.hash[i]).putLong(channel.bucket[i]);
            }
        }
        for (long last : lastMs) {
            out.putLong(last);
        }
        return out.array();
    }
}
