package dev.patternalarm.flink;

import java.io.IOException;
import java.net.URI;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import java.util.concurrent.CountDownLatch;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.GlobalConfiguration;
import org.apache.flink.configuration.HighAvailabilityOptions;
import org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint;
import org.apache.flink.runtime.highavailability.JobResultStoreOptions;
import org.apache.flink.shaded.zookeeper3.org.apache.zookeeper.KeeperException;
import org.apache.flink.shaded.zookeeper3.org.apache.zookeeper.Watcher.Event.KeeperState;
import org.apache.flink.shaded.zookeeper3.org.apache.zookeeper.ZKUtil;
import org.apache.flink.shaded.zookeeper3.org.apache.zookeeper.ZooKeeper;
import org.apache.flink.shaded.zookeeper3.org.apache.zookeeper.data.Stat;

/**
 * Starts the JobManager of a cluster that has no other.
 *
 * <p>ZooKeeper keeps the claims of one that was killed, to lead and to jobs and checkpoints, until its session ends, and a session
 * must be long to outlast a ZooKeeper that stands still. Where the supervisor starts one JobManager after another, the earlier
 * one is dead: its claims are removed at once, and the jobs go on in seconds.
 */
public final class SoleJobManager {

    private static final int SESSION_MS = 10_000;
    private static final long OF_NO_SESSION = 0;
    private static final int EVERY_VERSION = -1;
    private static final String UNFINISHED = "_DIRTY.json";

    private SoleJobManager() {}

    /** Takes the arguments of Flink's own entry point, {@code --configDir} among them. */
    public static void main(String[] arguments) throws Exception {
        Configuration configuration = GlobalConfiguration.loadConfiguration(configDir(arguments));
        removeClaims(configuration);
        settleFailedStarts(Path.of(URI.create(configuration.get(JobResultStoreOptions.STORAGE_PATH))));
        StandaloneSessionClusterEntrypoint.main(arguments);
    }

    /** Removes what belongs to a session in the cluster of {@code configuration}; waits as long as ZooKeeper is away. */
    static void removeClaims(Configuration configuration) throws Exception {
        String cluster = configuration.get(HighAvailabilityOptions.HA_ZOOKEEPER_ROOT)
                + configuration.get(HighAvailabilityOptions.HA_CLUSTER_ID);
        CountDownLatch connected = new CountDownLatch(1);
        String address = configuration.get(HighAvailabilityOptions.HA_ZOOKEEPER_QUORUM);
        try (ZooKeeper zookeeper = new ZooKeeper(address, SESSION_MS, event -> {
            if (event.getState() == KeeperState.SyncConnected) {
                connected.countDown();
            }
        })) {
            connected.await();
            if (zookeeper.exists(cluster, false) == null) {
                return;
            }
            for (String node : ZKUtil.listSubTreeBFS(zookeeper, cluster)) {
                Stat stat = zookeeper.exists(node, false);
                if (stat != null && stat.getEphemeralOwner() != OF_NO_SESSION) {
                    deleteIfThere(zookeeper, node);
                }
            }
        }
    }

    /**
     * Marks results of jobs that failed before they had begun as cleaned up.
     *
     * <p>Flink 2.3 writes them without the application that they belong to, never cleans them up, and a JobManager that finds
     * one ends with "Application ID is missing in the recovered job result", at every start.
     */
    static void settleFailedStarts(Path results) throws IOException {
        try (DirectoryStream<Path> unfinished = Files.newDirectoryStream(results, "*" + UNFINISHED)) {
            for (Path result : unfinished) {
                if (!Files.readString(result).contains("\"application-id\"")) {
                    String finished = result.getFileName().toString().replace(UNFINISHED, ".json");
                    Files.move(result, result.resolveSibling(finished), StandardCopyOption.REPLACE_EXISTING);
                }
            }
        }
    }

    private static void deleteIfThere(ZooKeeper zookeeper, String node) throws Exception {
        try {
            zookeeper.delete(node, EVERY_VERSION);
        } catch (KeeperException.NoNodeException sessionEnded) {
            // By itself, in this very moment.
        }
    }

    private static String configDir(String[] arguments) {
        int option = Arrays.asList(arguments).indexOf("--configDir");
        if (option < 0 || option + 1 == arguments.length) {
            throw new IllegalArgumentException("--configDir <directory of config.yaml> is missing");
        }
        return arguments[option + 1];
    }
}
