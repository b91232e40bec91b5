package peers;

import java.util.HashMap;
import java.util.Map;
import org.apache.kafka.clients.CommonClientConfigs;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;

/** The settings of Kafka's clients that throughput asks for, the same for every contender. */
final class Clients {
    private static final int MEGABYTE = 1 << 20;

    private Clients() {}

    static Map<String, Object> fetching(Options options) {
        return Map.of(
                ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest",
                ConsumerConfig.ISOLATION_LEVEL_CONFIG, "read_committed",
                ConsumerConfig.MAX_POLL_RECORDS_CONFIG, (int) options.number("max_batch"),
                ConsumerConfig.MAX_PARTITION_FETCH_BYTES_CONFIG, 8 * MEGABYTE,
                ConsumerConfig.RECEIVE_BUFFER_CONFIG, MEGABYTE);
    }

    static Map<String, Object> sending() {
        return Map.of(
                ProducerConfig.BATCH_SIZE_CONFIG, MEGABYTE / 2,
                ProducerConfig.LINGER_MS_CONFIG, 5,
                ProducerConfig.BUFFER_MEMORY_CONFIG, 64 * MEGABYTE,
                ProducerConfig.RETRY_BACKOFF_MS_CONFIG, 2,
                ProducerConfig.SEND_BUFFER_CONFIG, MEGABYTE);
    }

    static Map<String, Object> consumer(Options options) {
        Map<String, Object> config = new HashMap<>(fetching(options));
        config.put(CommonClientConfigs.BOOTSTRAP_SERVERS_CONFIG, options.bootstrap());
        config.put(ConsumerConfig.GROUP_ID_CONFIG, options.output());
        config.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, false);
        return config;
    }

    static Map<String, Object> transactionalProducer(Options options) {
        Map<String, Object> config = new HashMap<>(sending());
        config.put(CommonClientConfigs.BOOTSTRAP_SERVERS_CONFIG, options.bootstrap());
        config.put(ProducerConfig.TRANSACTIONAL_ID_CONFIG, options.output());
        return config;
    }
}
