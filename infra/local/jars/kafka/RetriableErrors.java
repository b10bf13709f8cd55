import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import java.util.Properties;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.common.protocol.Errors;

/**
 * Prints plugins/patternalarm/retriable_kafka_errors.csv: the codes whose exception kafka-clients marks as retriable.
 * From the repository's root:
 *
 * <p>{@code java -cp ".local/jars/kafka/*" infra/local/jars/kafka/RetriableErrors.java >
 * plugins/patternalarm/retriable_kafka_errors.csv}
 */
class RetriableErrors {
  public static void main(String[] arguments) throws IOException {
    Properties version = new Properties();
    try (InputStream file = Errors.class.getResourceAsStream("/kafka/kafka-version.properties")) {
      version.load(file);
    }
    System.out.println("# kafka-clients " + version.getProperty("version"));
    System.out.println("code,name");
    Arrays.stream(Errors.values())
        .filter(error -> error.exception() instanceof RetriableException)
        .forEach(error -> System.out.println(error.code() + "," + error.name()));
  }
}
