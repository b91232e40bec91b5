package peers;

import java.time.Duration;
import org.apache.kafka.streams.processor.PunctuationType;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;

/**
 * The processor. {@code store=per-commit}: the model is put into the store once for each commit, by a
 * punctuation that asks for the commit in the same pass of the thread, so no sample comes between. Else it is
 * put there for each sample: {@code cached} in memory behind the cache, {@code rocksdb} as stores are by default.
 */
final class StreamsLearner implements Processor<byte[], byte[], byte[], byte[]> {
    static final String STORE = "model";

    private final Options options;
    private final Learner learner;
    private final boolean isPerCommit;
    private ProcessorContext<byte[], byte[]> context;
    private KeyValueStore<String, byte[]> store;

    StreamsLearner(Options options, Learner learner) {
        this.options = options;
        this.learner = learner;
        this.isPerCommit = options.get("store").equals("per-commit");
    }

    @Override
    public void init(ProcessorContext<byte[], byte[]> context) {
        this.context = context;
        this.store = context.getStateStore(STORE);
        if (isPerCommit) {
            Duration interval = Duration.ofMillis(options.number("commit_ms"));
            context.schedule(interval, PunctuationType.WALL_CLOCK_TIME, now -> {
                writeModel();
                context.commit();
            });
        }
    }

    @Override
    public void process(Record<byte[], byte[]> record) {
        var at = context.recordMetadata().orElseThrow();
        byte[] answer = learner.answer(record.value(), at.topic(), at.partition(), at.offset());
        if (!isPerCommit) {
            writeModel();
        }
        context.forward(record.withValue(answer));
    }

    private void writeModel() {
        learner.takeChanges().forEach(store::put);
    }
}
