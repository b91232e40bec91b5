package peers;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Logistic regression behind a standard scaler, one SGD step a sample.
 *
 * <p>The bias is row 0, whose input is 1. A row with a negative count is not scaled: the bias and texts.
 */
final class Neuron {
    static final int BIAS = 0;
    private static final double RATE = 0.01;
    private static final int BLOCK = 256;
    private static final int WEIGHT = 0, COUNT = 1, MEAN = 2, VARIANCE = 3, INVERSE = 4, COLUMNS = 5;

    private final Map<String, Integer> numbers = new HashMap<>();
    private final Map<String, Map<String, Integer>> texts = new HashMap<>();
    private final List<String> names = new ArrayList<>();
    private final BitSet changed = new BitSet();
    private final BitSet grown = new BitSet();
    private double[] state = new double[COLUMNS * BLOCK];

    Neuron() {
        append("", -1);
    }

    int size() {
        return names.size();
    }

    /** The row of a number; a new name is appended. */
    int row(String name) {
        Integer row = numbers.get(name);
        if (row == null) {
            numbers.put(name, row = append(name, 0));
        }
        return row;
    }

    /** The row of a text, which is one-hot. */
    int row(String name, String text) {
        Map<String, Integer> rows = texts.computeIfAbsent(name, any -> new HashMap<>());
        Integer row = rows.get(text);
        if (row == null) {
            rows.put(text, row = append(name + "=" + text, -1));
        }
        return row;
    }

    private int append(String name, double count) {
        int row = names.size();
        names.add(name);
        grown.set(row / BLOCK);
        if (COLUMNS * (row + 1) > state.length) {
            state = Arrays.copyOf(state, 2 * state.length);
        }
        state[COLUMNS * row + COUNT] = count;
        state[COLUMNS * row + INVERSE] = count < 0 ? 1.0 : 0.0;
        return row;
    }

    /** The probability, with the statistics as they are. */
    double predict(Sample sample) {
        double score = 0.0;
        for (int k = 0; k < sample.count; k++) {
            int at = COLUMNS * sample.rows[k];
            score += state[at + WEIGHT] * (sample.inputs[k] - state[at + MEAN]) * state[at + INVERSE];
        }
        return sigmoid(score);
    }

    /** Take the sample into the statistics, scale it by them, and take one step; its inputs become the scaled. */
    void learn(Sample sample) {
        double score = 0.0;
        for (int k = 0; k < sample.count; k++) {
            int at = COLUMNS * sample.rows[k];
            observe(at, sample.inputs[k]);
            sample.inputs[k] = (sample.inputs[k] - state[at + MEAN]) * state[at + INVERSE];
            score += state[at + WEIGHT] * sample.inputs[k];
        }
        double step = RATE * sample.weight * (sigmoid(score) - sample.label);
        for (int k = 0; k < sample.count; k++) {
            state[COLUMNS * sample.rows[k] + WEIGHT] -= step * sample.inputs[k];
            changed.set(sample.rows[k] / BLOCK);
        }
    }

    private void observe(int at, double input) {
        if (state[at + COUNT] < 0) {
            return;
        }
        double count = ++state[at + COUNT];
        double before = input - state[at + MEAN];
        state[at + MEAN] += before / count;
        double variance = state[at + VARIANCE];
        variance += (before * (input - state[at + MEAN]) - variance) / count;
        state[at + VARIANCE] = variance;
        state[at + INVERSE] = variance > 0.0 ? 1.0 / Math.sqrt(variance) : 0.0;
    }

    private static double sigmoid(double score) {
        if (score >= 0.0) {
            return 1.0 / (1.0 + Math.exp(-score));
        }
        double e = Math.exp(score);
        return e / (1.0 + e);
    }

    /** What has changed since the last call, as records for a compacted topic: blocks of rows, and names once. */
    Map<String, byte[]> takeChanges() {
        Map<String, byte[]> records = new TreeMap<>();
        grown.stream().forEach(block -> records.put("names/" + block, names(block)));
        changed.stream().forEach(block -> records.put("block/" + block, rows(block)));
        grown.clear();
        changed.clear();
        return records;
    }

    private byte[] names(int block) {
        int end = Math.min(names.size(), (block + 1) * BLOCK);
        return String.join("\0", names.subList(block * BLOCK, end)).getBytes(StandardCharsets.UTF_8);
    }

    private byte[] rows(int block) {
        int first = COLUMNS * BLOCK * block;
        int length = Math.min(COLUMNS * names.size() - first, COLUMNS * BLOCK);
        ByteBuffer bytes = ByteBuffer.allocate(Double.BYTES * length).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asDoubleBuffer().put(state, first, length);
        return bytes.array();
    }
}
