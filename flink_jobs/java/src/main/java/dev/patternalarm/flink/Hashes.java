package dev.patternalarm.flink;

import org.apache.flink.table.data.StringData;

/** 64-bit hashes that stand in state: what they give for a text may never change. */
final class Hashes {

    private Hashes() {}

    /** FNV-1a over UTF-8, finished by {@link #mix}. */
    static long of(StringData text) {
        long h = 0xcbf29ce484222325L;
        for (byte b : text.toBytes()) {
            h = (h ^ (b & 0xff)) * 0x100000001b3L;
        }
        return mix(h);
    }

    static long of(String text) {
        return of(StringData.fromString(text));
    }

    /** MurmurHash3's mixer: afterwards the high bits alone are uniform. */
    static long mix(long h) {
        h = (h ^ (h >>> 33)) * 0xff51afd7ed558ccdL;
        h = (h ^ (h >>> 33)) * 0xc4ceb9fe1a85ec53L;
        return h ^ (h >>> 33);
    }
}
