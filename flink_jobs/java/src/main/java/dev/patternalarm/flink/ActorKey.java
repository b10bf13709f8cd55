package dev.patternalarm.flink;

import java.io.IOException;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonParser;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonToken;
import org.apache.flink.table.annotation.DataTypeHint;
import org.apache.flink.table.functions.FunctionContext;
import org.apache.flink.table.functions.ScalarFunction;

/**
 * The key that a raw record goes by to {@link ActorFeatures}: its actor_id, read no further than needed.
 *
 * <p>Only bytes and this key cross the network; as twenty columns the event cost more there than the parse. A record
 * without an actor_id that the contract takes goes by its coordinates, so that no single key gathers what is broken;
 * they begin with a space, as no actor_id does.
 */
public final class ActorKey extends ScalarFunction {

    private static final String FIELD = "actor_id";

    private transient int maxCharacters;

    @Override
    public void open(FunctionContext context) {
        open(JobSpec.from(context));
    }

    void open(JobSpec spec) {
        maxCharacters = spec.maxIdCharacters;
    }

    /** Key of {@code raw}, which stands at {@code offset} of {@code partition}; never null. */
    public @DataTypeHint("STRING NOT NULL") String eval(
            @DataTypeHint("BYTES") byte[] raw, Integer partition, Long offset) {
        String actor = raw == null ? null : find(raw, maxCharacters);
        return actor == null ? " " + partition + ":" + offset : actor;
    }

    /** The actor_id of the JSON object {@code raw}; null when there is none that the contract takes. */
    static String find(byte[] raw, int maxCharacters) {
        if (EventJson.invalidUtf8(raw, 0) >= 0) {
            return null;
        }
        try (JsonParser parser = EventJson.open(raw)) {
            if (EventJson.find(parser, FIELD) != JsonToken.VALUE_STRING) {
                return null;
            }
            String actor = parser.getText();
            return actor.isEmpty() || Texts.problem(actor, maxCharacters) != null ? null : actor;
        } catch (IOException | RuntimeException e) {
            return null;
        }
    }
}
