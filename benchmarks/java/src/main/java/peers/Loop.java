package peers;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** A loop by hand: each poll is one transaction of predictions, changed weights and offsets. */
final class Loop {
    private final Options options;
    private final Learner learner;
    private final Meter meter;
    private final String modelTopic;

    private Loop(Options options, Learner learner) {
        this.options = options;
        this.learner = learner;
        this.meter = new Meter(options);
        this.modelTopic = options.get("model");
    }

    public static void main(String[] arguments) {
        Options options = Options.of(arguments);
        Learner learner = options.get("learn").equals("true") ? new Learner() : new Copier();
        new Loop(options, learner).run();
    }

    private void run() {
        var bytesIn = new ByteArrayDeserializer();
        var bytesOut = new ByteArraySerializer();
        try (var consumer = new KafkaConsumer<>(Clients.consumer(options), bytesIn, bytesIn);
                var producer = new KafkaProducer<>(Clients.transactionalProducer(options), bytesOut, bytesOut)) {
            producer.initTransactions();
            consumer.subscribe(List.of(options.samples()));
            meter.started();
            while (options.isEndless() || learner.answered() < options.count()) {
                var records = consumer.poll(Duration.ofMillis(100));
                if (!records.isEmpty()) {
                    commit(records, consumer, producer);
                    meter.committed(learner.answered());
                }
            }
        }
        System.out.println(meter.report(learner));
    }

    private void commit(
            ConsumerRecords<byte[], byte[]> records,
            KafkaConsumer<byte[], byte[]> consumer,
            KafkaProducer<byte[], byte[]> producer) {
        producer.beginTransaction();
        for (ConsumerRecord<byte[], byte[]> r : records) {
            byte[] answer = learner.answer(r.value(), r.topic(), r.partition(), r.offset());
            producer.send(new ProducerRecord<>(options.output(), r.partition(), r.key(), answer));
        }
        for (Map.Entry<String, byte[]> change : learner.takeChanges().entrySet()) {
            byte[] key = change.getKey().getBytes(StandardCharsets.UTF_8);
            producer.send(new ProducerRecord<>(modelTopic, 0, key, change.getValue()));
        }
        producer.sendOffsetsToTransaction(records.nextOffsets(), consumer.groupMetadata());
        producer.commitTransaction();
    }
}
