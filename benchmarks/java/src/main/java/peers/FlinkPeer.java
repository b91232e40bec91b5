package peers;

import java.time.Duration;
import java.util.Properties;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.flink.connector.kafka.sink.KafkaSink;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.connector.kafka.source.reader.deserializer.KafkaRecordDeserializationSchema;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.util.Collector;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;

/** Flink in this process, one slot, its Kafka connector exactly once; a checkpoint is a commit. */
final class FlinkPeer {
    private final Options options;

    private FlinkPeer(Options options) {
        this.options = options;
    }

    public static void main(String[] arguments) throws Exception {
        new FlinkPeer(Options.of(arguments)).run();
    }

    private void run() throws Exception {
        var environment = StreamExecutionEnvironment.createLocalEnvironment(1, configuration());
        FlinkLearner.meter = new Meter(options);
        FlinkLearner.learner = new Learner();
        environment
                .fromSource(source(), WatermarkStrategy.noWatermarks(), "samples")
                .map(new FlinkLearner())
                .sinkTo(sink());
        environment.execute();
        System.out.println(FlinkLearner.meter.report(FlinkLearner.learner));
    }

    private Configuration configuration() {
        Configuration configuration = new Configuration();
        configuration.set(PipelineOptions.OBJECT_REUSE, true);
        configuration.set(RestartStrategyOptions.RESTART_STRATEGY, "none"); // a run with a failure tells nothing
        configuration.set(CheckpointingOptions.CHECKPOINTING_INTERVAL, Duration.ofMillis(options.number("commit_ms")));
        configuration.set(CheckpointingOptions.CHECKPOINTS_DIRECTORY, "file://" + options.get("folder"));
        return configuration;
    }

    private KafkaSource<Message> source() {
        Properties fetching = new Properties();
        Clients.fetching(options).forEach((name, value) -> fetching.put(name, value.toString()));
        return KafkaSource.<Message>builder()
                .setBootstrapServers(options.bootstrap())
                .setTopics(options.samples())
                .setGroupId(options.output())
                .setStartingOffsets(OffsetsInitializer.earliest())
                .setBounded(OffsetsInitializer.latest())
                .setDeserializer(new Reading())
                .setProperties(fetching)
                .build();
    }

    private KafkaSink<Message> sink() {
        Properties sending = new Properties();
        Clients.sending().forEach((name, value) -> sending.put(name, value.toString()));
        sending.put("transaction.timeout.ms", "600000");
        return KafkaSink.<Message>builder()
                .setBootstrapServers(options.bootstrap())
                .setDeliveryGuarantee(DeliveryGuarantee.EXACTLY_ONCE)
                .setTransactionalIdPrefix(options.output())
                .setKafkaProducerConfig(sending)
                .setRecordSerializer(new Writing(options.output()))
                .build();
    }

    /** A record of either topic; chained operators hand it on as it is. */
    record Message(byte[] key, byte[] value, String topic, int partition, long offset) {
        Message with(byte[] answer) {
            return new Message(key, answer, topic, partition, offset);
        }
    }

    private static final class Reading implements KafkaRecordDeserializationSchema<Message> {
        @Override
        public void deserialize(ConsumerRecord<byte[], byte[]> r, Collector<Message> out) {
            out.collect(new Message(r.key(), r.value(), r.topic(), r.partition(), r.offset()));
        }

        @Override
        public TypeInformation<Message> getProducedType() {
            return TypeInformation.of(Message.class);
        }
    }

    private record Writing(String topic) implements KafkaRecordSerializationSchema<Message> {
        @Override
        public ProducerRecord<byte[], byte[]> serialize(Message m, KafkaSinkContext context, Long timestamp) {
            return new ProducerRecord<>(topic, m.partition, m.key, m.value);
        }
    }
}
