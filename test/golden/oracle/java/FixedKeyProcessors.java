// The processors of `processValues` nodes, section 6 of the format.

import java.nio.charset.StandardCharsets;
import java.util.function.Consumer;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.streams.processor.api.FixedKeyProcessor;
import org.apache.kafka.streams.processor.api.FixedKeyProcessorContext;
import org.apache.kafka.streams.processor.api.FixedKeyRecord;
import org.apache.kafka.streams.processor.api.RecordMetadata;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.ReadOnlyKeyValueStore;
import org.apache.kafka.streams.state.ValueAndTimestamp;
import org.apache.kafka.streams.state.VersionedKeyValueStore;
import org.apache.kafka.streams.state.VersionedRecord;
import org.apache.kafka.streams.state.WindowStore;
import org.apache.kafka.streams.state.WindowStoreIterator;

final class FixedKeyProcessors implements FixedKeyProcessor<Object, Object, Object> {
  private final Node ref;
  private FixedKeyProcessorContext<Object, Object> context;
  private Consumer<FixedKeyRecord<Object, Object>> step;

  FixedKeyProcessors(Node ref) {
    this.ref = ref;
  }

  @Override
  public void init(FixedKeyProcessorContext<Object, Object> context) {
    this.context = context;
    step = switch (ref.text("name")) {
      case "dedupe" -> this::dedupe;
      case "previous" -> this::previous;
      case "lookup" -> record -> forward(record, Json.text(record.value()) + "|" + Json.text(record.key() == null ? null : found(record.key())));
      case "asOf" -> this::asOf;
      case "twice" -> record -> {
        forward(record, Json.text(record.value()) + "#1");
        forward(record, Json.text(record.value()) + "#2");
      };
      case "headerAsValue" -> record -> {
        Header header = record.headers().lastHeader(ref.text("header"));
        forward(record, header == null || header.value() == null ? null : new String(header.value(), StandardCharsets.UTF_8));
      };
      case "times" -> record -> forward(record, "stream=" + context.currentStreamTimeMs() + " wall=" + context.currentSystemTimeMs());
      case "place" -> record -> {
        RecordMetadata read = context.recordMetadata().orElseThrow();
        forward(record, read.topic() + "-" + read.partition() + "@" + read.offset());
      };
      default -> throw new IllegalArgumentException("no fixed-key processor is called " + ref.text("name"));
    };
  }

  @Override
  public void process(FixedKeyRecord<Object, Object> record) {
    step.accept(record);
  }

  private void forward(FixedKeyRecord<Object, Object> record, Object value) {
    context.forward(record.withValue(value));
  }

  private <S> S store() {
    return context.getStateStore(ref.text("store"));
  }

  private void dedupe(FixedKeyRecord<Object, Object> record) {
    Object id = Functions.mapper(ref.child("id")).apply(record.key(), record.value());
    if (id != null) {
      WindowStore<Object, Object> seen = store();
      long time = record.timestamp();
      long window = ref.number("windowMs");
      try (WindowStoreIterator<Object> found = seen.fetch(id, Math.max(0, time - window), time + window)) {
        if (found.hasNext()) return;
      }
      seen.put(id, time, time);
    }
    context.forward(record);
  }

  private void previous(FixedKeyRecord<Object, Object> record) {
    if (record.key() == null) return;
    KeyValueStore<Object, Object> store = store();
    Object old = store.get(record.key());
    store.put(record.key(), record.value());
    forward(record, Json.text(old) + ">" + Json.text(record.value()));
  }

  private Object found(Object key) {
    Object store = store();
    if (store instanceof VersionedKeyValueStore<?, ?> versions) {
      VersionedRecord<?> version = castVersions(versions).get(key);
      return version == null ? null : version.value();
    }
    Object value = castRows(store).get(key);
    return value instanceof ValueAndTimestamp<?> timed ? timed.value() : value;
  }

  @SuppressWarnings("unchecked")
  private static VersionedKeyValueStore<Object, Object> castVersions(VersionedKeyValueStore<?, ?> store) {
    return (VersionedKeyValueStore<Object, Object>) store;
  }

  @SuppressWarnings("unchecked")
  private static ReadOnlyKeyValueStore<Object, Object> castRows(Object store) {
    return (ReadOnlyKeyValueStore<Object, Object>) store;
  }

  private void asOf(FixedKeyRecord<Object, Object> record) {
    if (record.key() == null) return;
    VersionedKeyValueStore<Object, Object> store = store();
    store.put(record.key(), record.value(), record.timestamp());
    String before = shown(store.get(record.key(), record.timestamp() - ref.number("agoMs")));
    forward(record, before + " latest " + shown(store.get(record.key())));
  }

  private static String shown(VersionedRecord<Object> version) {
    return version == null ? "null" : Json.text(version.value()) + "@" + version.timestamp();
  }
}
