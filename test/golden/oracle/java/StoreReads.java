// What stands in the stores that a case reads after its last step.

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.TopologyTestDriver;
import org.apache.kafka.streams.kstream.Windowed;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.ValueAndTimestamp;
import org.apache.kafka.streams.state.VersionedKeyValueStore;
import org.apache.kafka.streams.state.VersionedRecord;

final class StoreReads {
  private static final Comparator<ObjectNode> BY_KEY_THEN_WINDOW = Comparator
      .<ObjectNode, byte[]>comparing(entry -> entry.get("key").asText().getBytes(StandardCharsets.UTF_8), Arrays::compareUnsigned)
      .thenComparingLong(entry -> entry.get("window").get(0).asLong())
      .thenComparingLong(entry -> entry.get("window").get(1).asLong());

  private final TopologyTestDriver driver;
  private final Node golden;

  StoreReads(TopologyTestDriver driver, Node golden) {
    this.driver = driver;
    this.golden = golden;
  }

  ObjectNode all() {
    ObjectNode stores = Json.MAPPER.createObjectNode();
    for (Node read : golden.children("reads")) {
      ArrayNode entries = stores.putArray(read.text("store"));
      entriesOf(read).forEach(entries::add);
    }
    return stores;
  }

  private List<ObjectNode> entriesOf(Node read) {
    String name = read.text("store");
    // A store of a processor's own keeps no timestamps.
    boolean isPlain = golden.child("topology").children("nodes").stream().anyMatch(node -> node.is("op", "stateStore") && node.is("name", name));
    return switch (read.text("kind")) {
      case "keyValue" -> rows(isPlain ? driver.getKeyValueStore(name).all() : driver.getTimestampedKeyValueStore(name).all());
      case "window" -> sorted(windows(isPlain ? driver.getWindowStore(name).all() : driver.getTimestampedWindowStore(name).all()));
      case "session" -> sorted(read.texts("keys").stream().flatMap(key -> windows(driver.getSessionStore(name).fetch(key)).stream()).toList());
      case "versioned" -> read.children("gets").stream().map(get -> version(driver.getVersionedKeyValueStore(name), get)).toList();
      default -> throw new IllegalArgumentException("no read is of the kind " + read.text("kind"));
    };
  }

  private static List<ObjectNode> rows(KeyValueIterator<?, ?> iterator) {
    List<ObjectNode> rows = new ArrayList<>();
    try (iterator) {
      while (iterator.hasNext()) {
        KeyValue<?, ?> entry = iterator.next();
        ObjectNode row = Json.MAPPER.createObjectNode();
        row.set("key", Json.nodeOf(entry.key));
        addValue(row, entry.value);
        rows.add(row);
      }
    }
    return rows;
  }

  private static List<ObjectNode> windows(KeyValueIterator<? extends Windowed<?>, ?> iterator) {
    List<ObjectNode> windows = new ArrayList<>();
    try (iterator) {
      while (iterator.hasNext()) {
        KeyValue<? extends Windowed<?>, ?> entry = iterator.next();
        ObjectNode window = Json.MAPPER.createObjectNode();
        window.set("key", Json.nodeOf(entry.key.key()));
        window.putArray("window").add(entry.key.window().start()).add(entry.key.window().end());
        addValue(window, entry.value);
        windows.add(window);
      }
    }
    return windows;
  }

  private static void addValue(ObjectNode entry, Object value) {
    if (value instanceof ValueAndTimestamp<?> timed) {
      entry.set("value", Json.nodeOf(timed.value()));
      entry.put("timestamp", timed.timestamp());
    } else {
      entry.set("value", Json.nodeOf(value));
    }
  }

  private static ObjectNode version(VersionedKeyValueStore<Object, Object> store, Node get) {
    VersionedRecord<Object> found = get.has("asOf") ? store.get(get.text("key"), get.number("asOf")) : store.get(get.text("key"));
    ObjectNode entry = Json.MAPPER.createObjectNode();
    entry.put("key", get.text("key"));
    if (get.has("asOf")) entry.put("asOf", get.number("asOf"));
    entry.set("value", Json.nodeOf(found == null ? null : found.value()));
    entry.put("timestamp", found == null ? null : (Long) found.timestamp());
    return entry;
  }

  private static List<ObjectNode> sorted(List<ObjectNode> entries) {
    return entries.stream().sorted(BY_KEY_THEN_WINDOW).toList();
  }
}
