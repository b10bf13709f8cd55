package dev.patternalarm.flink;

import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.metrics.SimpleCounter;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.functions.FunctionContext;
import org.apache.flink.table.functions.ProcessTableFunction;
import org.apache.flink.util.Collector;

/** What Flink gives to a function: job parameters, a metric, time, timers, and where rows go. */
final class FlinkOfTests {

    final Counter counter = new SimpleCounter();
    final Set<Long> timers = new TreeSet<>();
    Long watermark;

    private interface Call {
        Object answer(String name, Object[] arguments);
    }

    private static <T> T fake(Class<T> type, Call call) {
        Object made =
                Proxy.newProxyInstance(
                        type.getClassLoader(), new Class<?>[] {type}, (self, method, arguments) -> call.answer(method.getName(), arguments));
        return type.cast(made);
    }

    FunctionContext functionContext(String spec) {
        MetricGroup metrics = fake(MetricGroup.class, (name, arguments) -> counter);
        return new FunctionContext(null) {
            @Override
            public String getJobParameter(String key, String defaultValue) {
                return Base64.getEncoder().encodeToString(spec.getBytes(StandardCharsets.UTF_8));
            }

            @Override
            public MetricGroup getMetricGroup() {
                return metrics;
            }
        };
    }

    /** A context of {@code type} at the watermark; {@code timeMs} is the timer's. */
    <T extends ProcessTableFunction.Context> T context(Class<T> type, long timeMs) {
        ProcessTableFunction.TimeContext<?> time =
                fake(
                        ProcessTableFunction.TimeContext.class,
                        (name, arguments) -> {
                            if (name.equals("registerOnTime")) {
                                timers.add((Long) arguments[arguments.length - 1]);
                            }
                            return name.equals("currentWatermark") ? watermark : name.equals("time") ? (Long) timeMs : null;
                        });
        return fake(type, (name, arguments) -> name.equals("timeContext") ? time : null);
    }

    static Collector<RowData> into(List<RowData> out) {
        return new Collector<>() {
            @Override
            public void collect(RowData row) {
                out.add(row);
            }

            @Override
            public void close() {}
        };
    }
}
