package peers;

import java.util.Arrays;

/** One sample as it was read, in arrays that are used again for the next one. */
final class Sample {
    /** What is echoed: text or an integer. */
    String id;
    boolean idIsText;
    /** NaN where there is none. */
    double label;
    double weight;
    /** The rows of the model that take part, row 0 (the bias) first, and their inputs. */
    int count;
    int[] rows = new int[64];
    double[] inputs = new double[64];

    void clear() {
        id = null;
        label = Double.NaN;
        weight = 1.0;
        count = 0;
        add(Neuron.BIAS, 1.0);
    }

    void add(int row, double input) {
        if (count == rows.length) {
            rows = Arrays.copyOf(rows, 2 * count);
            inputs = Arrays.copyOf(inputs, 2 * count);
        }
        rows[count] = row;
        inputs[count++] = input;
    }
}
