package dev.patternalarm.flink;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.HighAvailabilityOptions;
import org.apache.flink.shaded.zookeeper3.org.apache.zookeeper.CreateMode;
import org.apache.flink.shaded.zookeeper3.org.apache.zookeeper.ZooDefs.Ids;
import org.apache.flink.shaded.zookeeper3.org.apache.zookeeper.ZooKeeper;
import org.apache.flink.shaded.zookeeper3.org.apache.zookeeper.server.NIOServerCnxnFactory;
import org.apache.flink.shaded.zookeeper3.org.apache.zookeeper.server.ZooKeeperServer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Against ZooKeeper's own server. */
class SoleJobManagerTest {

    private static final int SESSION_MS = 30_000;

    @TempDir
    Path directory;

    private NIOServerCnxnFactory server;

    @BeforeEach
    void start() throws Exception {
        File data = directory.toFile();
        server = new NIOServerCnxnFactory();
        server.configure(new InetSocketAddress("127.0.0.1", 0), 20);
        server.startup(new ZooKeeperServer(data, data, 1_000));
    }

    @AfterEach
    void stop() {
        server.shutdown();
    }

    private String address() {
        return "127.0.0.1:" + server.getLocalPort();
    }

    private Configuration configuration() {
        Configuration configuration = new Configuration();
        configuration.set(HighAvailabilityOptions.HA_ZOOKEEPER_QUORUM, address());
        configuration.set(HighAvailabilityOptions.HA_CLUSTER_ID, "/patternalarm");
        return configuration;
    }

    @Test
    void aClaimEndsThoughItsSessionLastsAndNothingElseDoes() throws Exception {
        try (ZooKeeper killed = new ZooKeeper(address(), SESSION_MS, event -> {})) {
            String path = "";
            for (String part : List.of("flink", "patternalarm", "leader", "latch")) {
                path += "/" + part;
                killed.create(path, null, Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT);
            }
            killed.create(path + "/claim-", null, Ids.OPEN_ACL_UNSAFE, CreateMode.EPHEMERAL_SEQUENTIAL);
            killed.create("/flink/patternalarm/job", null, Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT);
            killed.create("/flink/patternalarm/job/lock", null, Ids.OPEN_ACL_UNSAFE, CreateMode.EPHEMERAL);
            killed.create("/flink/other", null, Ids.OPEN_ACL_UNSAFE, CreateMode.EPHEMERAL);

            SoleJobManager.removeClaims(configuration());

            assertEquals(List.of(), killed.getChildren(path, false));
            assertEquals(List.of(), killed.getChildren("/flink/patternalarm/job", false));
            assertEquals(Set.of("other", "patternalarm"), Set.copyOf(killed.getChildren("/flink", false)));
        }
    }

    @Test
    void aClusterThatNobodyEverLedHasNoClaims() throws Exception {
        SoleJobManager.removeClaims(configuration());
    }

    @Test
    void theResultOfAJobThatNeverBeganIsSettledAndNoOther() throws Exception {
        Files.writeString(directory.resolve("a_DIRTY.json"), "{\"result\":{\"id\":\"a\"}}");
        Files.writeString(directory.resolve("b_DIRTY.json"), "{\"result\":{\"id\":\"b\",\"application-id\":\"c\"}}");

        SoleJobManager.settleFailedStarts(directory);

        assertTrue(Files.exists(directory.resolve("a.json")));
        assertFalse(Files.exists(directory.resolve("a_DIRTY.json")));
        assertTrue(Files.exists(directory.resolve("b_DIRTY.json")));
    }

    @Test
    void aZooKeeperThatIsAwayIsWaitedFor() throws Exception {
        InetSocketAddress place = server.getLocalAddress();
        server.shutdown();
        Configuration configuration = new Configuration();
        configuration.set(HighAvailabilityOptions.HA_ZOOKEEPER_QUORUM, "127.0.0.1:" + place.getPort());
        CompletableFuture<Void> removal = CompletableFuture.runAsync(() -> {
            try {
                SoleJobManager.removeClaims(configuration);
            } catch (Exception e) {
                throw new AssertionError(e);
            }
        });
        server = new NIOServerCnxnFactory();
        server.configure(place, 20);
        server.startup(new ZooKeeperServer(directory.toFile(), directory.toFile(), 1_000));
        removal.get(30, TimeUnit.SECONDS);
    }
}
