package dev.patternalarm.flink;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import java.util.zip.CRC32C;

/**
 * What is remembered of one key: sparse time buckets of numbers, seen values, last times, counted events.
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

        /** Takes {@code value} into its bucket; {@code sumPart} and {@code squaresPart} are what the two sums grow by. */
        void add(long at, double value, double sumPart, double squaresPart) {
            int i = size;
            while (i > 0 && bucket[i - 1] > at) {
                i--;
            }
            if (i > 0 && bucket[i - 1] == at) {
                i--;
                count[i]++;
                sum[i] += sumPart;
                squares[i] += squaresPart;
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
            sum[i] = sumPart;
            squares[i] = squaresPart;
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

        private void read(ByteBuffer in, int count) {
            ensure(count);
            for (int i = 0; i < count; i++) {
                bucket[i] = in.getLong();
                this.count[i] = in.getInt();
                sum[i] = in.getDouble();
                squares[i] = in.getDouble();
                max[i] = in.getDouble();
            }
            size = count;
        }

        private void write(ByteBuffer out) {
            for (int i = 0; i < size; i++) {
                out.putLong(bucket[i]).putInt(count[i]).putDouble(sum[i]).putDouble(squares[i]).putDouble(max[i]);
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
            ensure(size + 1);
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

        private void read(ByteBuffer in, int count) {
            ensure(count);
            for (int i = 0; i < count; i++) {
                hash[i] = in.getLong();
                bucket[i] = in.getLong();
            }
            size = count;
        }

        private void write(ByteBuffer out) {
            for (int i = 0; i < size; i++) {
                out.putLong(hash[i]).putLong(bucket[i]);
            }
        }

        private void ensure(int wanted) {
            if (hash.length < wanted) {
                int room = Math.max(4, wanted * 2);
                hash = Arrays.copyOf(hash, room);
                bucket = Arrays.copyOf(bucket, room);
            }
        }
    }

    /**
     * Layout of the bytes, their first one: layout, timerSet, newestMs, identities, channels, checksum of all before it. Each
     * channel stands there as hash of what it holds, length in bytes, bytes; so one that is gone is skipped.
     */
    static final byte LAYOUT = 1;

    private static final int HEADER_BYTES = 1 + 1 + 8 + 4;
    private static final int CHANNEL_BYTES = 8 + 4;
    private static final int CHECKSUM_BYTES = 4;
    private static final int NUMBER_BYTES = 36;
    private static final int VALUE_BYTES = 16;
    private static final int LAST_BYTES = 8;

    long newestMs = Long.MIN_VALUE;
    boolean timerSet;
    final Identities identities = new Identities();
    final Numbers[] numbers;
    final Values[] values;
    final long[] lastMs;

    // Hashes of the channels: of numbers, then of values, then of last times.
    private final long[] channels;
    private final CRC32C checksum = new CRC32C();

    /** A state of these channels, each given by a hash of what it holds: 64 bits, so that no two are ever taken for one. */
    KeyState(long[] numberChannels, long[] valueChannels, long[] lastChannels) {
        numbers = new Numbers[numberChannels.length];
        values = new Values[valueChannels.length];
        lastMs = new long[lastChannels.length];
        channels = Stream.of(numberChannels, valueChannels, lastChannels).flatMapToLong(LongStream::of).toArray();
        for (int i = 0; i < numbers.length; i++) {
            numbers[i] = new Numbers();
        }
        for (int i = 0; i < values.length; i++) {
            values[i] = new Values();
        }
        clear();
    }

    private void clear() {
        newestMs = Long.MIN_VALUE;
        timerSet = false;
        identities.size = 0;
        for (Numbers channel : numbers) {
            channel.size = 0;
        }
        for (Values channel : values) {
            channel.size = 0;
        }
        Arrays.fill(lastMs, Long.MIN_VALUE);
    }

    /**
     * Overwrites this state by what {@code bytes} hold; null means a key never seen. Channels that the bytes lack start
     * empty, those that this state lacks are dropped.
     *
     * @throws IllegalStateException the bytes have another layout or are damaged
     */
    void read(byte[] bytes) {
        clear();
        if (bytes == null) {
            return;
        }
        if (bytes.length == 0 || bytes[0] != LAYOUT) {
            throw refused(
                    "has layout " + (bytes.length == 0 ? "none" : bytes[0]) + ", this version of the job reads layout " + LAYOUT);
        }
        int end = bytes.length - CHECKSUM_BYTES;
        if (end < HEADER_BYTES || ByteBuffer.wrap(bytes).getInt(end) != checksum(bytes, end)) {
            throw refused("is damaged: its " + bytes.length + " bytes do not have the checksum that they were written with");
        }
        ByteBuffer in = ByteBuffer.wrap(bytes, 1, end - 1);
        timerSet = in.get() != 0;
        newestMs = in.getLong();
        identities.read(in, in.getInt());
        for (int i = 0; in.hasRemaining(); i++) {
            long channel = in.getLong();
            int length = in.getInt();
            int index = i < channels.length && channels[i] == channel ? i : indexOf(channel);
            if (index < 0) {
                in.position(in.position() + length);
            } else if (index < numbers.length) {
                numbers[index].read(in, length / NUMBER_BYTES);
            } else if (index < numbers.length + values.length) {
                values[index - numbers.length].read(in, length / VALUE_BYTES);
            } else {
                lastMs[index - numbers.length - values.length] = in.getLong();
            }
        }
    }

    /** This state as bytes for {@link #read}. */
    byte[] write() {
        int length = HEADER_BYTES + identities.size * Identities.BYTES + channels.length * CHANNEL_BYTES + CHECKSUM_BYTES;
        for (Numbers channel : numbers) {
            length += channel.size * NUMBER_BYTES;
        }
        for (Values channel : values) {
            length += channel.size * VALUE_BYTES;
        }
        length += lastMs.length * LAST_BYTES;
        byte[] bytes = new byte[length];
        ByteBuffer out = ByteBuffer.wrap(bytes);
        out.put(LAYOUT).put((byte) (timerSet ? 1 : 0)).putLong(newestMs).putInt(identities.size);
        identities.write(out);
        int index = 0;
        for (Numbers channel : numbers) {
            out.putLong(channels[index++]).putInt(channel.size * NUMBER_BYTES);
            channel.write(out);
        }
        for (Values channel : values) {
            out.putLong(channels[index++]).putInt(channel.size * VALUE_BYTES);
            channel.write(out);
        }
        for (long last : lastMs) {
            out.putLong(channels[index++]).putInt(LAST_BYTES).putLong(last);
        }
        out.putInt(checksum(bytes, out.position()));
        return bytes;
    }

    private int indexOf(long channel) {
        for (int i = 0; i < channels.length; i++) {
            if (channels[i] == channel) {
                return i;
            }
        }
        return -1;
    }

    private int checksum(byte[] bytes, int end) {
        checksum.reset();
        checksum.update(bytes, 0, end);
        return (int) checksum.getValue();
    }

    private static IllegalStateException refused(String what) {
        return new IllegalStateException(
                "the state of a key " + what + ". Restore a savepoint that this version wrote, or start the job without one");
    }
}
