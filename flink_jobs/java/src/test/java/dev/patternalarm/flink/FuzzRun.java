package dev.patternalarm.flink;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;

/**
 * A run of {@link RecordFuzzer} from the cases of the event contract, in a process of its own: there, classes are
 * instrumented as they are loaded. What it finds is a case more.
 */
final class FuzzRun {

    private static final String OUR_CLASSES = "dev.patternalarm.**";

    private FuzzRun() {}

    /** Runs {@code runs} inputs in {@code directory} and gives the fuzzer's exit code, 0 when nothing was found. */
    static int run(Path directory, long runs, long seed, ProcessBuilder.Redirect output)
            throws IOException, InterruptedException {
        Path corpus = Files.createDirectories(directory.resolve("corpus"));
        int number = 0;
        for (byte[] input : seeds()) {
            Files.write(corpus.resolve("case-" + number++), input);
        }
        Files.write(directory.resolve("words"), words());
        String classes = System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
        List<String> command =
                List.of(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Xmx1g",
                        "-cp",
                        classes,
                        "com.code_intelligence.jazzer.Jazzer",
                        "--target_class=" + RecordFuzzer.class.getName(),
                        "--instrumentation_includes=" + OUR_CLASSES,
                        // Tracing what is compared with what costs two thirds of the inputs per second.
                        "--trace=cov",
                        "--reproducer_path=" + directory,
                        "-artifact_prefix=" + directory + "/",
                        "-dict=" + directory.resolve("words"),
                        "-runs=" + runs,
                        "-seed=" + seed,
                        "-max_len=2048",
                        "-timeout=10",
                        "-rss_limit_mb=0",
                        "-print_final_stats=1",
                        corpus.toString());
        return new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(output).start().waitFor();
    }

    /** The records of the contract's cases, and pairs of them as one actor's. */
    private static List<byte[]> seeds() {
        List<byte[]> seeds = new ArrayList<>();
        byte[] before = {};
        for (Iterator<byte[]> records = EventCasesTest.records().iterator(); records.hasNext(); ) {
            byte[] record = records.next();
            seeds.add(record);
            byte[] pair = Arrays.copyOf(before, before.length + 1 + record.length);
            pair[before.length] = RecordFuzzer.BETWEEN_RECORDS;
            System.arraycopy(record, 0, pair, before.length + 1, record.length);
            seeds.add(pair);
            before = record;
        }
        return seeds;
    }

    /** Words to build records from, as libFuzzer's dictionary. */
    private static List<String> words() {
        List<String> words = new ArrayList<>();
        for (String plain : List.of("null", "true", "e999999999", "T00:00:00Z", "EUR", "USD", "\\\\u005f", "\\\\ud83d")) {
            words.add('"' + plain + '"');
        }
        Specs.shop().fields.forEach(field -> words.add("\",\\\"" + field.name + "\\\":\""));
        return words;
    }

    /** Arguments: the number of inputs and the seed. The fuzzer prints inputs and coverage (edges of our classes). */
    public static void main(String[] arguments) throws IOException, InterruptedException {
        long runs = Long.parseLong(arguments[0]);
        long seed = Long.parseLong(arguments[1]);
        System.exit(run(Path.of("target", "fuzz"), runs, seed, ProcessBuilder.Redirect.INHERIT));
    }
}
