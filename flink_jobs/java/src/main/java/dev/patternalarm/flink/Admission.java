package dev.patternalarm.flink;

/**
 * Whether an event of an actor counts: once each, and not when it is late.
 *
 * <p>An event is (actor_id, event_id). It is remembered until the actor's newest event is {@link #memoryMs} of event time
 * ahead of it. As that is no shorter than the pack's lateness, what was forgotten is late: a copy never counts again,
 * unless the actor had more than {@link Identities#MAX} events in that time. Identity goes before lateness: a copy that
 * comes too late lost nothing, and must not look like an event that did.
 *
 * <p>Content is event_time and every field that the contract and the pack know, as parsed: another order of fields,
 * other white space or a field that nobody knows make no other content.
 */
final class Admission {

    /** A gateway's retry is older than this only when it was down, and then it sends again what was never taken. */
    static final long MIN_MEMORY_MS = 600_000;

    /** What an event is to its actor. */
    enum Verdict {
        /** It counts. */
        FIRST,
        /** The very record that was counted, read again. */
        AGAIN,
        /** A copy with the same content. */
        DUPLICATE,
        /** Another event under an id that was counted. */
        CONFLICTING,
        /** Older than the actor's newest event by more than the pack's lateness. */
        LATE
    }

    private final JobSpec spec;
    private final int eventIdIndex;
    private final int amountIndex;
    private final long[] numberSeeds;
    private final long[] textSeeds;

    Admission(JobSpec spec) {
        this.spec = spec;
        numberSeeds = new long[spec.numberCount];
        textSeeds = new long[spec.textCount];
        int amount = -1;
        for (JobSpec.Field field : spec.fields) {
            long seed = Hashes.of(field.name);
            if (field.numberIndex >= 0) {
                numberSeeds[field.numberIndex] = seed;
            }
            if (field.textIndex >= 0) {
                textSeeds[field.textIndex] = seed;
            }
            amount = field.type == JobSpec.FieldType.DECIMAL ? field.numberIndex : amount;
        }
        eventIdIndex = spec.textIndex("event_id");
        amountIndex = amount;
    }

    /** Event time for which an event is remembered. */
    long memoryMs() {
        return Math.max(spec.latenessMs, MIN_MEMORY_MS);
    }

    /** Judges {@code event}, a record at these coordinates; {@code key} is left as it is. */
    Verdict judge(KeyState key, EventParser.Parsed event, int partition, long offset) {
        Identities counted = key.identities;
        int first = counted.find(Hashes.of(event.texts[eventIdIndex]));
        if (first >= 0) {
            if (counted.partition[first] == partition && counted.offset[first] == offset) {
                return Verdict.AGAIN;
            }
            boolean same = counted.content[first] == content(event);
            String place = " was counted at partition " + counted.partition[first] + ", offset " + counted.offset[first];
            event.reason = same ? "duplicate" : "conflicting";
            event.detail =
                    "event_id " + Texts.shown(event.texts[eventIdIndex].toString()) + place
                            + (same
                                    ? ": this copy holds the same and nothing is lost"
                                    : " with other content: if this is another event, send it with an event_id of its own");
            return same ? Verdict.DUPLICATE : Verdict.CONFLICTING;
        }
        if (key.newestMs != Long.MIN_VALUE && event.eventTimeMs < key.newestMs - spec.latenessMs) {
            event.reason = "late";
            event.detail =
                    "event_time is " + (key.newestMs - event.eventTimeMs) + " ms behind the actor's newest event, the pack allows "
                            + spec.latenessMs + ": send an actor's events in order, or raise the pack's lateness";
            return Verdict.LATE;
        }
        return Verdict.FIRST;
    }

    /**
     * Remembers {@code event} as counted, once {@link FeatureEngine#add} took it in; whether an older one had to be
     * forgotten before its time.
     */
    boolean remember(KeyState key, EventParser.Parsed event, int partition, long offset) {
        key.identities.dropBefore(key.newestMs - memoryMs());
        return key.identities.remember(
                Hashes.of(event.texts[eventIdIndex]), content(event), event.eventTimeMs, partition, offset);
    }

    /**
     * Hash of what {@code event} says. Each field adds its own part, so that a field that the pack gains, or another order
     * of them, leaves what is remembered as it is. The amount is taken as sent: its base amount follows the pack's rates.
     */
    long content(EventParser.Parsed event) {
        long sum = Hashes.mix(event.eventTimeMs);
        for (int i = 0; i < textSeeds.length; i++) {
            if (event.texts[i] != null) {
                sum += Hashes.mix(textSeeds[i] ^ Hashes.of(event.texts[i]));
            }
        }
        for (int i = 0; i < numberSeeds.length; i++) {
            if (event.numbers[i] != null && i != amountIndex) {
                // Minus zero is zero.
                sum += Hashes.mix(numberSeeds[i] + Double.doubleToLongBits(event.numbers[i] + 0.0));
            }
        }
        if (event.amount != null) {
            sum += Hashes.mix(numberSeeds[amountIndex] + event.amount.toUnscaledLong());
        }
        return sum;
    }
}
