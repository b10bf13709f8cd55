package dev.patternalarm.flink;

import org.apache.flink.table.data.StringData;
import org.apache.flink.table.data.binary.BinaryArrayData;
import org.apache.flink.table.data.writer.BinaryArrayWriter;

/** Arrays in Flink's binary form: every operator copies its columns, and these are copied as one piece of memory. */
final class EventArrays {

    private EventArrays() {}

    static BinaryArrayData of(Double[] numbers) {
        BinaryArrayData array = new BinaryArrayData();
        BinaryArrayWriter writer = new BinaryArrayWriter(array, numbers.length, Double.BYTES);
        for (int i = 0; i < numbers.length; i++) {
            if (numbers[i] == null) {
                writer.setNullDouble(i);
            } else {
                writer.writeDouble(i, numbers[i]);
            }
        }
        writer.complete();
        return array;
    }

    static BinaryArrayData of(StringData[] texts) {
        BinaryArrayData array = new BinaryArrayData();
        BinaryArrayWriter writer = new BinaryArrayWriter(array, texts.length, Long.BYTES);
        for (int i = 0; i < texts.length; i++) {
            if (texts[i] == null) {
                writer.setNullLong(i);
            } else {
                writer.writeString(i, texts[i]);
            }
        }
        writer.complete();
        return array;
    }

    static BinaryArrayData of(double[] values) {
        return BinaryArrayData.fromPrimitiveArray(values);
    }
}
