package peers;

import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Time, and processor time of all threads, between two commits, scaled to all records.
 *
 * <p>From the first commit behind the warm-up to the last but one, because whoever commits at intervals idles
 * before its last; where there are too few, from the commit before to the last, or from the start.
 */
final class Meter {
    private record Commit(long nanos, long cpuNanos, long records) {}

    private final OperatingSystemMXBean process =
            (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    private final List<Commit> commits = new ArrayList<>();
    private final Options options;

    Meter(Options options) {
        this.options = options;
    }

    /** The first record may come. */
    void started() {
        add(0);
    }

    /** A commit has returned: so many records are committed since the start. */
    synchronized void committed(long records) {
        if (!options.isEndless() && records > latest().records) {
            add(records);
        }
    }

    private synchronized void add(long records) {
        commits.add(new Commit(System.nanoTime(), process.getProcessCpuTime(), records));
    }

    private Commit latest() {
        return commits.get(commits.size() - 1);
    }

    /** Return one line of JSON. */
    synchronized String report(Learner learner) {
        int last = commits.size() - 1;
        int first = 0;
        while (first < last && commits.get(first).records < options.warmUp()) {
            first++;
        }
        if (last - first > 2) {
            last--;
        }
        return report(Math.min(first, last - 1), last, learner);
    }

    private String report(int first, int last, Learner learner) {
        Commit from = commits.get(first);
        Commit to = commits.get(last);
        double scale = (double) latest().records / (to.records - from.records);
        return String.format(
                Locale.ROOT,
                "{\"records\": %d, \"seconds\": %.6f, \"cpu_seconds\": %.6f, \"span\": \"commit %d to %d of %d\", %s}",
                latest().records,
                scale * (to.nanos - from.nanos) / 1e9,
                scale * (to.cpuNanos - from.cpuNanos) / 1e9,
                first,
                last,
                commits.size() - 1,
                learner.summary());
    }
}
