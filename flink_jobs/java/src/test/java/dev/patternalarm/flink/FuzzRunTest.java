package dev.patternalarm.flink;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FuzzRunTest {

    @Test
    void noRecordBreaksAPromise(@TempDir Path directory) throws IOException, InterruptedException {
        Path output = directory.resolve("output");
        int exit = FuzzRun.run(directory, 20_000, 1, ProcessBuilder.Redirect.to(output.toFile()));
        assertEquals(0, exit, () -> read(output));
    }

    private static String read(Path output) {
        try {
            return Files.readString(output);
        } catch (IOException e) {
            return e.toString();
        }
    }
}
