package peers;

import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.processor.internals.DefaultKafkaClientSupplier;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.StoreBuilder;
import org.apache.kafka.streams.state.Stores;

/** Kafka Streams, exactly_once_v2; {@code store} says how the model is stored: see {@link StreamsLearner}. */
final class StreamsPeer {
    /** The broker's own limit on transactions; Streams wants its interval to be no longer. */
    private static final long NEVER_MS = 15 * 60 * 1000;

    private final Options options;
    private final Learner learner = new Learner();
    private final Meter meter;
    private final CountDownLatch done = new CountDownLatch(1);
    private volatile Throwable failure;

    private StreamsPeer(Options options) {
        this.options = options;
        this.meter = new Meter(options);
    }

    public static void main(String[] arguments) throws Exception {
        new StreamsPeer(Options.of(arguments)).run();
    }

    private void run() throws Exception {
        try (KafkaStreams streams = new KafkaStreams(topology(), config(), new CommitsSeen())) {
            streams.setUncaughtExceptionHandler(thrown -> {
                failure = thrown;
                done.countDown();
                return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
            });
            meter.started();
            streams.start();
            done.await();
        }
        removeChangelog();
        if (failure != null) {
            throw new IllegalStateException("Kafka Streams failed", failure);
        }
        System.out.println(meter.report(learner));
    }

    private void removeChangelog() throws Exception {
        Map<String, Object> config = Map.of(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, options.bootstrap());
        try (Admin admin = Admin.create(config)) {
            String changelog = options.output() + "-" + StreamsLearner.STORE + "-changelog";
            admin.deleteTopics(List.of(changelog)).all().get();
        }
    }

    private Topology topology() {
        var in = new ByteArrayDeserializer();
        var out = new ByteArraySerializer();
        return new Topology()
                .addSource("samples", in, in, options.samples())
                .addProcessor("learner", () -> new StreamsLearner(options, learner), "samples")
                .addStateStore(store(), "learner")
                .addSink("predictions", options.output(), out, out, "learner");
    }

    private boolean isPerCommit() {
        return options.get("store").equals("per-commit");
    }

    private StoreBuilder<KeyValueStore<String, byte[]>> store() {
        String kind = options.get("store");
        var supplier = kind.equals("rocksdb")
                ? Stores.persistentKeyValueStore(StreamsLearner.STORE)
                : Stores.inMemoryKeyValueStore(StreamsLearner.STORE);
        var builder = Stores.keyValueStoreBuilder(supplier, Serdes.String(), Serdes.ByteArray());
        return kind.equals("cached") ? builder.withCachingEnabled() : builder.withCachingDisabled();
    }

    private Properties config() {
        Properties config = new Properties();
        Clients.fetching(options).forEach((name, value) -> config.put(StreamsConfig.consumerPrefix(name), value));
        Clients.sending().forEach((name, value) -> config.put(StreamsConfig.producerPrefix(name), value));
        config.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, options.bootstrap());
        config.put(StreamsConfig.APPLICATION_ID_CONFIG, options.output());
        config.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
        config.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, isPerCommit() ? NEVER_MS : options.number("commit_ms"));
        config.put(StreamsConfig.producerPrefix(ProducerConfig.TRANSACTION_TIMEOUT_CONFIG), (int) NEVER_MS);
        config.put(StreamsConfig.BUFFERED_RECORDS_PER_PARTITION_CONFIG, 2 * (int) options.number("max_batch"));
        config.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, 1);
        config.put(StreamsConfig.STATE_DIR_CONFIG, options.get("folder"));
        return config;
    }

    /** Tells the meter of each commit, and the end. */
    private final class CommitsSeen extends DefaultKafkaClientSupplier {
        @Override
        public Producer<byte[], byte[]> getProducer(Map<String, Object> config) {
            return new KafkaProducer<>(config, new ByteArraySerializer(), new ByteArraySerializer()) {
                @Override
                public void commitTransaction() {
                    super.commitTransaction();
                    meter.committed(learner.answered());
                    if (!options.isEndless() && learner.answered() >= options.count()) {
                        done.countDown();
                    }
                }
            };
        }
    }
}
