package peers;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonFactoryBuilder;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.StreamWriteFeature;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;

/** Samples in, predictions out, by Jackson's streaming parser and one generator for all of them. */
final class Json {
    /** Jackson's table of names is faster for few of them, and three times slower for many. */
    private static final int FEW_NAMES = 5_000;

    private static final JsonFactory FACTORY = factory(true);
    private static final JsonFactory FACTORY_FOR_MANY = factory(false);

    private final ByteArrayOutputStream written = new ByteArrayOutputStream(512);
    private final JsonGenerator generator;

    Json() {
        try {
            generator = FACTORY.createGenerator(written).setRootValueSeparator(null);
        } catch (IOException failure) {
            throw new UncheckedIOException(failure);
        }
    }

    private static JsonFactory factory(boolean fewNames) {
        return new JsonFactoryBuilder()
                .enable(StreamReadFeature.USE_FAST_DOUBLE_PARSER)
                .enable(StreamWriteFeature.USE_FAST_DOUBLE_WRITER)
                .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
                .configure(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES, fewNames)
                .build();
    }

    /** Read a sample; its features become rows of the neuron. */
    void read(byte[] value, Neuron neuron, Sample sample) throws IOException {
        sample.clear();
        JsonFactory factory = neuron.size() < FEW_NAMES ? FACTORY : FACTORY_FOR_MANY;
        try (JsonParser parser = factory.createParser(value)) {
            expect(parser.nextToken(), JsonToken.START_OBJECT);
            while (parser.nextToken() == JsonToken.FIELD_NAME) {
                String field = parser.currentName();
                JsonToken token = parser.nextToken();
                switch (field) {
                    case "id" -> {
                        sample.idIsText = token == JsonToken.VALUE_STRING;
                        sample.id = token == JsonToken.VALUE_NULL ? null : parser.getText();
                    }
                    case "features" -> readFeatures(parser, neuron, sample);
                    case "label" -> sample.label = token == JsonToken.VALUE_NULL ? Double.NaN : number(parser, token);
                    case "weight" -> sample.weight = number(parser, token);
                    default -> parser.skipChildren();
                }
            }
        }
    }

    private static void readFeatures(JsonParser parser, Neuron neuron, Sample sample) throws IOException {
        expect(parser.currentToken(), JsonToken.START_OBJECT);
        while (parser.nextToken() == JsonToken.FIELD_NAME) {
            String name = parser.currentName();
            JsonToken token = parser.nextToken();
            if (token == JsonToken.VALUE_STRING) {
                sample.add(neuron.row(name, parser.getText()), 1.0);
            } else if (token != JsonToken.VALUE_NULL) {
                sample.add(neuron.row(name), number(parser, token));
            }
        }
    }

    private static double number(JsonParser parser, JsonToken token) throws IOException {
        return switch (token) {
            case VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT -> parser.getDoubleValue();
            case VALUE_TRUE -> 1.0;
            case VALUE_FALSE -> 0.0;
            default -> throw new IOException("expected a number or a boolean, got " + token);
        };
    }

    private static void expect(JsonToken found, JsonToken expected) throws IOException {
        if (found != expected) {
            throw new IOException("expected " + expected + ", got " + found);
        }
    }

    /** Return a prediction in the form that the service publishes. */
    byte[] write(Sample sample, double probability, long version, String topic, int partition, long offset)
            throws IOException {
        written.reset();
        generator.writeStartObject();
        generator.writeFieldName("id");
        if (sample.id == null) {
            generator.writeString(topic + "-" + partition + "-" + offset);
        } else if (sample.idIsText) {
            generator.writeString(sample.id);
        } else {
            generator.writeNumber(sample.id);
        }
        generator.writeNumberField("prediction", probability > 0.5 ? 1 : 0);
        generator.writeNumberField("probability", probability);
        if (Double.isNaN(sample.label)) {
            generator.writeNullField("label");
        } else {
            generator.writeNumberField("label", (int) sample.label);
        }
        generator.writeStringField("model", "peer");
        generator.writeNumberField("version", version);
        generator.writeStringField("topic", topic);
        generator.writeNumberField("partition", partition);
        generator.writeNumberField("offset", offset);
        generator.writeEndObject();
        generator.flush();
        return written.toByteArray();
    }
}
