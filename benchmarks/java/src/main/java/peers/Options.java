package peers;

import java.util.Arrays;
import java.util.Map;
import java.util.stream.Collectors;

/** The command line: {@code bootstrap=... samples=... output=... count=...}, and what a contender takes besides. */
record Options(Map<String, String> all) {
    static Options of(String[] arguments) {
        return new Options(
                Arrays.stream(arguments).map(a -> a.split("=", 2)).collect(Collectors.toMap(a -> a[0], a -> a[1])));
    }

    String get(String name) {
        String value = all.get(name);
        if (value == null) {
            throw new IllegalArgumentException("expected " + name + "=..., got " + all);
        }
        return value;
    }

    long number(String name) {
        return Long.parseLong(get(name));
    }

    String bootstrap() {
        return get("bootstrap");
    }

    String samples() {
        return get("samples");
    }

    String output() {
        return get("output");
    }

    /** How many samples the topic holds; 0: go on until killed. */
    long count() {
        return number("count");
    }

    boolean isEndless() {
        return count() == 0;
    }

    long warmUp() {
        return number("warm_up");
    }
}
