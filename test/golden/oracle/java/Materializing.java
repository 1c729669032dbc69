// How a node says where its rows are kept.

import java.time.Duration;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.processor.StateStore;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.SessionStore;
import org.apache.kafka.streams.state.Stores;
import org.apache.kafka.streams.state.WindowStore;

final class Materializing {
  private Materializing() {}

  /** With the node's own serdes. */
  static Materialized<Object, Object, KeyValueStore<Bytes, byte[]>> rows(Node node) {
    return rows(node, node.serde("keySerde"), node.serde("valueSerde"));
  }

  static <V> Materialized<Object, V, KeyValueStore<Bytes, byte[]>> rows(Node node, Serde<Object> key, Serde<V> value) {
    Node store = node.child("store");
    if (store == null) return Materialized.with(key, value);
    if (!store.has("historyMs")) return Materialized.<Object, V, KeyValueStore<Bytes, byte[]>>as(store.text("name")).withKeySerde(key).withValueSerde(value);
    return Materialized.<Object, V>as(Stores.persistentVersionedKeyValueStore(store.text("name"), store.duration("historyMs"))).withKeySerde(key).withValueSerde(value);
  }

  static <V> Materialized<Object, V, WindowStore<Bytes, byte[]>> windows(Node node, Windowing windowing, Serde<Object> key, Serde<V> value, Variant variant) {
    Materialized<Object, V, WindowStore<Bytes, byte[]>> kept = named(node, key, value);
    Node store = node.child("store");
    if (store != null && store.has("retentionMs")) return kept.withRetention(store.duration("retentionMs"));
    // A day, so that nothing hangs on when exactly an entry goes.
    return variant.isPatient() ? kept.withRetention(Duration.ofMillis(windowing.retentionMs() + 86_400_000)) : kept;
  }

  static <V> Materialized<Object, V, SessionStore<Bytes, byte[]>> sessions(Node node, Windowing windowing, Serde<Object> key, Serde<V> value, Variant variant) {
    Materialized<Object, V, SessionStore<Bytes, byte[]>> kept = named(node, key, value);
    Node store = node.child("store");
    if (store != null && store.has("retentionMs")) return kept.withRetention(store.duration("retentionMs"));
    // Much longer, and sessions would be merged that are over.
    return variant.isPatient() ? kept.withRetention(Duration.ofMillis(windowing.retentionMs() + 1)) : kept;
  }

  private static <V, S extends StateStore> Materialized<Object, V, S> named(Node node, Serde<Object> key, Serde<V> value) {
    if (!node.has("store")) return Materialized.with(key, value);
    return Materialized.<Object, V, S>as(node.child("store").text("name")).withKeySerde(key).withValueSerde(value);
  }
}
