// What has been built so far, by the ids of the nodes.

import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.KTable;

final class Handles {
  final StreamsBuilder builder = new StreamsBuilder();
  final Variant variant;
  /** Stores of global tables: no processor may name them as its own. */
  final Set<String> globalStores = new HashSet<>();
  private final Map<String, Object> byId = new HashMap<>();

  Handles(Variant variant) {
    this.variant = variant;
  }

  void put(String id, Object handle) {
    byId.put(id, handle);
  }

  Object get(Node node, String member) {
    Object handle = byId.get(node.text(member));
    if (handle == null) throw new IllegalArgumentException("there is no node " + node.text(member) + " before " + node.json());
    return handle;
  }

  boolean isTable(Node node, String member) {
    return get(node, member) instanceof KTable;
  }

  @SuppressWarnings("unchecked")
  KStream<Object, Object> stream(Node node, String member) {
    return (KStream<Object, Object>) get(node, member);
  }

  @SuppressWarnings("unchecked")
  KTable<Object, Object> table(Node node, String member) {
    return (KTable<Object, Object>) get(node, member);
  }
}
