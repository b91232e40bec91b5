package peers;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Locale;
import java.util.Map;

/** What is done with a record's value: predict, then learn; the answer is to be published. */
class Learner {
    private final Neuron neuron = new Neuron();
    private final Sample sample = new Sample();
    private final Json json = new Json();
    private long answered;
    private long version;
    private double probabilities;
    private double losses;

    byte[] answer(byte[] value, String topic, int partition, long offset) {
        try {
            json.read(value, neuron, sample);
            double probability = neuron.predict(sample);
            byte[] answer = json.write(sample, probability, version, topic, partition, offset);
            answered++;
            probabilities += probability;
            if (!Double.isNaN(sample.label)) {
                losses -= Math.log(Math.max(sample.label > 0.5 ? probability : 1.0 - probability, 1e-15));
                neuron.learn(sample);
                version++;
            }
            return answer;
        } catch (IOException failure) {
            throw new UncheckedIOException(topic + "-" + partition + "-" + offset, failure);
        }
    }

    long answered() {
        return answered;
    }

    Map<String, byte[]> takeChanges() {
        return neuron.takeChanges();
    }

    /** Return what the outputs are checked by, as members of a JSON object. */
    String summary() {
        return String.format(
                Locale.ROOT,
                "\"predictions_written\": %d, \"checksum\": %.6f, \"log_loss\": %.9f",
                answered, probabilities, losses / Math.max(version, 1));
    }
}
