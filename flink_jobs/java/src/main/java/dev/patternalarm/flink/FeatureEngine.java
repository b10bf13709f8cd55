package dev.patternalarm.flink;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.flink.table.data.ArrayData;
import org.apache.flink.table.data.StringData;

/**
 * Computes the pack's features of one key field.
 *
 * <p>Features that share window, field and condition share one channel of {@link KeyState}. The engine of actor_id also
 * computes those that need the event alone. An engine of another key sees only whole buckets older than the pack's
 * delay: buckets that no partition can still add to once the watermark has passed them, so that the outcome does not
 * depend on how partitions interleave.
 */
final class FeatureEngine {

    static final String ACTOR_KEY = "actor_id";

    // What the contract takes for a number; a model reads no infinity.
    private static final double LARGEST = 1e15;
    private static final double EARTH_RADIUS_KM = 6371.0088;
    private static final long DAY_MS = 86_400_000L;
    // Sums of a shared key are of whole ten-thousandths, as high and low part of 2^32 each: adding integers below 2^53
    // gives the same sum in any order, and 2^21 of the largest numbers that the contract takes (1e15) stay below it.
    private static final double SHARED_SCALE = 10_000.0;
    private static final double SHARED_HIGH = 4_294_967_296.0;

    private record NumberChannel(long id, long windowMs, long bucketMs, int numberIndex, List<JobSpec.Where> where) {}

    private record ValueChannel(long id, long windowMs, long bucketMs, int textIndex, List<JobSpec.Where> where) {}

    private record LastChannel(long id, List<JobSpec.Where> where) {}

    private record Task(int output, JobSpec.Feature feature, int channel) {}

    private final JobSpec spec;
    private final boolean ofActor;
    private final List<NumberChannel> numberChannels = new ArrayList<>();
    private final List<ValueChannel> valueChannels = new ArrayList<>();
    private final List<LastChannel> lastChannels = new ArrayList<>();
    private final List<Task> tasks = new ArrayList<>();
    private final long delayMs;
    private final long keepMs;

    FeatureEngine(JobSpec spec, String key) {
        this.spec = spec;
        ofActor = ACTOR_KEY.equals(key);
        delayMs = ofActor ? 0 : spec.sharedKeyDelayMs;
        Map<String, Integer> channels = new LinkedHashMap<>();
        long longest = 0;
        for (int i = 0; i < spec.features.size(); i++) {
            JobSpec.Feature feature = spec.features.get(i);
            boolean mine = feature.key == null ? ofActor : feature.key.equals(key);
            if (!mine) {
                continue;
            }
            longest = Math.max(longest, feature.windowMs);
            tasks.add(new Task(i, feature, channelOf(feature, channels)));
        }
        keepMs = longest + spec.latenessMs + delayMs;
    }

    /** Index of the channel that {@code feature} reads, made when it is the first of it; -1 when it reads none. */
    private int channelOf(JobSpec.Feature feature, Map<String, Integer> channels) {
        String content = contentOf(spec, feature);
        long id = Hashes.of(content);
        return switch (feature.op) {
            case "count", "sum", "max", "mean", "std", "ratio" -> channels.computeIfAbsent(
                    content,
                    key -> {
                        numberChannels.add(
                                new NumberChannel(id, feature.windowMs, feature.bucketMs, feature.numberIndex, feature.where));
                        return numberChannels.size() - 1;
                    });
            case "distinct", "is_new" -> channels.computeIfAbsent(
                    content,
                    key -> {
                        valueChannels.add(new ValueChannel(id, feature.windowMs, feature.bucketMs, feature.textIndex, feature.where));
                        return valueChannels.size() - 1;
                    });
            case "seconds_since" -> channels.computeIfAbsent(
                    content,
                    key -> {
                        lastChannels.add(new LastChannel(id, feature.where));
                        return lastChannels.size() - 1;
                    });
            default -> -1;
        };
    }

    /**
     * All that decides what the channel of {@code feature} holds, by names and not by positions, which follow the pack's order.
     * Its hash finds the channel in state, so a channel whose meaning changes starts empty.
     */
    static String contentOf(JobSpec spec, JobSpec.Feature feature) {
        String where =
                feature.where.stream()
                        .map(w -> spec.textName(w.textIndex) + "=" + texts(w.values.stream().sorted()))
                        .sorted()
                        .collect(Collectors.joining("&"));
        return switch (feature.op) {
            case "count", "sum", "max", "mean", "std", "ratio" -> "number/" + feature.key + "/" + feature.windowMs + "/"
                    + feature.bucketMs + "/" + spec.numberName(feature.numberIndex) + "/" + where;
            case "distinct", "is_new" -> "value/" + feature.key + "/" + feature.windowMs + "/" + feature.bucketMs + "/"
                    + spec.textName(feature.textIndex) + "/" + where;
            case "seconds_since" -> "last/" + feature.key + "/" + where;
            default -> "event/" + feature.op + "/" + spec.numberName(feature.numberIndex) + "/"
                    + IntStream.of(feature.points).mapToObj(spec::numberName).toList()
                    + (feature.textIndex < 0 ? "" : spec.textName(feature.textIndex)) + "/" + texts(feature.categories.stream());
        };
    }

    // Each with its length, so that no two lists look alike.
    private static String texts(Stream<StringData> texts) {
        return texts.map(text -> text.toString().length() + ":" + text).collect(Collectors.joining(","));
    }

    KeyState newState() {
        return new KeyState(
                numberChannels.stream().mapToLong(NumberChannel::id).toArray(),
                valueChannels.stream().mapToLong(ValueChannel::id).toArray(),
                lastChannels.stream().mapToLong(LastChannel::id).toArray());
    }

    /** Time after the newest event when a key's state can no longer matter. */
    long keepMs() {
        return keepMs;
    }

    /** Newest time that a reader at {@code timeMs} may look at: the watermark must have reached it. */
    long completeUntil(long timeMs) {
        return timeMs - delayMs;
    }

    /** Takes an actor's event into {@code state}; what no window of an event that is not late can reach is dropped. */
    void add(KeyState state, long timeMs, ArrayData numbers, ArrayData texts) {
        add(state, timeMs, numbers, texts, Long.MAX_VALUE);
    }

    /**
     * Takes the event into {@code state} and drops what nobody can ask for any more.
     *
     * @param watermark an event that still waits is ahead of it. In a backlog the newest event can be days ahead of
     *     those that wait, so the newest alone must not decide what is dropped.
     */
    void add(KeyState state, long timeMs, ArrayData numbers, ArrayData texts, long watermark) {
        long reached = Math.min(Math.max(state.newestMs, timeMs), watermark);
        long oldest = Math.max(reached, Long.MIN_VALUE / 2) - spec.latenessMs - delayMs;
        for (int i = 0; i < numberChannels.size(); i++) {
            NumberChannel channel = numberChannels.get(i);
            KeyState.Numbers kept = state.numbers[i];
            kept.dropBefore(Math.floorDiv(oldest - channel.windowMs, channel.bucketMs));
            double value = channel.numberIndex < 0 ? 1.0 : number(numbers, channel.numberIndex);
            if (matches(channel.where, texts) && !Double.isNaN(value)) {
                long bucket = Math.floorDiv(timeMs, channel.bucketMs);
                if (ofActor) {
                    kept.add(bucket, value, value, value * value);
                } else {
                    // No square and no maximum is asked of a shared key.
                    double scaled = Math.rint(value * SHARED_SCALE);
                    double high = Math.floor(scaled / SHARED_HIGH);
                    kept.add(bucket, value, high, scaled - high * SHARED_HIGH);
                }
            }
        }
        for (int i = 0; i < valueChannels.size(); i++) {
            ValueChannel channel = valueChannels.get(i);
            KeyState.Values kept = state.values[i];
            kept.dropBefore(Math.floorDiv(oldest - channel.windowMs, channel.bucketMs));
            if (matches(channel.where, texts) && !texts.isNullAt(channel.textIndex)) {
                kept.add(Math.floorDiv(timeMs, channel.bucketMs), Hashes.of(texts.getString(channel.textIndex)), !ofActor);
            }
        }
        for (int i = 0; i < lastChannels.size(); i++) {
            if (matches(lastChannels.get(i).where, texts)) {
                state.lastMs[i] = Math.max(state.lastMs[i], timeMs);
            }
        }
        state.newestMs = Math.max(state.newestMs, timeMs);
    }

    /** Features that look at earlier events only; to be called before {@link #add}. */
    void before(KeyState state, long timeMs, ArrayData numbers, ArrayData texts, double[] out) {
        for (Task task : tasks) {
            JobSpec.Feature feature = task.feature;
            switch (feature.op) {
                case "mean" -> out[task.output] = window(state, task, timeMs).mean();
                case "std" -> out[task.output] = window(state, task, timeMs).std();
                case "ratio" -> {
                    double mean = window(state, task, timeMs).mean();
                    double ratio = mean == 0 ? Double.NaN : number(numbers, feature.numberIndex) / mean;
                    // Over a mean of nearly nothing it would be infinite.
                    out[task.output] = Math.max(-LARGEST, Math.min(LARGEST, ratio));
                }
                case "is_new" -> out[task.output] = isNew(state.values[task.channel], feature, timeMs, texts);
                case "seconds_since" -> {
                    long last = state.lastMs[task.channel];
                    out[task.output] = last == Long.MIN_VALUE ? Double.NaN : Math.max(0, timeMs - last) / 1000.0;
                }
                default -> { }
            }
        }
    }

    /** Features that include the event itself, or need it alone; to be called after {@link #add}. */
    void after(KeyState state, long timeMs, ArrayData numbers, ArrayData texts, double[] out) {
        for (Task task : tasks) {
            JobSpec.Feature feature = task.feature;
            switch (feature.op) {
                case "count" -> out[task.output] = window(state, task, timeMs).count;
                case "sum" -> {
                    Window window = window(state, task, timeMs);
                    out[task.output] =
                            ofActor ? window.sum : (window.sum * SHARED_HIGH + window.squares) / SHARED_SCALE;
                }
                case "max" -> out[task.output] = window(state, task, timeMs).max;
                case "distinct" -> out[task.output] = distinct(state.values[task.channel], feature, timeMs);
                case "field" -> out[task.output] = number(numbers, feature.numberIndex);
                case "hour" -> out[task.output] = Math.floorMod(timeMs, DAY_MS) / 3_600_000.0;
                // 1970-01-01 was a Thursday, day 3 of a week that starts on Monday.
                case "weekday" -> out[task.output] = (double) Math.floorMod(Math.floorDiv(timeMs, DAY_MS) + 3, 7);
                case "category" -> out[task.output] = category(feature, texts);
                case "distance_km" -> out[task.output] = distanceKm(feature.points, numbers);
                default -> { }
            }
        }
    }

    private static final class Window {
        long count;
        double sum;
        double squares;
        double max = Double.NaN;

        double mean() {
            return count == 0 ? Double.NaN : sum / count;
        }

        double std() {
            if (count == 0) {
                return Double.NaN;
            }
            double mean = sum / count;
            return Math.sqrt(Math.max(0, squares / count - mean * mean));
        }
    }

    private Window window(KeyState state, Task task, long timeMs) {
        KeyState.Numbers kept = state.numbers[task.channel];
        long last = lastBucket(task.feature, timeMs);
        long first = last - task.feature.windowMs / task.feature.bucketMs + 1;
        Window window = new Window();
        for (int i = kept.size - 1; i >= 0 && kept.bucket[i] >= first; i--) {
            if (kept.bucket[i] <= last) {
                window.count += kept.count[i];
                window.sum += kept.sum[i];
                window.squares += kept.squares[i];
                window.max = Double.isNaN(window.max) ? kept.max[i] : Math.max(window.max, kept.max[i]);
            }
        }
        return window;
    }

    private long lastBucket(JobSpec.Feature feature, long timeMs) {
        long bucket = Math.floorDiv(timeMs - delayMs, feature.bucketMs);
        return ofActor ? bucket : bucket - 1;
    }

    private static double isNew(KeyState.Values kept, JobSpec.Feature feature, long timeMs, ArrayData texts) {
        if (texts.isNullAt(feature.textIndex)) {
            return Double.NaN;
        }
        long last = Math.floorDiv(timeMs, feature.bucketMs);
        long first = last - feature.windowMs / feature.bucketMs + 1;
        long value = Hashes.of(texts.getString(feature.textIndex));
        boolean any = false;
        for (int i = 0; i < kept.size; i++) {
            if (kept.bucket[i] >= first && kept.bucket[i] <= last) {
                any = true;
                if (kept.hash[i] == value) {
                    return 0.0;
                }
            }
        }
        return any ? 1.0 : Double.NaN;
    }

    private double distinct(KeyState.Values kept, JobSpec.Feature feature, long timeMs) {
        long last = lastBucket(feature, timeMs);
        long first = last - feature.windowMs / feature.bucketMs + 1;
        long[] inWindow = new long[kept.size];
        int count = 0;
        outer:
        for (int i = 0; i < kept.size; i++) {
            if (kept.bucket[i] >= first && kept.bucket[i] <= last) {
                for (int j = 0; j < count; j++) {
                    if (inWindow[j] == kept.hash[i]) {
                        continue outer;
                    }
                }
                inWindow[count++] = kept.hash[i];
            }
        }
        return count;
    }

    private static double category(JobSpec.Feature feature, ArrayData texts) {
        return texts.isNullAt(feature.textIndex)
                ? Double.NaN
                : feature.categories.indexOf(texts.getString(feature.textIndex));
    }

    /** Great-circle distance by the haversine formula on a sphere of the Earth's mean radius (IUGG, 6371.0088 km). */
    static double distanceKm(int[] points, ArrayData numbers) {
        double lat1 = Math.toRadians(number(numbers, points[0]));
        double lat2 = Math.toRadians(number(numbers, points[2]));
        double dLat = lat2 - lat1;
        double dLon = Math.toRadians(number(numbers, points[3]) - number(numbers, points[1]));
        double h = Math.pow(Math.sin(dLat / 2), 2) + Math.cos(lat1) * Math.cos(lat2) * Math.pow(Math.sin(dLon / 2), 2);
        return 2 * EARTH_RADIUS_KM * Math.asin(Math.sqrt(Math.min(1, h)));
    }

    private static boolean matches(List<JobSpec.Where> where, ArrayData texts) {
        for (JobSpec.Where condition : where) {
            if (texts.isNullAt(condition.textIndex)
                    || !condition.values.contains(texts.getString(condition.textIndex))) {
                return false;
            }
        }
        return true;
    }

    private static double number(ArrayData numbers, int index) {
        return numbers.isNullAt(index) ? Double.NaN : numbers.getDouble(index);
    }
}
