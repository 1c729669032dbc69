// Sources, sinks, and what streams can do without looking at other records.

import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.kstream.Branched;
import org.apache.kafka.streams.kstream.BranchedKStream;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.Named;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.Repartitioned;
import org.apache.kafka.streams.processor.TimestampExtractor;
import org.apache.kafka.streams.processor.TopicNameExtractor;
import org.apache.kafka.streams.processor.api.FixedKeyProcessorSupplier;
import org.apache.kafka.streams.processor.api.ProcessorSupplier;
import org.apache.kafka.streams.state.StoreBuilder;
import org.apache.kafka.streams.state.Stores;

final class StreamNodes {
  private StreamNodes() {}

  static Consumed<Object, Object> consumed(Node node) {
    Consumed<Object, Object> consumed = Consumed.with(node.serde("keySerde"), node.serde("valueSerde"));
    if (!node.has("timestampFrom")) return consumed;
    String field = node.child("timestampFrom").text("field");
    TimestampExtractor extractor = (record, partitionTime) -> Functions.field(record.value(), field) instanceof Long time ? time : record.timestamp();
    return consumed.withTimestampExtractor(extractor);
  }

  static Object source(Node node, Handles handles) {
    return handles.builder.stream(node.texts("topics"), consumed(node));
  }

  static void stateStore(Node node, Handles handles) {
    String name = node.text("name");
    boolean inMemory = handles.variant.inMemory();
    StoreBuilder<?> store = switch (node.text("kind")) {
      case "keyValue" -> Stores.keyValueStoreBuilder(inMemory ? Stores.inMemoryKeyValueStore(name) : Stores.persistentKeyValueStore(name), node.serde("keySerde"), node.serde("valueSerde"));
      case "window" -> {
        Duration retention = node.duration("retentionMs");
        Duration size = node.duration("sizeMs");
        boolean duplicates = node.flag("retainDuplicates");
        var supplier = inMemory ? Stores.inMemoryWindowStore(name, retention, size, duplicates) : Stores.persistentWindowStore(name, retention, size, duplicates);
        yield Stores.windowStoreBuilder(supplier, node.serde("keySerde"), node.serde("valueSerde"));
      }
      case "versioned" -> Stores.versionedKeyValueStoreBuilder(Stores.persistentVersionedKeyValueStore(name, node.duration("historyMs")), node.serde("keySerde"), node.serde("valueSerde"));
      default -> throw new IllegalArgumentException("no store is of the kind " + node.text("kind"));
    };
    handles.builder.addStateStore(store);
  }

  /** Null: the node is none of these. */
  static Object stateless(Node node, KStream<Object, Object> from, Handles handles) {
    return switch (node.text("op")) {
      case "filter" -> from.filter(Functions.predicate(node.child("predicate"))::test);
      case "filterNot" -> from.filterNot(Functions.predicate(node.child("predicate"))::test);
      case "mapValues" -> from.mapValues((k, v) -> Functions.mapper(node.child("value")).apply(k, v));
      case "map" -> {
        Functions.Two key = Functions.mapper(node.child("key"));
        Functions.Two value = Functions.mapper(node.child("value"));
        yield from.map((k, v) -> KeyValue.pair(key.apply(k, v), value.apply(k, v)));
      }
      case "selectKey" -> from.selectKey(Functions.mapper(node.child("key"))::apply);
      case "flatMap" -> from.flatMap((k, v) -> Functions.pairs(node.child("pairs"), k, v));
      case "flatMapValues" -> from.flatMapValues((k, v) -> (List<?>) Functions.values(node.child("values")).apply(k, v));
      case "merge" -> from.merge(handles.stream(node, "with"));
      case "repartition" -> from.repartition(Repartitioned.with(node.serde("keySerde"), node.serde("valueSerde")).withName(node.text("name")));
      case "toTable" -> from.toTable(Materializing.rows(node));
      case "process" -> {
        ProcessorSupplier<Object, Object, Object, Object> supplier = () -> new Processors(node.child("processor"));
        yield from.process(supplier, storesOf(node, handles));
      }
      case "processValues" -> {
        FixedKeyProcessorSupplier<Object, Object, Object> supplier = () -> new FixedKeyProcessors(node.child("processor"));
        yield from.processValues(supplier, storesOf(node, handles));
      }
      default -> null;
    };
  }

  private static String[] storesOf(Node node, Handles handles) {
    return node.texts("stores").stream().filter(name -> !handles.globalStores.contains(name)).toArray(String[]::new);
  }

  static void split(Node node, KStream<Object, Object> from, Handles handles) {
    String prefix = node.text("id") + "-";
    BranchedKStream<Object, Object> split = from.split(Named.as(prefix));
    for (Node branch : node.children("branches")) split.branch(Functions.predicate(branch.child("predicate"))::test, Branched.as(branch.text("name")));
    Map<String, KStream<Object, Object>> branches = node.has("default") ? split.defaultBranch(Branched.as(node.text("default"))) : split.noDefaultBranch();
    branches.forEach((name, branch) -> handles.put(node.text("id") + "." + name.substring(prefix.length()), branch));
  }

  static void sink(Node node, KStream<Object, Object> from) {
    Produced<Object, Object> produced = Produced.with(node.serde("keySerde"), node.serde("valueSerde"));
    if (node.has("topic")) {
      from.to(node.text("topic"), produced);
      return;
    }
    Node chooser = node.child("topicFrom");
    Functions.Two mapper = Functions.mapper(chooser.child("mapper"));
    TopicNameExtractor<Object, Object> topic = (k, v, context) -> chooser.text("prefix") + Json.text(mapper.apply(k, v));
    from.to(topic, produced);
  }
}
