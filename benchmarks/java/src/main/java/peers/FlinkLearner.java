package peers;

import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.flink.api.common.functions.RichMapFunction;
import org.apache.flink.api.common.state.CheckpointListener;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.runtime.state.FunctionInitializationContext;
import org.apache.flink.runtime.state.FunctionSnapshotContext;
import org.apache.flink.streaming.api.checkpoint.CheckpointedFunction;

/** The model as operator state: written whole with each checkpoint. */
final class FlinkLearner extends RichMapFunction<FlinkPeer.Message, FlinkPeer.Message>
        implements CheckpointedFunction, CheckpointListener {
    /** Static, because Flink hands its tasks a serialized copy of this function. */
    static Learner learner;

    static Meter meter;

    private transient ListState<byte[]> state;
    private transient Map<String, byte[]> model;
    private transient Map<Long, Long> answeredAt;

    @Override
    public void initializeState(FunctionInitializationContext context) throws Exception {
        var bytes = PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO;
        state = context.getOperatorStateStore().getListState(new ListStateDescriptor<>("model", bytes));
        model = new HashMap<>();
        answeredAt = new ConcurrentHashMap<>();
        meter.started();
    }

    @Override
    public FlinkPeer.Message map(FlinkPeer.Message m) {
        return m.with(learner.answer(m.value(), m.topic(), m.partition(), m.offset()));
    }

    @Override
    public void snapshotState(FunctionSnapshotContext context) throws Exception {
        model.putAll(learner.takeChanges());
        state.clear();
        for (Map.Entry<String, byte[]> part : model.entrySet()) {
            state.add(part.getKey().getBytes(StandardCharsets.UTF_8));
            state.add(part.getValue());
        }
        answeredAt.put(context.getCheckpointId(), learner.answered());
    }

    @Override
    public void notifyCheckpointComplete(long checkpoint) {
        meter.committed(answeredAt.remove(checkpoint));
    }
}
