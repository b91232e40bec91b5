package peers;

import java.util.Map;

/** Learns nothing and answers with the record's own value: the ceiling. */
final class Copier extends Learner {
    private long copied;

    @Override
    byte[] answer(byte[] value, String topic, int partition, long offset) {
        copied++;
        return value;
    }

    @Override
    long answered() {
        return copied;
    }

    @Override
    Map<String, byte[]> takeChanges() {
        return Map.of();
    }

    @Override
    String summary() {
        return "\"predictions_written\": " + copied + ", \"checksum\": null, \"log_loss\": null";
    }
}
