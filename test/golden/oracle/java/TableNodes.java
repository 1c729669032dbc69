// Tables, and what is made of one of them alone.

import org.apache.kafka.streams.kstream.KTable;
import org.apache.kafka.streams.kstream.Suppressed;
import org.apache.kafka.streams.kstream.Suppressed.BufferConfig;
import org.apache.kafka.streams.kstream.Windowed;

final class TableNodes {
  private TableNodes() {}

  static Object source(Node node, Handles handles) {
    String topic = node.text("topic");
    return node.has("store") ? handles.builder.table(topic, StreamNodes.consumed(node), Materializing.rows(node)) : handles.builder.table(topic, StreamNodes.consumed(node));
  }

  static Object globalSource(Node node, Handles handles) {
    String topic = node.text("topic");
    if (!node.has("store")) return handles.builder.globalTable(topic, StreamNodes.consumed(node));
    handles.globalStores.add(node.child("store").text("name"));
    return handles.builder.globalTable(topic, StreamNodes.consumed(node), Materializing.rows(node));
  }

  /** Null: the node is none of these. */
  static Object derived(Node node, KTable<Object, Object> from) {
    boolean isStored = node.has("store");
    return switch (node.text("op")) {
      case "filter" -> {
        Functions.Predicate predicate = Functions.predicate(node.child("predicate"));
        yield isStored ? from.filter(predicate::test, Materializing.rows(node)) : from.filter(predicate::test);
      }
      case "filterNot" -> {
        Functions.Predicate predicate = Functions.predicate(node.child("predicate"));
        yield isStored ? from.filterNot(predicate::test, Materializing.rows(node)) : from.filterNot(predicate::test);
      }
      case "mapValues" -> {
        Functions.Two mapper = Functions.mapper(node.child("value"));
        yield isStored ? from.mapValues((k, v) -> mapper.apply(k, v), Materializing.rows(node)) : from.mapValues((k, v) -> mapper.apply(k, v));
      }
      case "toStream" -> node.has("key") ? from.toStream(Functions.mapper(node.child("key"))::apply) : from.toStream();
      case "groupBy" -> Aggregates.group(node, from);
      case "suppress" -> node.is("until", "windowCloses") ? untilWindowCloses(node, from) : from.suppress(Suppressed.untilTimeLimit(node.duration("limitMs"), bufferOf(node)));
      default -> null;
    };
  }

  @SuppressWarnings("unchecked")
  private static Object untilWindowCloses(Node node, KTable<Object, Object> from) {
    Suppressed.StrictBufferConfig buffer = node.has("maxRecords") ? BufferConfig.maxRecords(node.number("maxRecords")).shutDownWhenFull() : BufferConfig.unbounded();
    return ((KTable<Windowed<Object>, Object>) (KTable<?, Object>) from).suppress(Suppressed.<Windowed<Object>>untilWindowCloses(buffer));
  }

  private static BufferConfig<?> bufferOf(Node node) {
    if (!node.has("maxRecords")) return BufferConfig.unbounded();
    var bounded = BufferConfig.maxRecords(node.number("maxRecords"));
    return node.is("whenFull", "fail") ? bounded.shutDownWhenFull() : bounded.emitEarlyWhenFull();
  }
}
