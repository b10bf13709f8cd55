package dev.patternalarm.flink;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.apache.flink.table.data.GenericArrayData;
import org.apache.flink.table.data.StringData;
import org.junit.jupiter.api.Test;

class KeyStateTest {

    private static final String[] WINDOWS = {
        "\"window_ms\": 60000, \"bucket_ms\": 1000", "\"window_ms\": 3600000, \"bucket_ms\": 60000"
    };
    private static final String[] WHERES = {
        "",
        ", \"where\": {\"event_type\": [\"login\"]}",
        ", \"where\": {\"event_type\": [\"purchase\", \"login\"], \"known\": [\"true\"]}"
    };

    /** Every feature of an actor that state is kept for, over these windows and conditions; none of them twice. */
    private static List<String> allFeatures() {
        List<String> all = new ArrayList<>();
        for (String where : WHERES) {
            for (String window : WINDOWS) {
                String key = "\"key\": \"actor_id\", " + window + where;
                for (String op : new String[] {"count", "sum", "max", "mean", "std", "ratio"}) {
                    String field = op.equals("count") ? "" : ", \"field\": \"" + (all.size() % 2 == 0 ? "amount" : "weight") + "\"";
                    all.add(Specs.feature("f" + all.size(), op, key + field));
                }
                all.add(Specs.feature("f" + all.size(), "distinct", key + ", \"field\": \"device_id\""));
                all.add(Specs.feature("f" + all.size(), "is_new", key + ", \"field\": \"event_type\""));
            }
            all.add(Specs.feature("f" + all.size(), "seconds_since", "\"key\": \"actor_id\"" + where));
        }
        return all;
    }

    private static JobSpec randomSpec(Random random, List<String> all) {
        List<String> features = new ArrayList<>(all);
        Collections.shuffle(features, random);
        return Specs.with(features.subList(0, 1 + random.nextInt(features.size())).toArray(String[]::new));
    }

    private static double[] take(JobSpec spec, FeatureEngine engine, KeyState state, Random random, long timeMs) {
        GenericArrayData numbers =
                new GenericArrayData(new Double[] {random.nextInt(1_000) / 4.0, (double) random.nextInt(50), 1.0});
        Object[] values = new Object[Specs.TEXTS];
        values[Specs.TYPE] = StringData.fromString(random.nextBoolean() ? "login" : "purchase");
        values[Specs.DEVICE] = StringData.fromString("d" + random.nextInt(5));
        values[7] = StringData.fromString(random.nextBoolean() ? "true" : "false");
        GenericArrayData texts = new GenericArrayData(values);
        double[] out = new double[spec.features.size()];
        engine.before(state, timeMs, numbers, texts, out);
        engine.add(state, timeMs, numbers, texts);
        engine.after(state, timeMs, numbers, texts, out);
        return out;
    }

    /** Features by name after the same 60 events: the first 40 by {@code first}, the others by {@code then}. */
    private static double[] run(JobSpec first, JobSpec then, long seed) {
        Random random = new Random(seed);
        byte[] bytes = null;
        double[] out = null;
        for (int i = 0; i < 60; i++) {
            JobSpec spec = i < 40 ? first : then;
            FeatureEngine engine = new FeatureEngine(spec, FeatureEngine.ACTOR_KEY);
            KeyState state = engine.newState();
            state.read(bytes);
            out = take(spec, engine, state, random, i * 7_000L);
            bytes = state.write();
        }
        return out;
    }

    @Test
    void whatIsUnchangedIsRestoredWhateverFeaturesComeOrGoOrMove() {
        List<String> all = allFeatures();
        int compared = 0;
        int started = 0;
        for (int seed = 0; seed < 300; seed++) {
            Random random = new Random(seed);
            JobSpec before = randomSpec(random, all);
            JobSpec after = randomSpec(random, all);
            double[] changed = run(before, after, seed);
            double[] always = run(after, after, seed);
            double[] fresh = run(Specs.with(), after, seed);
            List<String> kept = before.features.stream().map(f -> FeatureEngine.contentOf(before, f)).toList();
            for (int i = 0; i < changed.length; i++) {
                boolean restored = kept.contains(FeatureEngine.contentOf(after, after.features.get(i)));
                assertEquals(restored ? always[i] : fresh[i], changed[i], after.features.get(i).name + ", seed " + seed);
                compared += restored ? 1 : 0;
                started += !restored && always[i] != fresh[i] ? 1 : 0;
            }
        }
        assertTrue(compared > 1_000 && started > 300, compared + " restored, " + started + " started empty");
    }

    @Test
    void anotherFieldConditionWindowOrCurrencyIsAnotherChannel() {
        String sum = "\"key\": \"actor_id\", \"field\": \"amount\", ";
        List<JobSpec> specs =
                List.of(
                        Specs.with(Specs.feature("f", "sum", sum + WINDOWS[0])),
                        Specs.with(Specs.feature("f", "sum", sum + WINDOWS[1])),
                        Specs.with(Specs.feature("f", "sum", sum + WINDOWS[0] + WHERES[1])),
                        Specs.with(Specs.feature("f", "sum", sum + WINDOWS[0] + WHERES[2])),
                        Specs.with(Specs.feature("f", "sum", sum.replace("amount", "weight") + WINDOWS[0])),
                        Specs.of("{\"base_currency\": \"JPY\", \"features\": [" + Specs.feature("f", "sum", sum + WINDOWS[0]) + "]}"));
        assertEquals(specs.size(), specs.stream().map(s -> FeatureEngine.contentOf(s, s.features.get(0))).distinct().count());
        // The same condition in another order is the same.
        String turned = ", \"where\": {\"known\": [\"true\"], \"event_type\": [\"login\", \"purchase\"]}";
        JobSpec one = Specs.with(Specs.feature("f", "count", "\"key\": \"actor_id\", " + WINDOWS[0] + WHERES[2]));
        JobSpec other = Specs.with(Specs.feature("f", "count", "\"key\": \"actor_id\", " + WINDOWS[0] + turned));
        assertEquals(FeatureEngine.contentOf(one, one.features.get(0)), FeatureEngine.contentOf(other, other.features.get(0)));
    }

    private static byte[] someBytes(FeatureEngine engine) {
        KeyState state = engine.newState();
        Random random = new Random(3);
        JobSpec spec = Specs.with(allFeatures().toArray(String[]::new));
        for (int i = 0; i < 5; i++) {
            take(spec, engine, state, random, i * 1_000L);
            state.identities.remember(i, i, i * 1_000L, 0, i);
        }
        return state.write();
    }

    @Test
    void bytesThatAreCutOrDamagedAnywhereAreRefused() {
        FeatureEngine engine = new FeatureEngine(Specs.with(allFeatures().toArray(String[]::new)), FeatureEngine.ACTOR_KEY);
        KeyState state = engine.newState();
        byte[] bytes = someBytes(engine);
        state.read(bytes);
        assertTrue(Arrays.equals(bytes, state.write()));
        for (int length = 0; length < bytes.length; length++) {
            byte[] cut = Arrays.copyOf(bytes, length);
            assertThrows(IllegalStateException.class, () -> state.read(cut), () -> cut.length + " bytes");
        }
        for (int i = 0; i < bytes.length; i++) {
            byte[] damaged = bytes.clone();
            damaged[i] ^= (byte) (1 << i % 8);
            int at = i;
            String message = assertThrows(IllegalStateException.class, () -> state.read(damaged), () -> "byte " + at).getMessage();
            assertTrue(message.contains(i == 0 ? "has layout" : "is damaged") && message.contains("savepoint"), message);
        }
    }

    @Test
    void anotherLayoutIsRefusedByName() {
        FeatureEngine engine = new FeatureEngine(Specs.with(), FeatureEngine.ACTOR_KEY);
        byte[] bytes = someBytes(engine);
        bytes[0] = 7;
        String message = assertThrows(IllegalStateException.class, () -> engine.newState().read(bytes)).getMessage();
        assertTrue(message.contains("has layout 7, this version of the job reads layout " + KeyState.LAYOUT), message);
    }
}
