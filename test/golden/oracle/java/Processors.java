// The processors of `process` nodes, section 6 of the format.

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiConsumer;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.processor.Cancellable;
import org.apache.kafka.streams.processor.PunctuationType;
import org.apache.kafka.streams.processor.Punctuator;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.WindowStore;
import org.apache.kafka.streams.state.WindowStoreIterator;

final class Processors implements Processor<Object, Object, Object, Object> {
  private final Node ref;
  private ProcessorContext<Object, Object> context;
  private Cancellable schedule;
  private int calls = 0;

  Processors(Node ref) {
    this.ref = ref;
  }

  @Override
  public void init(ProcessorContext<Object, Object> context) {
    this.context = context;
    if (!ref.has("everyMs")) return;
    PunctuationType type = ref.is("time", "stream") ? PunctuationType.STREAM_TIME : PunctuationType.WALL_CLOCK_TIME;
    Punctuator punctuator = this::punctuate;
    schedule = ref.has("startAtMs")
        ? context.schedule(Instant.ofEpochMilli(ref.number("startAtMs")), ref.duration("everyMs"), type, punctuator)
        : context.schedule(ref.duration("everyMs"), type, punctuator);
  }

  @Override
  public void process(Record<Object, Object> record) {
    Object key = record.key();
    switch (ref.text("name")) {
      case "addHeader" -> forwardWithHeaders(record, (headers, name) -> headers.add(name, ref.text("text").getBytes(StandardCharsets.UTF_8)));
      case "removeHeader" -> forwardWithHeaders(record, Headers::remove);
      case "shiftTime" -> context.forward(record.withTimestamp(Math.max(0, record.timestamp() + ref.number("ms"))));
      case "put" -> put(record);
      case "listing" -> listing(record);
      case "recent" -> recent(record);
      case "tick" -> context.forward(record);
      case "countThenPunctuate" -> {
        if (key != null) rows().put(key, Functions.number(rows().get(key)) + 1);
      }
      case "expire" -> {
        if (key != null) rows().put(key, Math.max(Functions.number(rows().get(key)), record.timestamp()));
        context.forward(record);
      }
      default -> throw new IllegalArgumentException("no processor is called " + ref.text("name"));
    }
  }

  private void punctuate(long now) {
    switch (ref.text("name")) {
      case "tick" -> {
        calls++;
        context.forward(new Record<>(ref.value("key"), calls + "@" + now, now));
        if (ref.has("stopAfter") && calls >= ref.number("stopAfter")) schedule.cancel();
      }
      case "countThenPunctuate" -> {
        List<KeyValue<Object, Object>> entries = listOf(rows().all());
        for (KeyValue<Object, Object> entry : entries) context.forward(new Record<>(entry.key, entry.value, now));
        if (ref.flag("clear")) for (KeyValue<Object, Object> entry : entries) rows().delete(entry.key);
      }
      case "expire" -> {
        for (KeyValue<Object, Object> entry : listOf(rows().all())) {
          if ((Long) entry.value >= now - ref.number("ttlMs")) continue;
          rows().delete(entry.key);
          context.forward(new Record<>(entry.key, "expired", now));
        }
      }
      default -> throw new IllegalArgumentException(ref.text("name") + " has no punctuator");
    }
  }

  private KeyValueStore<Object, Object> rows() {
    return context.getStateStore(ref.text("store"));
  }

  private void forwardWithHeaders(Record<Object, Object> record, BiConsumer<Headers, String> change) {
    Headers headers = new RecordHeaders(record.headers());
    change.accept(headers, ref.text("header"));
    context.forward(record.withHeaders(headers));
  }

  private void put(Record<Object, Object> record) {
    if (record.key() != null) rows().put(record.key(), record.value());
  }

  private void listing(Record<Object, Object> record) {
    put(record);
    KeyValueIterator<Object, Object> range = ref.flag("reverse") ? rows().reverseRange(ref.value("from"), ref.value("to")) : rows().range(ref.value("from"), ref.value("to"));
    List<String> entries = listOf(range).stream().map(entry -> Json.text(entry.key) + "=" + Json.text(entry.value)).toList();
    context.forward(record.withValue(String.join(",", entries)));
  }

  private void recent(Record<Object, Object> record) {
    if (record.key() == null || record.value() == null) return;
    WindowStore<Object, Object> store = context.getStateStore(ref.text("store"));
    store.put(record.key(), record.value(), record.timestamp());
    List<String> entries = new ArrayList<>();
    try (WindowStoreIterator<Object> found = store.fetch(record.key(), Math.max(0, record.timestamp() - ref.number("backMs")), record.timestamp())) {
      found.forEachRemaining(entry -> entries.add(Json.text(entry.value) + "@" + entry.key));
    }
    context.forward(record.withValue(String.join(",", entries)));
  }

  private static List<KeyValue<Object, Object>> listOf(KeyValueIterator<Object, Object> iterator) {
    List<KeyValue<Object, Object>> entries = new ArrayList<>();
    try (iterator) {
      iterator.forEachRemaining(entries::add);
    }
    return entries;
  }
}
