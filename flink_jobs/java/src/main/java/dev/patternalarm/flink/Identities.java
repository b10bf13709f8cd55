package dev.patternalarm.flink;

import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * The events of one actor that were counted lately: who they are, what they hold and where they stand in Kafka.
 *
 * <p>In parallel arrays without order, since a key has few of them and is read and written at every event.
 */
final class Identities {

    /** Events remembered of one actor: one that sends more within the window costs 18 KB a read already. */
    static final int MAX = 512;

    /** Bytes of one remembered event. */
    static final int BYTES = 36;

    int size;
    long[] id = {};
    long[] content = {};
    long[] timeMs = {};
    int[] partition = {};
    long[] offset = {};

    /** Position of the event whose id hashes to {@code wanted}; -1 when it is not remembered. */
    int find(long wanted) {
        for (int i = 0; i < size; i++) {
            if (id[i] == wanted) {
                return i;
            }
        }
        return -1;
    }

    /** Remembers an event; whether another, the one of the oldest event_time, was forgotten before its time for it. */
    boolean remember(long idHash, long contentHash, long eventTimeMs, int sourcePartition, long sourceOffset) {
        boolean full = size == MAX;
        int at = size;
        if (full) {
            at = 0;
            for (int i = 1; i < size; i++) {
                at = timeMs[i] < timeMs[at] ? i : at;
            }
        } else {
            ensure(size + 1);
            size++;
        }
        id[at] = idHash;
        content[at] = contentHash;
        timeMs[at] = eventTimeMs;
        partition[at] = sourcePartition;
        offset[at] = sourceOffset;
        return full;
    }

    /** Forgets the events older than {@code firstMs}. */
    void dropBefore(long firstMs) {
        int kept = 0;
        for (int i = 0; i < size; i++) {
            if (timeMs[i] >= firstMs) {
                id[kept] = id[i];
                content[kept] = content[i];
                timeMs[kept] = timeMs[i];
                partition[kept] = partition[i];
                offset[kept] = offset[i];
                kept++;
            }
        }
        size = kept;
    }

    /** Overwrites this by {@code count} events that {@code in} holds. */
    void read(ByteBuffer in, int count) {
        ensure(count);
        for (int i = 0; i < count; i++) {
            id[i] = in.getLong();
            content[i] = in.getLong();
            timeMs[i] = in.getLong();
            partition[i] = in.getInt();
            offset[i] = in.getLong();
        }
        size = count;
    }

    void write(ByteBuffer out) {
        for (int i = 0; i < size; i++) {
            out.putLong(id[i]).putLong(content[i]).putLong(timeMs[i]).putInt(partition[i]).putLong(offset[i]);
        }
    }

    private void ensure(int wanted) {
        if (id.length < wanted) {
            int room = Math.max(4, wanted * 2);
            id = Arrays.copyOf(id, room);
            content = Arrays.copyOf(content, room);
            timeMs = Arrays.copyOf(timeMs, room);
            partition = Arrays.copyOf(partition, room);
            offset = Arrays.copyOf(offset, room);
        }
    }
}
