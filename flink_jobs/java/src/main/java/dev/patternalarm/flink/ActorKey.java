package dev.patternalarm.flink;

import java.io.IOException;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonFactory;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonParser;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonToken;
import org.apache.flink.table.annotation.DataTypeHint;
import org.apache.flink.table.functions.FunctionContext;
import org.apache.flink.table.functions.ScalarFunction;

/**
 * The key that a raw record goes by to {@link ActorFeatures}: its actor_id, read no further than needed.
 *
 * <p>Only bytes and this key cross the network; as twenty columns the event cost more there than the parse. A record
 * without a readable actor_id goes by its coordinates, so that no single key gathers what is broken.
 */
public final class ActorKey extends ScalarFunction {

    private static final String FIELD = "actor_id";

    private transient JsonFactory json;

    @Override
    public void open(FunctionContext context) {
        json = new JsonFactory();
    }

    /** Key of {@code raw}, which stands at {@code offset} of {@code partition}; never null. */
    public @DataTypeHint("STRING NOT NULL") String eval(
            @DataTypeHint("BYTES") byte[] raw, Integer partition, Long offset) {
        String actor = raw == null ? null : find(json, raw);
        return actor == null ? " " + partition + ":" + offset : actor;
    }

    /** The first actor_id of the JSON object {@code raw}; null when there is none that is a text. */
    static String find(JsonFactory json, byte[] raw) {
        try (JsonParser parser = json.createParser(raw)) {
            if (parser.nextToken() != JsonToken.START_OBJECT) {
                return null;
            }
            while (parser.nextToken() == JsonToken.FIELD_NAME) {
                boolean here = FIELD.equals(parser.currentName());
                JsonToken value = parser.nextToken();
                if (here) {
                    return value == JsonToken.VALUE_STRING ? parser.getText() : null;
                }
                parser.skipChildren();
            }
            return null;
        } catch (IOException e) {
            return null;
        }
    }
}
